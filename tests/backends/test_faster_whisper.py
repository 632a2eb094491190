import itertools
import json
import subprocess
import sys
from pathlib import Path

import huggingface_hub
import numpy as np
import pytest
import soundfile
from speech_sounds import RATE, Spoken, bare

from dubkit.backends import weights
from dubkit.backends.protocols import Backend, Compute, Heard
from dubkit.backends.whisper import faster_model as faster_whisper_model
from dubkit.backends.whisper.faster import FasterWhisper, _with_whole_words
from dubkit.backends.whisper.transcriber import TRAINED
from dubkit.errors import BadInput, MissingModel, UnsupportedPair


@pytest.fixture(scope="module")
def whisper() -> FasterWhisper:
    return FasterWhisper.from_spec("packaged-base", Compute(device="cpu", threads=2))


@pytest.fixture(scope="module")
def heard(whisper: FasterWhisper, spoken: Spoken) -> Heard:
    (found,) = whisper.transcribe([spoken.waveform], "en")
    return found


def test_is_described_without_loading() -> None:
    fresh = FasterWhisper.from_spec("", Compute())
    assert isinstance(fresh, Backend)
    assert fresh.fingerprint.startswith(f"faster-whisper:{weights.fingerprint('whisper-base')}+")
    assert [(m.name, m.licence) for m in fresh.models()] == [("whisper-base", "MIT")]
    assert "_model" not in vars(fresh)


def test_languages_are_bcp_47() -> None:
    codes = FasterWhisper.from_spec("", Compute()).languages()
    assert {"en", "es", "pt", "jv", "no"} <= codes
    assert len(codes) == 99
    assert not {"jw", "yue"} & codes
    assert FasterWhisper.from_spec("base.en", Compute()).languages() == {"en"}


def test_hears_the_words(heard: Heard, spoken: Spoken) -> None:
    assert bare(" ".join(w.text for w in heard.words)) == spoken.words
    assert heard.words[-1].text == "home."
    assert all(w.text == w.text.strip() for w in heard.words)
    assert all(0.5 < w.confidence <= 1 for w in heard.words)


def test_words_lie_where_they_sound(heard: Heard, spoken: Spoken) -> None:
    words = heard.words
    assert words[0].start == pytest.approx(0.0, abs=0.1)
    assert words[-1].end == pytest.approx(len(spoken.waveform) / RATE, abs=0.15)
    assert all(w.end > w.start for w in words)
    assert all(a.end <= b.start for a, b in itertools.pairwise(words))
    assert words[-1].end <= len(spoken.waveform) / RATE


def test_a_pause_belongs_to_no_word(whisper: FasterWhisper, spoken: Spoken) -> None:
    pause = np.zeros(round(1.5 * RATE), np.float32)
    (found,) = whisper.transcribe([np.concatenate([spoken.waveform, pause, spoken.waveform])], "en")
    gaps = {round(b.start - a.end, 2): a.text for a, b in itertools.pairwise(found.words)}
    assert gaps[max(gaps)] == "home."
    assert max(gaps) == pytest.approx(1.5, abs=0.2)


def test_results_come_in_order_and_nothing_is_heard_where_nobody_speaks(
    whisper: FasterWhisper, heard: Heard, spoken: Spoken
) -> None:
    rng = np.random.default_rng(0)
    quiet = [
        np.zeros(0, np.float32),
        np.zeros(RATE, np.float32),
        spoken.waveform[:1000],
        (0.05 * rng.standard_normal(3 * RATE)).astype(np.float32),
        (0.001 * rng.standard_normal(RATE // 2)).astype(np.float32),
    ]
    assert list(whisper.transcribe([*quiet, spoken.waveform], "en")) == [Heard(())] * 5 + [heard]


def test_nothing_to_transcribe(whisper: FasterWhisper) -> None:
    assert list(whisper.transcribe([], "en")) == []


def test_same_words_whatever_the_threads_and_company(heard: Heard, spoken: Spoken, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "spoken.wav", spoken.waveform, RATE, "FLOAT")
    program = (
        "import sys, soundfile\n"
        "from dubkit.backends.whisper.faster import FasterWhisper\n"
        "from dubkit.backends.protocols import Compute\n"
        "x, _ = soundfile.read(sys.argv[1], dtype='float32')\n"
        "w = FasterWhisper.from_spec('', Compute(device='cpu', threads=1, batch_size=1))\n"
        "first, second = w.transcribe([x[: len(x) // 2], x], 'en')\n"
        "print([word.model_dump_json() for word in second.words])\n"
    )
    other = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "spoken.wav")], capture_output=True, text=True, check=True
    )
    assert other.stdout.strip().splitlines()[-1] == str([w.model_dump_json() for w in heard.words])


