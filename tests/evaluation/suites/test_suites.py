"""Suites: what they promise can be had, and what cannot be run is refused."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from data import samples
from data.manifest import manifest
from data.truth import CastMember, SpokenLine, Truth
from dubkit.errors import BadInput
from evaluation import suites
from evaluation.suites import Item, Suite, SuiteItem, corpora, suite
from evaluation.suites.corpora import Corpus, Reel

ITEM = SuiteItem(sample="talking-head", target="pt")
TABLE = """
id = "mine"
title = "Mine"
what = "A test."
[[items]]
sample = "talking-head"
target = "pt"
"""


def truth(language: str = "en") -> Truth:
    line = SpokenLine(id="u001", speaker="a", gender="female", start=0, end=1, text="Hello.")
    who = CastMember(id="a", name="A", gender="female")
    return Truth(
        id="talking-head",
        title="T",
        language=language,
        duration=1.0,
        may_overlap=False,
        speakers=(who,),
        turns=(),
        utterances=(line,),
    )


@pytest.fixture
def nothing_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Samples that look built: a folder with a truth."""
    truth().save(tmp_path)
    monkeypatch.setattr(samples, "build", lambda sample: samples.Built(sample, tmp_path))
    return tmp_path


class TestThoseThatThereAre:
    def test_are_these(self):
        assert set(suites.suites()) >= {
            "dialogues",
            "english-speech",
            "prompts",
            "speakers",
            "guard",
            "fleurs",
            "covost2",
        }

    @pytest.mark.parametrize("name", suites.suites())
    def test_name_samples_that_there_are(self, name):
        found = suite(name)
        assert found.id == name
        known = {one.id: one for one in manifest().samples}
        assert all(known[item.sample].language != item.target for item in found.items)
        assert len(found.what) > 80
        assert len(found.licence) > 2

    def test_dialogues_have_a_reference_for_every_target(self):
        from data.dialogue import Script
        from data.manifest import HOME

        for item in suite("dialogues").items:
            script = Script.open(HOME / "dialogues" / f"{item.sample.removeprefix('dialogue-')}.toml")
            assert item.target in script.translations

    def test_english_speech_has_a_reference_for_every_target(self):
        known = {one.id: one for one in manifest().samples}
        for item in suite("english-speech").items:
            assert all(line.translations[item.target] for line in known[item.sample].lines)

    def test_only_speakers_stops_early(self):
        assert {name: suite(name).until for name in suites.suites() if suite(name).until != "combine"} == {
            "speakers": "diarize"
        }


class TestReading:
    def test_a_file_anywhere(self, tmp_path):
        path = tmp_path / "other.toml"
        path.write_text(TABLE + 'given = ["diarize"]\nset = { "transcribe.language" = "en" }\n')
        found = suite(str(path))
        assert found.items == (
            SuiteItem(sample="talking-head", target="pt", given=("diarize",), set={"transcribe.language": "en"}),
        )
        assert (found.until, found.judge, found.given) == ("combine", "faster-whisper:packaged-base", ())

    def test_an_unknown_name_lists_the_known_ones(self):
        with pytest.raises(BadInput, match=r"no suite 'dialog'.*dialogues.*speakers.*audiofolder:PATH"):
            suite("dialog")

    def test_what_is_not_toml_says_so(self, tmp_path):
        (tmp_path / "a.toml").write_text("id = ")
        with pytest.raises(BadInput, match=r"a\.toml is not TOML"):
            suite(str(tmp_path / "a.toml"))

    @pytest.mark.parametrize(
        ("more", "complaint"),
        [
            ('[[items]]\nsample = "telephone"', r"items\.1\.target: Field required"),
            ('colour = "blue"', r"items\.0\.colour"),
            ('[corpus]\nloader = "guess"\nlanguage = "es"\ntarget = "en"', "'fleurs', 'covost2' or 'audiofolder'"),
        ],
    )
    def test_what_is_no_suite_says_where(self, tmp_path, more, complaint):
        (tmp_path / "a.toml").write_text(TABLE + more)
        with pytest.raises(BadInput, match=rf"a\.toml is no suite: .*{complaint}"):
            suite(str(tmp_path / "a.toml"))


