"""Pocket TTS's real classes, a few numbers wide, saved and loaded as the real models are."""

import json
import logging
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import torch
from builders import media, sine, sound, speaker, speakers, transcript, translation
from tiny import pocket as tiny

from dubkit.artefacts import Voice
from dubkit.backends.first import First
from dubkit.backends.pocket import files as pocket_files
from dubkit.backends.pocket.files import GATED, OPEN, HubFile, LanguageFiles
from dubkit.backends.pocket.synthesizer import Pocket
from dubkit.backends.protocols import Compute, Request, Synthesizer
from dubkit.backends.silence import nothing
from dubkit.durations import natural_duration
from dubkit.errors import BadInput, MissingModel, OutOfMemory, Unreachable, UnsupportedPair
from dubkit.progress import Report
from dubkit.record import AudioFile
from dubkit.stage import Stopwatch
from dubkit.stages.assign_voices import AssignVoicesSettings, assign_voices
from dubkit.stages.synthesize import SynthesizeSettings, synthesize
from dubkit.store import Items

CPU = Compute(device="cpu", threads=2)
REVISION = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pocket")
    tiny.save(folder / "fr", voices=("alba", "estelle", "somebody"))
    (folder / "notes").mkdir()
    return folder


@pytest.fixture(scope="module")
def pocket(folder: Path) -> Pocket:
    return Pocket.from_spec(str(folder), CPU)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> list[AudioFile]:
    """A low and a high voice, the latter at another sample rate and in stereo."""
    home = tmp_path_factory.mktemp("voices")
    high = sine(3.0, hz=330)
    return [
        sound(home / "low.flac", sine(3.0, hz=110, rate=24_000), 24_000),
        sound(home / "high.flac", np.stack([high, high], axis=1)),
    ]


def say(pocket: Pocket, text: str, name: str = "alba", reference: AudioFile | None = None) -> Request:
    voice = next((v for v in pocket.voices("fr") if v.id == f"pocket:{name}"), pocket.own_voice("fr"))
    assert voice is not None
    return Request(text, voice, reference=reference)