def test_detects_the_language(whisper: FasterWhisper, spoken: Spoken) -> None:
    language, probability = whisper.detect_language([spoken.waveform, np.zeros(0, np.float32)])
    assert language == "en"
    assert 0.8 < probability <= 1


def test_no_language_where_there_is_nothing_to_hear(whisper: FasterWhisper) -> None:
    assert whisper.detect_language([np.zeros(RATE, np.float32)]) == ("en", 0.0)


def test_probabilities_are_weighted_by_length(whisper: FasterWhisper, spoken: Spoken) -> None:
    short = spoken.waveform[: RATE // 2]
    alone = whisper.detect_language([spoken.waveform])[1]
    both = whisper.detect_language([spoken.waveform, short])[1]
    least = alone * len(spoken.waveform) / (len(spoken.waveform) + len(short))
    assert least - 1e-3 <= both <= 1


def test_refuses_what_it_cannot_take(whisper: FasterWhisper) -> None:
    with pytest.raises(ValueError, match=r"31\.0 s; Whisper takes up to 30 s"):
        whisper.transcribe([np.zeros(31 * RATE, np.float32)], "en")
    with pytest.raises(UnsupportedPair, match=r"does not understand 'xx'.* It knows: .*en"):
        whisper.transcribe([], "xx")


def test_a_graphics_card_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    import ctranslate2

    monkeypatch.setattr(ctranslate2, "get_cuda_device_count", lambda: 0)
    with pytest.raises(BadInput, match=r"finds 0 CUDA devices here.*--set compute\.device=cpu"):
        list(FasterWhisper.from_spec("", Compute(device="cuda")).transcribe([np.ones(RATE, np.float32)], "en"))


def test_names_that_are_no_model() -> None:
    with pytest.raises(BadInput, match=r"'huge' names no faster-whisper model.*packaged-base.*large-v3"):
        FasterWhisper.from_spec("huge", Compute()).models()


def test_a_size_that_cannot_be_fetched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def unreachable(*_: object, **__: object) -> str:
        raise ConnectionError("no route")

    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda *_, **__: None)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", unreachable)
    whisper = FasterWhisper.from_spec("large-v3", Compute(device="cpu"))
    assert [(m.present, m.fetch) for m in whisper.models()] == [(False, "hf download Systran/faster-whisper-large-v3")]
    assert whisper.fingerprint.startswith("faster-whisper:Systran/faster-whisper-large-v3+")
    with pytest.raises(MissingModel, match=r"cannot be reached .* run: hf download Systran/faster-whisper-large-v3 ;"):
        list(whisper.transcribe([np.ones(RATE, np.float32)], "en"))


def test_a_folder(tmp_path: Path, spoken: Spoken, heard: Heard) -> None:
    home = weights.folder("whisper-base")
    for file in home.iterdir():
        (tmp_path / file.name).symlink_to(file)
    whisper = FasterWhisper.from_spec(str(tmp_path), Compute(device="cpu", threads=1))
    assert whisper.models()[0].present
    assert str(tmp_path) not in whisper.fingerprint
    (found,) = whisper.transcribe([spoken.waveform], "en")
    assert [w.text for w in found.words] == [w.text for w in heard.words]


def test_a_damaged_folder(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({}))
    (tmp_path / "model.bin").write_bytes(b"no model")
    damaged = FasterWhisper.from_spec(str(tmp_path), Compute(device="cpu"))
    with pytest.raises(MissingModel, match=r"cannot be loaded.*config\.json, model\.bin"):
        list(damaged.transcribe([np.ones(RATE, np.float32)], "en"))
    before = damaged.fingerprint
    (tmp_path / "model.bin").write_bytes(b"another")
    assert FasterWhisper.from_spec(str(tmp_path), Compute()).fingerprint != before


