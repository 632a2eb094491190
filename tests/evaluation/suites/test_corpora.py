"""Data sets as films, with real `datasets` on disk made of tiny sounds; nothing is asked of a network."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import datasets
import numpy as np
import pytest
import soundfile
from datasets import Audio, ClassLabel, Dataset, Features, Value

from dubkit.errors import BadInput, MissingModel
from evaluation.suites import audiofolder, corpora
from evaluation.suites.corpora import Corpus

RATE = 16_000


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `datasets` prepares goes with the test."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path_factory.mktemp("cache"))
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)


def sound(hz: float, seconds: float = 0.5, form: str = "WAV") -> bytes:
    """A tone as a file's bytes."""
    stream = io.BytesIO()
    soundfile.write(stream, 0.3 * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE)) / RATE), RATE, format=form)
    return stream.getvalue()


def fleurs(folder: Path) -> Path:
    """FLEURS as the hub converts it: ``CONFIGURATION/SPLIT/0000.parquet``; sentence 7 is read by two."""
    features = Features(
        {
            "id": Value("int32"),
            "audio": Audio(sampling_rate=RATE),
            "transcription": Value("string"),
            "raw_transcription": Value("string"),
            "gender": ClassLabel(names=["male", "female", "other"]),
        }
    )
    spanish = [(7, "Uno.", 0), (7, "Uno.", 1), (8, "Dos.", 1), (9, "Tres.", 2), (10, "Solo español.", 0)]
    english = [(7, "One.", 0), (8, "Two.", 0), (9, "Three.", 0), (11, "English only.", 0)]
    for name, rows in (("es_419", spanish), ("en_us", english)):
        table = [
            {
                "id": key,
                "audio": {"bytes": sound(200 + 50 * n), "path": f"{n}.wav"},
                "transcription": text.lower(),
                "raw_transcription": text,
                "gender": gender,
            }
            for n, (key, text, gender) in enumerate(rows)
        ]
        target = folder / name / "test" / "0000.parquet"
        target.parent.mkdir(parents=True)
        Dataset.from_list(table, features=features).to_parquet(target)
    return folder


def covost(folder: Path, *, with_sound: bool) -> Path:
    features = {name: Value("string") for name in ("client_id", "file", "sentence", "translation")}
    rows = [
        {"client_id": who, "file": f"{n}.mp3", "sentence": f"Frase {n}.", "translation": f"Sentence {n}."}
        for n, who in enumerate(["abc", "def", "abc"])
    ]
    if with_sound:
        features["audio"] = Audio(sampling_rate=RATE)
        rows = [{**row, "audio": {"bytes": sound(300, form="MP3"), "path": row["file"]}} for row in rows]
    target = folder / "es_en" / "test" / "0000.parquet"
    target.parent.mkdir(parents=True)
    Dataset.from_list(rows, features=Features(features)).to_parquet(target)
    return folder