def test_it_is_a_synthesizer_that_needs_no_weights_to_describe_itself(folder: Path) -> None:
    program = (
        "import sys; from dubkit.backends.pocket.synthesizer import Pocket; from dubkit.backends.protocols import Compute;"
        "both = [Pocket.from_spec(s, Compute('cpu', 1)) for s in ('', sys.argv[1])];"
        "[(p.fingerprint, p.languages(), p.voices('fr'), p.own_voice('fr'), p.models(), p.models('en', 'fr')) for p in both];"
        "print([m for m in ('torch', 'pocket_tts', 'transformers') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program, str(folder)], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
    backend: Synthesizer = Pocket.from_spec(str(folder), CPU)
    assert backend.languages() == {"fr"}
    assert (backend.sample_rate, backend.rates) == (24_000, (1.0, 1.0))


def test_the_native_voice_comes_first_and_strangers_last(pocket: Pocket) -> None:
    facts = [(v.id, v.gender, v.language) for v in pocket.voices("fr")]
    assert facts == [
        ("pocket:estelle", "female", "fr"),
        ("pocket:alba", "female", "fr"),
        ("pocket:somebody", "unknown", "fr"),
    ]
    assert pocket.voices("de") == ()
    assert pocket.own_voice("de") is None
    own = pocket.own_voice("fr")
    assert own is not None
    assert own.id == "pocket:own"


def test_a_line_sounds_the_same_wherever_it_is_spoken(pocket: Pocket, folder: Path) -> None:
    torch.manual_seed(7)
    before, threads, handlers = torch.random.get_rng_state(), torch.get_num_threads(), list(logging.root.handlers)
    first, second, third = pocket.synthesize([say(pocket, t) for t in ("Bonjour.", "Oui, madame.", "Bonjour.")])
    assert np.array_equal(first, third)
    assert not np.array_equal(first, second)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.get_num_threads() == threads
    assert logging.root.handlers == handlers
    torch.set_num_threads(threads + 1)
    try:
        (again,) = Pocket.from_spec(str(folder), Compute("cpu", 7)).synthesize([say(pocket, "Oui, madame.")])
    finally:
        torch.set_num_threads(threads)
    assert np.array_equal(again, second), "loaded anew, with other threads"


def test_clips_are_mono_floats_without_silence_at_the_ends(pocket: Pocket) -> None:
    (clip,) = pocket.synthesize([say(pocket, "Bonjour tout le monde.")])
    assert clip.dtype == np.float32
    assert clip.ndim == 1
    assert 0.4 < len(clip) / 24_000 < 1.2
    loudest = np.abs(clip).max()
    assert 0 < loudest <= 1
    for end in (clip[:512], clip[-512:]):
        assert np.sqrt(np.mean(end**2)) > loudest * 10 ** (-60 / 20)


def test_long_texts_are_spoken_sentence_by_sentence(pocket: Pocket) -> None:
    one = "Il fait beau aujourd'hui et nous allons marcher."
    short, long = pocket.synthesize([say(pocket, one), say(pocket, " ".join([one] * 3))])
    assert len(long) / len(short) == pytest.approx(3, rel=0.25)


def test_a_voice_is_copied_from_the_recording_that_comes_with_the_line(
    pocket: Pocket, recordings: list[AudioFile]
) -> None:
    low, high = recordings
    (alone,) = pocket.synthesize([say(pocket, "Bonjour.", "own", low)])
    lines = [say(pocket, "Bonjour.", "own", r) for r in (high, low)] + [say(pocket, "Bonjour.")]
    from_high, from_low, stock = pocket.synthesize(lines)
    assert np.array_equal(alone, from_low)
    assert len({c.tobytes() for c in (from_high, from_low, stock)}) == 3


def test_with_consent_a_film_is_spoken_in_its_own_voices(
    pocket: Pocket, recordings: list[AudioFile], tmp_path: Path, report: Report
) -> None:
    said = transcript(("S1", 0, 1, "One."), ("S2", 1, 2, "Two."), ("S3", 2, 3, "Three."))
    lines = translation(said, "Bonjour.", "Bonjour.", "Bonjour.", target="fr")
    who = speakers(*[speaker(f"S{n}").but(sample=r) for n, r in enumerate([*recordings, None], 1)])
    backend: Any = Stopwatch(First({"pocket": pocket}))
    cast = assign_voices(
        who, lines, settings=AssignVoicesSettings(consent=True), backend=backend, report=Report("assign_voices")
    )
    assert [r.voice.id for r in cast.roles] == ["pocket:own", "pocket:own", "pocket:estelle"]
    spoken = synthesize(
        media(),
        lines,
        cast,
        who,
        said,
        settings=SynthesizeSettings(),
        backend=backend,
        items=Items(tmp_path),
        report=report,
    )
    requests = [
        say(pocket, "Bonjour.", n, r) for n, r in zip(["own", "own", "estelle"], [*recordings, None], strict=True)
    ]
    for clip, expected in zip(spoken.clips, pocket.synthesize(requests), strict=True):
        assert clip.audio.load() == pytest.approx(expected, abs=1e-4)
        assert clip.rate == 1.0
    assert len({c.audio.sha256 for c in spoken.clips}) == 3


def test_a_recording_is_listened_to_once(
    folder: Path, recordings: list[AudioFile], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pocket = Pocket.from_spec(str(folder), CPU)
    copy = AudioFile.of(Path(shutil.copy(recordings[0].path, tmp_path)), **_facts(recordings[0]))
    next(pocket.synthesize([say(pocket, "Oui.")]))
    (model,) = pocket._models.values()
    heard, listen = [], model.get_state_for_audio_prompt

    def counted(recording: torch.Tensor) -> object:
        heard.append(tuple(recording.shape))
        return listen(recording)

    monkeypatch.setattr(model, "get_state_for_audio_prompt", counted)
    references = [recordings[0], copy, recordings[1], recordings[0]]
    assert len(list(pocket.synthesize([say(pocket, "Oui.", "own", r) for r in references]))) == 4
    # One channel at 24 kHz, whatever the file is.
    assert heard == [(1, 72_000), (1, 72_000)]


def _facts(audio: AudioFile) -> dict[str, int]:
    return {"sample_rate": audio.sample_rate, "n_channels": audio.n_channels, "n_samples": audio.n_samples}


def test_the_length_is_told_from_the_usual_pace_of_the_language(pocket: Pocket) -> None:
    request = say(pocket, "Bonjour, tout le monde !")
    assert pocket.predict(request) == natural_duration("Bonjour, tout le monde !", request.voice.language) > 1.0
    assert pocket.predict(say(pocket, "…")) == 0.1


def test_a_text_with_nothing_to_say_is_a_short_silence(pocket: Pocket, caplog: pytest.LogCaptureFixture) -> None:
    (clip,) = pocket.synthesize([say(pocket, "… ☺")])
    assert np.array_equal(clip, nothing(24_000))
    assert "no sounds for '… ☺'" in caplog.text


def test_what_the_library_warns_of_is_passed_on_with_the_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    tiny.save(tmp_path / "french", eos=-100.0)
    endless = Pocket.from_spec(str(tmp_path), CPU)
    next(endless.synthesize([say(endless, "Oui.")]))
    told = [r.getMessage() for r in caplog.records if r.name == "dubkit.backends.pocket.synthesizer"]
    assert len(told) == 1
    assert told[0].startswith("Pocket TTS, on 'Oui.': Maximum generation length reached without EOS")


def test_who_cannot_be_spoken_for_is_told(pocket: Pocket, recordings: list[AudioFile]) -> None:
    stranger = Voice(id="pocket:nobody", language="fr", gender="male", name="")
    with pytest.raises(BadInput, match=r"'pocket:nobody' is not a voice.*pocket:alba, pocket:estelle"):
        next(pocket.synthesize([Request("Oui.", stranger)]))
    with pytest.raises(BadInput, match=r"'pocket:own' copies a recording"):
        next(pocket.synthesize([say(pocket, "Oui.", "own")]))
    with pytest.raises(UnsupportedPair, match=r"does not speak 'de'. It speaks: fr"):
        next(pocket.synthesize([Request("Ja.", stranger.but(language="de"))]))


def test_folders_that_hold_no_model_are_refused(tmp_path: Path, folder: Path) -> None:
    for argument in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(BadInput, match=r"subfolder per language"):
            Pocket.from_spec(str(argument), CPU)
    damaged = shutil.copytree(folder, tmp_path / "damaged")
    (damaged / "fr" / "model.safetensors").write_bytes(b"not weights")
    with pytest.raises(MissingModel, match=r"Pocket TTS for French are damaged"):
        next((p := Pocket.from_spec(str(damaged), CPU)).synthesize([say(p, "Oui.")]))
    (damaged / "fr" / "tokenizer.json").unlink()
    broken = Pocket.from_spec(str(damaged), CPU)
    assert [c.present for c in broken.models()] == [False]
    with pytest.raises(MissingModel, match=r"has no tokenizer.json"):
        next(broken.synthesize([say(broken, "Oui.")]))


def test_the_fingerprint_changes_with_the_weights_and_the_voices(folder: Path, tmp_path: Path) -> None:
    def fingerprint() -> str:
        return Pocket.from_spec(str(tmp_path), CPU).fingerprint

    shutil.copytree(folder / "fr", tmp_path / "fr")
    first = fingerprint()
    assert first == Pocket.from_spec(str(folder), CPU).fingerprint
    (tmp_path / "fr" / "embeddings" / "alba.safetensors").unlink()
    second = fingerprint()
    shutil.rmtree(tmp_path / "fr")
    tiny.save(tmp_path / "fr", seed=1)
    assert len({first, second, fingerprint()}) == 3


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of a hub that cannot be reached."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    return tmp_path / "hub"


def cached(hub: Path, file: HubFile, source: Path) -> None:
    """Put a file where the hub's client keeps what it has downloaded."""
    place = hub / f"models--{file.repository.replace('/', '--')}" / "snapshots" / str(file.revision) / file.path
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, place)


def test_the_hub_has_a_model_for_each_language_and_one_that_copies_voices(hub: Path) -> None:
    pocket = Pocket.from_spec("", CPU)
    assert pocket.languages() == {"en", "fr", "de", "pt", "it", "es", "nl"}
    assert [v.id for v in pocket.voices("pt")][:2] == ["pocket:rafael", "pocket:alba"]
    assert {v.gender for v in pocket.voices("en")} == {"female", "male", "unknown"}
    stock, copying = pocket.models("en", "pt")
    assert (stock.name, stock.licence, stock.present, stock.optional) == (
        f"{OPEN}/portuguese",
        "CC-BY-4.0",
        False,
        False,
    )
    for voice in pocket.voices("pt"):
        assert f" languages/portuguese/embeddings/{voice.id.removeprefix('pocket:')}.safetensors " in stock.fetch
    assert all(f"hf download {OPEN} languages/portuguese/" in command for command in stock.fetch.split(" && "))
    assert " languages/portuguese/model.safetensors " in stock.fetch and "/tokenizer.json " in stock.fetch
    assert (copying.name, copying.present, copying.optional) == (f"{GATED}/portuguese", False, True)
    assert "gated" in copying.note
    assert pocket.models("en", "ja") == []
    assert [c.name for c in pocket.models()] == [f"{OPEN}/english", f"{GATED}/english"]


def test_without_a_network_it_is_told_what_to_run(hub: Path, recordings: list[AudioFile]) -> None:
    pocket = Pocket.from_spec("", CPU)
    with pytest.raises(
        MissingModel, match=rf"{OPEN} .languages/french/model.safetensors. is not here .* hf download {OPEN}"
    ):
        pocket.fetch(target="fr")
    with pytest.raises(MissingModel, match=rf"is not here and the Hugging Face hub cannot be reached .*{OPEN}"):
        next(pocket.synthesize([say(pocket, "Oui.")]))
    with pytest.raises(MissingModel, match=rf"hf download {GATED} languages/french/model.safetensors"):
        next(pocket.synthesize([say(pocket, "Oui.", "own", recordings[0])]))


def test_the_address_of_a_stock_voice_is_the_librarys_own() -> None:
    from pocket_tts.utils.utils import get_predefined_voice

    found = pocket_files._voice_address("french", "alba")
    assert found == get_predefined_voice("french", "alba")
    assert found.startswith(f"hf://{OPEN}/languages/french/embeddings/alba.safetensors@")


def test_a_fetch_knocks_once_and_gives_up_where_nobody_answers(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    knocks: list[str] = []

    class Deaf:
        def head(self, url: str, timeout: float) -> None:
            knocks.append(url)
            raise httpx.ConnectTimeout("nobody")

    def never(*asked: object, **more: object) -> str:
        raise AssertionError("nothing is asked of a hub that does not answer")

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.get_session", Deaf)
    monkeypatch.setattr("huggingface_hub.hf_hub_download", never)
    with pytest.raises(Unreachable, match=rf"{OPEN} .languages/french/model.safetensors. is not here .*ConnectTimeout"):
        Pocket.from_spec("", CPU).fetch(target="fr")
    assert len(knocks) == 1


def test_a_fetch_brings_all_that_the_card_wants(hub: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    knocks: list[int] = []
    asked: list[str] = []

    def bring(repository: str, path: str, revision: str) -> str:
        asked.append(path)
        cached(hub, HubFile(repository, path, revision), folder / "fr" / "tokenizer.json")
        return path

    monkeypatch.setattr("dubkit.backends.pocket.synthesizer.knock", lambda: knocks.append(1))
    monkeypatch.setattr("huggingface_hub.hf_hub_download", bring)
    pocket = Pocket.from_spec("", CPU)
    for _ in range(2):
        pocket.fetch(target="fr")
        assert [c.present for c in pocket.models(target="fr")] == [True, True]
    assert len(asked) == len(set(asked)) + 1 == len(pocket.voices("fr")) + 3, "both weights have one name"
    assert len(knocks) == 1


@pytest.mark.parametrize(
    ("kind", "status", "message"),
    [
        ("GatedRepoError", 403, "is gated: accept its terms on its page on the hub, then log in with: hf auth login"),
        ("RepositoryNotFoundError", 401, "or shows it only to accounts that may see it.* hf auth login"),
        ("RemoteEntryNotFoundError", 404, r"The hub has kyutai/pocket-tts \(model\.safetensors\) no longer"),
        ("HfHubHTTPError", 503, r"cannot be reached \(HfHubHTTPError\)"),
    ],
)
def test_what_the_hub_refuses_is_explained(
    hub: Path, monkeypatch: pytest.MonkeyPatch, kind: str, status: int, message: str
) -> None:
    from huggingface_hub import errors

    def refused(*asked: object, **more: object) -> str:
        answer = httpx.Response(status, request=httpx.Request("GET", "https://hub.invalid"))
        raise getattr(errors, kind)("refused", response=answer)

    monkeypatch.setattr("huggingface_hub.hf_hub_download", refused)
    with pytest.raises(MissingModel, match=message):
        HubFile(GATED, "model.safetensors", REVISION).fetched()


def test_stock_voices_and_copied_ones_have_weights_of_their_own(
    hub: Path, folder: Path, tmp_path: Path, recordings: list[AudioFile], caplog: pytest.LogCaptureFixture
) -> None:
    settings = json.loads((folder / "fr" / "config.yaml").read_text())
    settings["weights_path"] = f"hf://{GATED}/fr/model.safetensors@{REVISION}"
    settings["weights_path_without_voice_cloning"] = f"hf://{OPEN}/fr/model.safetensors@{REVISION}"
    settings["flow_lm"]["lookup_table"]["tokenizer_path"] = f"hf://{OPEN}/fr/tokenizer.json@{REVISION}"
    (tmp_path / "config.yaml").write_text(json.dumps(settings))
    files = LanguageFiles("french", tmp_path / "config.yaml")
    pocket = Pocket({"fr": files}, CPU)

    cached(hub, HubFile(OPEN, "fr/model.safetensors", REVISION), folder / "fr" / "model.safetensors")
    cached(hub, HubFile(OPEN, "fr/tokenizer.json", REVISION), folder / "fr" / "tokenizer.json")
    assert [c.present for c in pocket.models(target="fr")] == [False, False], "without its voices"
    for voice in pocket.voices("fr"):
        assert not pocket.models(target="fr")[0].present
        cached(hub, files.hub_voice(voice.id[7:]), folder / "fr" / "embeddings" / "alba.safetensors")
    assert [c.present for c in pocket.models(target="fr")] == [True, False]
    (clip,) = pocket.synthesize([say(pocket, "Bonjour.")])
    local = Pocket.from_spec(str(folder), CPU)
    (expected,) = local.synthesize([say(local, "Bonjour.")])
    assert np.array_equal(clip, expected)
    with pytest.raises(MissingModel, match=rf"hf download {GATED} fr/model.safetensors"):
        next(pocket.synthesize([say(pocket, "Bonjour.", "own", recordings[0])]))

    # What copies voices is missing besides: that is told, and stops nothing.
    pocket.fetch(target="fr")
    (told,) = [r.getMessage() for r in caplog.records if r.name == "dubkit.backends.pocket.synthesizer"]
    assert f"{GATED} (fr/model.safetensors) is not here" in told

    tiny.save(tmp_path / "other", seed=5)
    cached(hub, HubFile(GATED, "fr/model.safetensors", REVISION), tmp_path / "other" / "model.safetensors")
    assert [c.present for c in pocket.models(target="fr")] == [True, True]
    before = pocket.fingerprint
    own, stock = pocket.synthesize([say(pocket, "Bonjour.", "own", recordings[0]), say(pocket, "Bonjour.")])
    assert np.array_equal(stock, expected), "whatever else is here"
    assert not np.array_equal(own, stock)
    assert pocket.fingerprint == Pocket({"fr": files}, CPU).fingerprint == before


def test_the_library_has_to_be_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pocket_files, "package_folder", lambda name: None)
    with pytest.raises(MissingModel, match=r"pip install 'dubkit\[cloning\]'"):
        Pocket.from_spec("", CPU)


def test_a_full_gpu_is_explained(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pocket = Pocket.from_spec(str(folder), CPU)
    next(pocket.synthesize([say(pocket, "Oui.")]))
    (model,) = pocket._models.values()

    def full(*arguments: object) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(model, "generate_audio", full)
    with pytest.raises(OutOfMemory, match="too small for Pocket TTS"):
        next(pocket.synthesize([say(pocket, "Oui.")]))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_on_cuda_the_same_line_sounds_the_same(folder: Path, recordings: list[AudioFile]) -> None:
    pocket = Pocket.from_spec(str(folder), Compute("cuda"))
    lines = [say(pocket, "Oui."), say(pocket, "Oui."), *[say(pocket, "Oui.", "own", recordings[0])] * 2]
    clips = list(pocket.synthesize(lines))
    assert np.array_equal(clips[0], clips[1])
    assert np.array_equal(clips[2], clips[3])