def test_a_folder_that_lacks_a_file_is_not_filled_from_other_models(tmp_path: Path) -> None:
    for file in weights.folder("whisper-base").iterdir():
        if file.name != "tokenizer.json":
            (tmp_path / file.name).symlink_to(file)
    half = FasterWhisper.from_spec(str(tmp_path), Compute(device="cpu"))
    assert [m.present for m in half.models()] == [False]
    with pytest.raises(MissingModel, match=r"it is not whole\).*tokenizer\.json.*mend the folder"):
        half.fetch()


def test_what_is_in_the_hubs_cache_is_whole_or_not_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoken: Spoken, heard: Heard
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    home = tmp_path / "models--Systran--faster-whisper-base"
    snapshot = home / "snapshots" / ("0123" * 10)
    snapshot.mkdir(parents=True)
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text("0123" * 10)
    for file in sorted(weights.folder("whisper-base").iterdir(), key=lambda f: f.name == "model.bin"):
        (card,) = FasterWhisper.from_spec("base", Compute()).models()
        assert (card.present, card.size) == (False, 145_000_000)
        (snapshot / file.name).symlink_to(file)
    whole = FasterWhisper.from_spec("base", Compute(device="cpu", threads=1))
    assert whole.models()[0].present
    whole.fetch()
    (found,) = whole.transcribe([spoken.waveform], "en")
    assert [w.text for w in found.words] == [w.text for w in heard.words]