def sounds(folder: Path, rows: list[dict[str, str]]) -> Path:
    """A folder of recordings with its metadata."""
    folder.mkdir()
    for n, row in enumerate(rows):
        (folder / row["file_name"]).write_bytes(sound(200 + 100 * n))
    with (folder / "metadata.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder


class TestFleurs:
    @pytest.fixture
    def corpus(self, tmp_path: Path) -> Corpus:
        return Corpus(loader="fleurs", language="es", target="en", path=str(fleurs(tmp_path / "fleurs")))

    def test_each_sentence_that_both_languages_have_is_taken_once(self, corpus):
        found = list(corpora.spoken(corpus))
        assert sorted((one.text, one.translation) for one in found) == [
            ("Dos.", "Two."),
            ("Tres.", "Three."),
            ("Uno.", "One."),
        ]
        genders = {one.text: one.gender for one in found}
        assert genders["Dos."] == "female"
        assert genders["Tres."] == "unknown"
        assert {one.speaker for one in found} == {""}
        assert all(isinstance(one.audio["bytes"], bytes) for one in found)

    def test_a_seed_gives_an_order(self, corpus):
        orders = [tuple(one.text for one in corpora.spoken(corpus.but(seed=seed))) for seed in range(8)]
        assert orders[0] == tuple(one.text for one in corpora.spoken(corpus))
        assert len(set(orders)) > 1

    def test_no_more_clips_than_asked_for(self, corpus):
        assert len(list(corpora.spoken(corpus.but(n_clips=2)))) == 2

    def test_becomes_films_with_their_truth(self, corpus, tmp_path):
        first, second = corpora.build(corpus.but(per_reel=2), tmp_path / "films")
        assert (first.name, second.name) == ("fleurs-es-1", "fleurs-es-2")
        assert (len(first.truth.utterances), len(second.truth.utterances)) == (2, 1)
        assert not first.speakers_known
        assert len(first.truth.speakers) == 2
        pairs = {"Uno.": "One.", "Dos.": "Two.", "Tres.": "Three."}
        for one in (first, second):
            said = [pairs[line.text] for line in one.truth.utterances]
            assert list(one.truth.translations["en"]) == said
            assert (one.folder / f"{one.name}.mp4").is_file()
        assert first.truth.utterances[0].end == pytest.approx(1.0, abs=0.02)

    def test_films_are_made_once_for_the_same_clips(self, corpus, tmp_path):
        films = tmp_path / "films"
        one = corpora.build(corpus.but(n_clips=1), films)[0]
        before = (one.folder / "fleurs-es-1.mp4").stat().st_mtime_ns
        again = corpora.build(corpus.but(n_clips=1), films)[0]
        assert again == one
        assert (again.folder / "fleurs-es-1.mp4").stat().st_mtime_ns == before
        corpora.build(corpus.but(n_clips=2), films)
        assert len(list(films.iterdir())) == 2


class TestCovost:
    def test_people_and_translations_are_known(self, tmp_path):
        path = covost(tmp_path / "covost", with_sound=True)
        found = list(corpora.spoken(Corpus(loader="covost2", language="es", target="en", path=str(path))))
        assert {(one.text, one.translation) for one in found} == {(f"Frase {n}.", f"Sentence {n}.") for n in range(3)}
        people = {one.text: one.speaker for one in found}
        assert people["Frase 0."] == people["Frase 2."] != people["Frase 1."]

    def test_sound_lies_in_common_voice_where_there_is_none(self, tmp_path):
        corpus = Corpus(
            loader="covost2", language="es", target="en", path=str(covost(tmp_path / "covost", with_sound=False))
        )
        with pytest.raises(BadInput, match=r"folder of Common Voice's clips as `clips`"):
            list(corpora.spoken(corpus))
        found = list(corpora.spoken(corpus.but(clips=str(tmp_path / "clips"))))
        assert {Path(one.audio["path"]) for one in found} == {tmp_path / "clips" / f"{n}.mp3" for n in range(3)}
        with pytest.raises(BadInput, match="cannot be read"):
            corpora.build(corpus.but(clips=str(tmp_path / "clips")), tmp_path / "films")


COLUMNS = ("file_name", "text", "speaker", "gender", "language", "translation_en")
ROWS = [
    dict(zip(COLUMNS, row, strict=True))
    for row in (
        ("a.wav", "Hola.", "ana", "female", "es", "Hello."),
        ("b.wav", "Adiós.", "ben", "x", "es", "Goodbye."),
        ("c.wav", "Tchau.", "ana", "female", "pt", "Bye."),
    )
]


class TestAudiofolder:
    def test_is_a_suite_that_loads(self, tmp_path, monkeypatch):
        from data import samples

        monkeypatch.setattr(samples, "BUILT", tmp_path / "built")
        suite = audiofolder(sounds(tmp_path / "my sounds", ROWS), "Spanish", "en")
        assert suite.id == "my-sounds-es-en"
        (item,) = suite.load()
        assert (item.id, item.language, item.given) == ("audiofolder-es-1>en", "es", ())
        assert sorted(u.text for u in item.truth.utterances) == ["Adiós.", "Hola."]
        assert sorted(item.truth.translations["en"]) == ["Goodbye.", "Hello."]
        assert {who.id: who.gender for who in item.truth.speakers} == {"ana": "female", "ben": "unknown"}
        assert item.folder.parent == tmp_path / "built" / "corpora"

    def test_file_name_and_text_are_enough(self, tmp_path):
        path = sounds(tmp_path / "s", [{"file_name": "a.wav", "text": "Hola."}, {"file_name": "b.wav", "text": ""}])
        corpus = Corpus(loader="audiofolder", language="es", target="en", path=str(path))
        (one,) = corpora.spoken(corpus)
        assert (one.text, one.speaker, one.gender, one.translation) == ("Hola.", "", "unknown", "")
        (made,) = corpora.build(corpus, tmp_path / "films")
        assert made.truth.translations == {}
        assert not made.speakers_known

    def test_no_clip_in_the_language_is_refused(self, tmp_path):
        path = sounds(tmp_path / "s", [{"file_name": "a.wav", "text": "Hola.", "language": "es"}])
        with pytest.raises(BadInput, match="no clips in 'fr'"):
            corpora.build(Corpus(loader="audiofolder", language="fr", target="en", path=str(path)), tmp_path / "films")

    def test_no_text_is_refused(self, tmp_path):
        path = sounds(tmp_path / "s", [{"file_name": "a.wav", "words": "Hola."}])
        with pytest.raises(BadInput, match="no column text; it has: audio, words"):
            list(corpora.spoken(Corpus(loader="audiofolder", language="es", target="en", path=str(path))))

    def test_a_folder_without_metadata_is_refused(self, tmp_path):
        with pytest.raises(BadInput, match=r"no folder with a metadata\.csv.*file_name and text"):
            audiofolder(tmp_path, "es", "en")


class TestValidate:
    @pytest.mark.parametrize(
        ("changes", "complaint"),
        [
            ({"target": "es"}, "both 'es'"),
            ({"language": "Spanish"}, "Write 'Spanish' as 'es'"),
            ({"language": "sw"}, "FLEURS's own name for 'sw' as `name`"),
            ({"target": "sw"}, "FLEURS's own name for 'sw'"),
        ],
    )
    def test_refuses_what_cannot_be_read(self, changes, complaint):
        corpus = Corpus(loader="fleurs", language="es", target="en").but(**changes)
        with pytest.raises(BadInput, match=complaint):
            corpora.validate(corpus)

    def test_other_languages_by_the_data_sets_own_name(self):
        corpora.validate(Corpus(loader="fleurs", language="sw", target="en", name="sw_ke"))

    def test_without_a_network_says_what_to_do(self, monkeypatch):
        def refuse(*_, **__):
            raise ConnectionError("Couldn't reach 'google/fleurs' on the Hub")

        monkeypatch.setattr(datasets, "load_dataset", refuse)
        with pytest.raises(
            MissingModel, match=r"google/fleurs, es_419, test.*Couldn't reach.*give its folder as `path`"
        ):
            list(corpora.spoken(Corpus(loader="fleurs", language="es", target="en")))

    def test_a_split_that_there_is_not_says_so(self, tmp_path):
        corpus = Corpus(loader="fleurs", language="es", target="en", path=str(fleurs(tmp_path / "f")), split="trial")
        with pytest.raises(MissingModel, match="trial"):
            list(corpora.spoken(corpus))

    def test_the_hub_is_asked_for_its_own_conversion(self, monkeypatch):
        asked = {}

        def note(path, **fields):
            asked.update(path=path, **fields)
            raise ConnectionError("enough")

        monkeypatch.setattr(datasets, "load_dataset", note)
        with pytest.raises(MissingModel):
            list(corpora.spoken(Corpus(loader="fleurs", language="pt", target="en")))
        assert asked == {
            "path": "google/fleurs",
            "data_dir": "pt_br",
            "split": "test",
            "revision": "refs/convert/parquet",
        }