class TestValidate:
    @pytest.mark.parametrize(
        ("changes", "complaint"),
        [
            ({"until": "sing"}, "'sing' is no stage. Stages: validate, .*combine"),
            ({"items": ()}, "this one has neither"),
            ({"corpus": Corpus(loader="fleurs", language="es", target="en")}, "this one has both"),
            ({"given": ("combine",)}, "cannot replace 'combine'. It can: separate, diarize"),
            ({"items": (ITEM.but(given=("x",)),)}, "cannot replace 'x'"),
            ({"items": (ITEM, ITEM)}, "'talking-head>pt' is listed twice"),
            ({"items": (ITEM.but(target="Portuguese"),)}, "write 'Portuguese' as 'pt'"),
            ({"items": (ITEM.but(target="xx-no"),)}, "is not a language"),
            ({"items": (ITEM.but(set={"transcribe.tongue": 1}),)}, "no setting 'transcribe.tongue'"),
        ],
    )
    def test_refuses_what_cannot_be_run(self, changes, complaint):
        with pytest.raises(BadInput, match=complaint):
            Suite(**{"id": "s", "title": "", "what": "", "items": (ITEM,), **changes})

    def test_an_id_is_a_folder_name(self):
        with pytest.raises(ValueError, match="id"):
            Suite(id="../s", title="", what="", items=(ITEM,))


class TestLoading:
    def test_items_hold_what_is_known(self, nothing_built):
        one = Suite(id="s", title="", what="", given=("diarize",), items=(ITEM.but(given=("segment", "diarize")),))
        (item,) = one.load()
        assert item == Item(
            id="talking-head>pt",
            video=nothing_built / "talking-head.mp4",
            truth=truth(),
            text="Hello.",
            language="en",
            target="pt",
            folder=nothing_built,
            licence="public domain (a work of the United States government: White House footage)",
            given=("diarize", "segment"),
            changes={},
        )
        # Items go to worker processes.
        assert pickle.loads(pickle.dumps(item)) == item

    def test_settings_of_an_item_reach_it(self, nothing_built):
        (item,) = Suite(id="s", title="", what="", items=(ITEM.but(set={"segment.max_length": 20}),)).load()
        assert item.changes == {"segment.max_length": 20}

    @pytest.mark.parametrize(
        ("sample", "target", "complaint"),
        [
            ("talking", "pt", "no sample 'talking'. There are: .*talking-head"),
            ("talking-head", "en", "is in 'en' already"),
        ],
    )
    def test_refuses_samples_that_do_not_fit(self, nothing_built, sample, target, complaint):
        with pytest.raises(BadInput, match=complaint):
            Suite(id="s", title="", what="", items=(SuiteItem(sample=sample, target=target),)).load()

    def test_a_truth_without_names_replaces_diarization(self, tmp_path, monkeypatch):
        reels = [Reel("fleurs-es-1", tmp_path, truth("es"), False), Reel("fleurs-es-2", tmp_path, truth("es"), True)]
        monkeypatch.setattr(corpora, "build", lambda corpus: reels)
        first, second = suite("fleurs").load()
        assert (first.id, first.video) == ("fleurs-es-1>en", tmp_path / "fleurs-es-1.mp4")
        assert (first.given, second.given) == (("diarize",), ())
        assert (first.language, first.target, first.licence) == ("es", "en", "CC-BY-4.0 (FLEURS)")

    def test_outside_a_checkout_says_what_to_do(self, monkeypatch):
        monkeypatch.setitem(__import__("sys").modules, "data.samples", None)
        with pytest.raises(BadInput, match=r"checkout of the repository.*in its root"):
            suites.checkout("samples")

    def test_licences_of_all_films_once(self):
        found = suite("prompts").licence.split("; ")
        assert len(found) == len(set(found))
        assert any("Carlo Flora" in one for one in found)


def test_any_film_is_an_item(tmp_path):
    bare = Item.of_film("film", tmp_path / "film.mp4", "pt")
    assert (bare.id, bare.truth, bare.text, bare.language, bare.folder) == ("film>pt", None, "", "", tmp_path)
    known = Item.of_film("film", tmp_path / "film.mp4", "pt", truth=truth(), folder=tmp_path / "stems")
    assert (known.text, known.language, known.folder) == ("Hello.", "en", tmp_path / "stems")