def test_on_a_graphics_card_a_batch_too_large_for_the_memory_is_halved(
    whisper: FasterWhisper, spoken: Spoken, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.empty_cache", lambda: None)
    card = FasterWhisper.from_spec("", Compute(device="cuda", batch_size=4))
    # No card is here: the model is the one that is loaded already.
    vars(card).update(_device=("cuda", 0), _model=whisper._model)
    tried = []
    encode = FasterWhisper._encode

    def small(self: FasterWhisper, batch: list[np.ndarray], window: float) -> object:
        tried.append(len(batch))
        if len(batch) > 2:
            raise RuntimeError("CUDA failed with error out of memory")
        return encode(self, batch, window)

    monkeypatch.setattr(FasterWhisper, "_encode", small)
    found = list(card.transcribe([spoken.waveform] * 3, "en"))
    assert tried == [3, 1, 1, 1]
    assert [[w.text for w in h.words] for h in found] == [[w.text for w in heard.words]] * 3
    tried.clear()
    assert card.detect_language([spoken.waveform])[0] == "en"
    assert tried == [1], "what was learned stays"


def test_names_and_numbers_in_a_text_without_spaces_are_words() -> None:
    pieces = ["我", "用", "Chat", "G", "PT", " API", "，", "20", "24", "年"]
    words = [
        {"word": piece, "tokens": [n], "start": n / 2, "end": n / 2 + 0.5, "probability": 1 - n / 10}
        for n, piece in enumerate(pieces)
    ]
    whole = _with_whole_words(words)
    assert [w["word"] for w in whole] == ["我", "用", "ChatGPT", " API", "，", "2024", "年"]
    assert (whole[2]["start"], whole[2]["end"], whole[2]["tokens"]) == (1.0, 2.5, [2, 3, 4])
    assert whole[2]["probability"] == pytest.approx(0.7)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty hub cache, and no way to the network."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    return tmp_path


def put_in_cache(cache: Path, repository: str, tokens: dict[str, int]) -> None:
    home = cache / f"models--{repository.replace('/', '--')}"
    snapshot = home / "snapshots" / ("0123" * 10)
    snapshot.mkdir(parents=True)
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text("0123" * 10)
    for name in ("config.json", "model.bin", "vocabulary.json"):
        (snapshot / name).write_text("[]")
    told = {"added_tokens": [{"content": token, "id": n} for token, n in tokens.items()]}
    (snapshot / "tokenizer.json").write_text(json.dumps(told))


def test_languages_come_from_the_files_and_load_nothing(cache: Path) -> None:
    size = FasterWhisper.from_spec("small", Compute())
    assert {"yue", "jv", "pt"} <= size.languages()
    assert len(size.languages()) == 100
    put_in_cache(cache, "Systran/faster-whisper-small", {"<|endoftext|>": 50257, "<|pt|>": 50267, "<|jw|>": 50356})
    assert size.languages() == {"pt", "jv"}, "those of its own files, as soon as they are here"
    with pytest.raises(UnsupportedPair, match=r"does not understand 'yue'\. It knows: jv, pt"):
        size.transcribe([], "yue")
    put_in_cache(cache, "owner/english", {"<|endoftext|>": 50256, "<|en|>": 50258, "<|pt|>": 50266})
    assert FasterWhisper.from_spec("owner/english", Compute()).languages() == {"en"}
    assert "_model" not in vars(size)


def test_a_damaged_tokenizer_is_told(cache: Path) -> None:
    put_in_cache(cache, "owner/damaged", {})
    next(cache.glob("*damaged/**/tokenizer.json")).write_text("{}")
    with pytest.raises(MissingModel, match=r"owner/damaged cannot be loaded \(tokenizer\.json: KeyError"):
        FasterWhisper.from_spec("owner/damaged", Compute()).languages()


def test_the_packaged_models_own_files_name_the_languages_that_it_is_known_for() -> None:
    packaged = FasterWhisper.from_spec("", Compute()).languages()
    assert FasterWhisper.from_spec(str(weights.folder("whisper-base")), Compute()).languages() == packaged


def test_a_fingerprint_gets_its_revision_once_the_files_are_here(cache: Path) -> None:
    size = FasterWhisper.from_spec("small", Compute())
    before = size.fingerprint
    assert before.startswith("faster-whisper:Systran/faster-whisper-small+")
    put_in_cache(cache, "Systran/faster-whisper-small", {})
    assert size.fingerprint == before.replace("small+", "small@012301230123+")


def test_a_folders_fingerprint_follows_it_until_it_is_whole(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    growing = FasterWhisper.from_spec(str(tmp_path), Compute())
    before = growing.fingerprint
    (tmp_path / "model.bin").write_bytes(b"weights")
    assert growing.fingerprint != before


def test_sizes_are_those_of_the_package() -> None:
    from faster_whisper.tokenizer import _LANGUAGE_CODES
    from faster_whisper.utils import _MODELS

    assert faster_whisper_model._REPOSITORIES == _MODELS
    assert set(TRAINED) == set(_LANGUAGE_CODES)


@pytest.mark.parametrize("spec", ["", "small", "owner/name"])
def test_without_its_package_it_says_what_to_install(cache: Path, monkeypatch: pytest.MonkeyPatch, spec: str) -> None:
    monkeypatch.setitem(sys.modules, "faster_whisper", None)
    bare = FasterWhisper.from_spec(spec, Compute(device="cpu"))
    (card,) = bare.models()
    assert (card.present, card.fetch) == (False, "pip install 'dubkit[embedded]'")
    assert "en" in bare.languages()
    assert bare.fingerprint
    for work in (bare.fetch, lambda: list(bare.transcribe([np.ones(RATE, np.float32)], "en"))):
        with pytest.raises(MissingModel, match=r"needs the package faster-whisper.*pip install"):
            work()


def test_without_ctranslate2_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ctranslate2", None)
    with pytest.raises(MissingModel, match=r"need the package ctranslate2.*pip install"):
        FasterWhisper.from_spec("", Compute()).detect_language([np.ones(RATE, np.float32)])


@pytest.mark.parametrize("mels", [80, 128])
def test_a_converted_model_hears_in_as_many_bands_as_it_was_trained_on(
    tmp_path: Path, spoken: Spoken, mels: int
) -> None:
    from ctranslate2.converters import TransformersConverter
    from tiny import whisper as tiny

    tiny.save(tmp_path / "model", mels=mels)
    converter = TransformersConverter(str(tmp_path / "model"), copy_files=["tokenizer.json"])
    converter.convert(str(tmp_path / "converted"))
    whisper = FasterWhisper.from_spec(str(tmp_path / "converted"), Compute(device="cpu", threads=1))
    code, sure = whisper.detect_language([spoken.waveform])
    assert code in {"en", "pt", "jv", "zh"}
    assert 0 < sure <= 1
