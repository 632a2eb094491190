"""Whisper's real classes, a few numbers wide, saved and loaded as the real checkpoints are."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tiny import whisper as tiny

from dubkit.backends.protocols import Compute, Transcriber
from dubkit.backends.whisper.guard import Draft
from dubkit.backends.whisper.transcriber import Whisper, _one_cross_attention
from dubkit.errors import BadInput, MissingModel, UnsupportedPair

CPU = Compute(device="cpu", threads=1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whisper")
    tiny.save(folder)
    return folder


@pytest.fixture(scope="module")
def waveforms() -> list[np.ndarray]:
    noise = np.random.default_rng(0)
    return [
        (0.5 * noise.standard_normal(round(16_000 * seconds)) * np.linspace(0, 1, round(16_000 * seconds))).astype(
            np.float32
        )
        for seconds in (2.5, 0.7, 6.0, 30.0)
    ]


@pytest.fixture(scope="module")
def whisper(folder: Path) -> Whisper:
    return Whisper.from_spec(str(folder), CPU)


@pytest.fixture(autouse=True)
def trust(monkeypatch: pytest.MonkeyPatch) -> None:
    """Random weights are never sure, and the guards would drop or read again all that they write."""
    for limit in ("UNLIKELY", "VERY_UNLIKELY"):
        monkeypatch.setattr(f"dubkit.backends.whisper.guard.{limit}", -1e9)
    for limit in ("FASTEST", "REPETITIVE", "LONGEST_WORD"):
        monkeypatch.setattr(f"dubkit.backends.whisper.guard.{limit}", 1e9)


def test_it_is_a_transcriber_that_needs_no_weights_to_describe_itself(folder: Path) -> None:
    fresh = Whisper.from_spec(str(folder), CPU)
    backend: Transcriber = fresh
    assert backend.languages() == {"en", "pt", "jv", "zh"}
    assert backend.fingerprint.startswith(f"whisper:{folder.name}@")
    (card,) = backend.models()
    assert card.present
    assert card.size > 10_000
    assert "_model" not in vars(fresh)


def test_words_have_times_inside_their_sound_and_in_order(whisper: Whisper, waveforms: list[np.ndarray]) -> None:
    for waveform, heard in zip(waveforms, whisper.transcribe(waveforms, "pt", beam_size=2), strict=True):
        times = [t for word in heard.words for t in (word.start, word.end)]
        assert heard.words
        assert times == sorted(times)
        assert 0 <= times[0] <= times[-1] <= len(waveform) / 16_000
        assert times[-1] > times[0]
        assert all(0 < word.confidence <= 1 for word in heard.words)
        assert all(word.text == word.text.strip() != "" for word in heard.words)


def test_the_text_is_what_transformers_itself_finds(
    whisper: Whisper, waveforms: list[np.ndarray], folder: Path
) -> None:
    from transformers import WhisperForConditionalGeneration, WhisperProcessor

    model = WhisperForConditionalGeneration.from_pretrained(folder).eval()
    processor = WhisperProcessor.from_pretrained(folder)
    features = processor(waveforms[0], sampling_rate=16_000, return_tensors="pt").input_features
    tokens = model.generate(features, language="pt", task="transcribe", num_beams=3, early_stopping=True)
    expected = processor.tokenizer.decode(tokens[0], skip_special_tokens=True)
    (heard,) = whisper.transcribe(waveforms[:1], "pt", beam_size=3)
    assert " ".join(word.text for word in heard.words) == " ".join(expected.split())


def test_batched_and_one_by_one_agree(
    whisper: Whisper, waveforms: list[np.ndarray], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = [heard for w in waveforms for heard in whisper.transcribe([w], "en", beam_size=2)]
    monkeypatch.setattr("dubkit.backends.devices.batch_size", lambda compute: compute.batch_size)
    together = list(Whisper.from_spec(str(folder), Compute("cpu", 1, 3)).transcribe(waveforms, "en", beam_size=2))
    assert len({tuple(w.text for w in heard.words) for heard in alone}) == len(waveforms), "the sounds tell in the text"
    for a, b in zip(alone, together, strict=True):
        assert [(w.text, w.start, w.end) for w in a.words] == [(w.text, w.start, w.end) for w in b.words]
        assert [w.confidence for w in a.words] == pytest.approx([w.confidence for w in b.words], abs=2e-4)


def test_on_the_cpu_a_rest_comes_out_as_the_whole_did(
    whisper: Whisper, waveforms: list[np.ndarray], folder: Path
) -> None:
    whole = list(whisper.transcribe(waveforms, "en"))
    rest = list(Whisper.from_spec(str(folder), Compute("cpu", 1, 2)).transcribe(waveforms[1:], "en"))
    assert rest == whole[1:]


def test_confidence_is_the_probability_of_the_words_tokens(
    whisper: Whisper, waveforms: list[np.ndarray], folder: Path
) -> None:
    from transformers import WhisperForConditionalGeneration, WhisperProcessor

    (heard,) = whisper.transcribe(waveforms[:1], "pt", beam_size=1)
    model = WhisperForConditionalGeneration.from_pretrained(folder).eval()
    processor = WhisperProcessor.from_pretrained(folder)
    tokenizer = processor.tokenizer
    prompt = tokenizer.convert_tokens_to_ids(["<|startoftranscript|>", "<|pt|>", "<|transcribe|>", "<|notimestamps|>"])
    first = tokenizer.convert_tokens_to_ids("Ġ" + heard.words[0].text[0])
    features = processor(waveforms[0], sampling_rate=16_000, return_tensors="pt").input_features
    with torch.no_grad():
        logits = model(input_features=features, decoder_input_ids=torch.tensor([prompt])).logits[0, -1]
    assert len(heard.words[0].text) == 1, "the tiny vocabulary has words of one letter"
    assert heard.words[0].confidence == pytest.approx(
        float(logits[: tokenizer.eos_token_id].softmax(0)[first]), abs=1e-4
    )


def test_the_language_is_the_likeliest_on_average_by_length(
    whisper: Whisper, waveforms: list[np.ndarray], folder: Path
) -> None:
    from transformers import WhisperForConditionalGeneration, WhisperProcessor

    model = WhisperForConditionalGeneration.from_pretrained(folder).eval()
    processor = WhisperProcessor.from_pretrained(folder)
    ids = [model.generation_config.lang_to_id[f"<|{code}|>"] for code in tiny.LANGUAGES]
    features = processor(waveforms, sampling_rate=16_000, return_tensors="pt").input_features
    start = torch.full((len(waveforms), 1), model.generation_config.decoder_start_token_id)
    with torch.no_grad():
        odds = model(input_features=features, decoder_input_ids=start).logits[:, -1, ids].softmax(-1)
    mean = np.average(odds.numpy(), axis=0, weights=[len(w) for w in waveforms])
    language, probability = whisper.detect_language(waveforms)
    assert language == ["en", "pt", "jv", "zh"][int(mean.argmax())]
    assert probability == pytest.approx(float(mean.max()), abs=1e-3)
    assert whisper.detect_language([np.zeros(16_000, np.float32)]) == ("en", 0.0)
    assert whisper.detect_language([]) == ("en", 0.0)


def test_text_on_silence_is_dropped(
    whisper: Whisper, waveforms: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert next(whisper.transcribe(waveforms[:1], "en", beam_size=1)).words
    for limit in ("UNLIKELY", "VERY_UNLIKELY", "NO_SPEECH"):
        monkeypatch.setattr(f"dubkit.backends.whisper.guard.{limit}", 0.0)
    monkeypatch.setattr("dubkit.backends.whisper.guard.UNSURE", 1.0)
    assert next(whisper.transcribe(waveforms[:1], "en", beam_size=1)).words == ()


def test_loops_are_read_again_without_repetitions(
    whisper: Whisper, waveforms: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    searches = []
    search = Whisper._search

    def loop_first(self: Whisper, encoded: torch.Tensor, language: str, **options: object) -> list[list[int]]:
        searches.append(options.get("no_repeat_ngram_size"))
        found = search(self, encoded, language, **options)
        return found if "no_repeat_ngram_size" in options else [[found[0][0]] * 19]

    monkeypatch.setattr(Whisper, "_search", loop_first)
    for limit in ("FASTEST", "REPETITIVE"):
        monkeypatch.setattr(f"dubkit.backends.whisper.guard.{limit}", 1.0)
    list(whisper.transcribe(waveforms[1:2], "en", beam_size=1))
    assert searches == [None, None, 3], "as usual, a little later, with repetitions barred"


def test_a_doubtful_reading_is_done_again_a_little_later_and_the_likelier_kept(
    whisper: Whisper, waveforms: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    (plain,) = whisper.transcribe(waveforms[:1], "en", beam_size=1)
    after = np.concatenate([np.zeros(8000, np.float32), waveforms[0]])
    read = []
    draft = Whisper._draft

    def noted(self: Whisper, batch: list[np.ndarray], *rest: object, **search: object) -> list[Draft]:
        found = draft(self, batch, *rest, **search)
        read.append((batch[0], found[0]))
        return found

    monkeypatch.setattr(Whisper, "_draft", noted)
    monkeypatch.setattr("dubkit.backends.whisper.guard.UNLIKELY", 0.0)
    monkeypatch.setattr("dubkit.backends.whisper.guard.NO_SPEECH", 1.0)
    (heard,) = whisper.transcribe(waveforms[:1], "en", beam_size=1)
    (_, first), (sound, second) = read
    assert np.array_equal(sound, after)
    assert first.text != second.text
    better = max(first, second, key=lambda d: d.log_probability)
    assert " ".join(w.text for w in heard.words) == better.text
    assert heard.words[-1].end <= 2.5
    assert " ".join(w.text for w in plain.words) == first.text


def test_a_sentence_left_out_is_read_in_parts(
    whisper: Whisper, waveforms: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    lengths = []
    search = Whisper._search

    def lazy(self: Whisper, encoded: torch.Tensor, language: str, **options: object) -> list[list[int]]:
        found = search(self, encoded, language, **options)
        lengths.append(len(found[0]))
        return [row[:1] for row in found] if len(lengths) == 1 else found

    monkeypatch.setattr(Whisper, "_search", lazy)
    (short,) = whisper.transcribe(waveforms[2:3], "en", beam_size=1)
    monkeypatch.setattr("dubkit.backends.whisper.guard.LONGEST_WORD", 0.05)
    monkeypatch.setattr("dubkit.backends.whisper.guard._CUTS", 1)
    lengths.clear()
    (heard,) = whisper.transcribe(waveforms[2:3], "en", beam_size=1)
    assert len(lengths) == 3
    assert len(short.words) == 1
    assert len(heard.words) > 1
    times = [t for w in heard.words for t in (w.start, w.end)]
    assert times == sorted(times)
    assert times[-1] <= 6.0


def test_a_batch_too_large_for_the_memory_is_halved(
    whisper: Whisper, waveforms: list[np.ndarray], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encode = Whisper._encode
    sizes = []

    def small(self: Whisper, batch: list[np.ndarray]) -> torch.Tensor:
        sizes.append(len(batch))
        if len(batch) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return encode(self, batch)

    expected = list(whisper.transcribe(waveforms[:3], "en", beam_size=1))
    language = whisper.detect_language(waveforms[:3])
    monkeypatch.setattr("dubkit.backends.devices.batch_size", lambda compute: 2)
    monkeypatch.setattr(Whisper, "_encode", small)
    fresh = Whisper.from_spec(str(folder), CPU)
    assert fresh.detect_language(waveforms[:3]) == language
    assert sizes == [2, 1, 1, 1]
    assert list(fresh.transcribe(waveforms[:3], "en", beam_size=1)) == expected


def test_search_is_fused_and_the_second_reading_gives_that_back(whisper: Whisper, waveforms: list[np.ndarray]) -> None:
    list(whisper.transcribe(waveforms[:1], "en", beam_size=1))
    assert whisper._model.config._attn_implementation == "sdpa"


def test_beams_that_change_places_keep_one_attention_to_the_sound(
    whisper: Whisper, waveforms: list[np.ndarray]
) -> None:
    from transformers.modeling_outputs import BaseModelOutput

    def search(**options: object) -> list[list[int]]:
        encoded = whisper._encode(waveforms[:3])
        with torch.inference_mode():
            found = whisper._model.generate(
                encoder_outputs=BaseModelOutput(last_hidden_state=encoded),
                num_beams=4,
                max_new_tokens=18,
                language="pt",
                task="transcribe",
                **options,
            )
        return [[int(t) for t in row] for row in found]

    assert search(past_key_values=_one_cross_attention()) == search()


def test_no_sound_is_no_words(whisper: Whisper, waveforms: list[np.ndarray]) -> None:
    empty, silence = np.zeros(0, np.float32), np.zeros(16_000, np.float32)
    first, second, third = whisper.transcribe([empty, waveforms[1], silence], "en", beam_size=1)
    assert first.words == third.words == ()
    assert second.words
    assert list(whisper.transcribe([], "en")) == []


def test_an_english_checkpoint_knows_english_alone(tmp_path: Path, waveforms: list[np.ndarray]) -> None:
    tiny.save(tmp_path, multilingual=False)
    whisper = Whisper.from_spec(str(tmp_path), CPU)
    assert whisper.languages() == {"en"}
    assert whisper.detect_language(waveforms[:1]) == ("en", 1.0)
    (heard,) = whisper.transcribe(waveforms[:1], "en", beam_size=2)
    assert heard.words


def test_what_it_cannot_do_is_said(whisper: Whisper, waveforms: list[np.ndarray], folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedPair, match=r"does not understand 'de'.*en, jv, pt, zh"):
        whisper.transcribe(waveforms, "de")
    with pytest.raises(ValueError, match=r"a waveform of 31\.0 s; Whisper takes up to 30 s"):
        list(whisper.transcribe([np.zeros(31 * 16_000, np.float32)], "en"))


def test_old_generation_settings_are_named(folder: Path, tmp_path: Path, waveforms: list[np.ndarray]) -> None:
    for file in folder.iterdir():
        if file.name != "generation_config.json":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    with pytest.raises(MissingModel, match=r"generation_config\.json of .* has no no_timestamps_token_id"):
        list(Whisper.from_spec(str(tmp_path), CPU).transcribe(waveforms[1:2], "en"))


def test_a_hub_id_is_the_default_and_is_not_asked_for_before_it_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    whisper = Whisper.from_spec("", CPU)
    assert whisper.fingerprint == "whisper:openai/whisper-large-v3+3"
    assert {"en", "pt", "jv", "fil", "no", "yue"} <= whisper.languages()
    assert len(whisper.languages()) == 100
    assert Whisper.from_spec("openai/whisper-base.en", CPU).languages() == {"en"}
    assert [c.present for c in whisper.models()] == [False]
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(MissingModel, match="openai/whisper-large-v3 is not here"):
        whisper.fetch()


def test_a_checkpoint_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(BadInput, match="is a model of type 'bert'; 'whisper' is needed here"):
        Whisper.from_spec(str(tmp_path), CPU).detect_language([np.ones(16_000, np.float32)])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_on_cuda_it_computes_in_half_precision(folder: Path, waveforms: list[np.ndarray]) -> None:
    whisper = Whisper.from_spec(str(folder), Compute("cuda", 0, 4))
    assert len(list(whisper.transcribe(waveforms, "en", beam_size=2))) == len(waveforms)
    assert whisper._model.dtype == torch.float16
    assert whisper._batches.size == 4
