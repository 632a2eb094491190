"""NLLB's real classes, a few numbers wide, saved and loaded as the real checkpoints are."""

from pathlib import Path

import pytest
import torch

from dubkit.artefacts import Candidate
from dubkit.backends import flores
from dubkit.backends.nllb import Nllb, _distinct
from dubkit.backends.protocols import Compute, Translator
from dubkit.errors import BadInput, MissingModel, UnsupportedPair

CPU = Compute(device="cpu", threads=1)
TEXTS = ["a bad cab", "", "dab", "a cab had a bad dad and a dab of jam", "dab", "face"]


def save_tiny_nllb(folder: Path) -> None:
    from transformers import GenerationConfig, M2M100Config, M2M100ForConditionalGeneration, NllbTokenizer

    vocab = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, "▁": 4}
    vocab.update({letter: 5 + n for n, letter in enumerate("abcdefghijklmnopqrstuvwxyz")})
    tokenizer = NllbTokenizer(vocab=vocab, merges=[])
    tokenizer.save_pretrained(folder)
    torch.manual_seed(5)
    config = M2M100Config(
        vocab_size=len(tokenizer),
        d_model=16,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        max_position_embeddings=64,
        init_std=0.5,
    )
    model = M2M100ForConditionalGeneration(config)
    # Random weights would mostly say language codes, which are no text.
    targets = tokenizer.convert_tokens_to_ids(["por_Latn", "deu_Latn"])
    unwanted = [0, 1, 3, *(n for n in range(len(vocab), len(tokenizer)) if n not in targets)]
    model.generation_config = GenerationConfig(
        decoder_start_token_id=2,
        eos_token_id=2,
        pad_token_id=1,
        bos_token_id=0,
        suppress_tokens=unwanted,
        max_length=200,
    )
    model.save_pretrained(folder)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nllb")
    save_tiny_nllb(folder)
    return folder


@pytest.fixture(scope="module")
def nllb(folder: Path) -> Nllb:
    return Nllb.from_spec(str(folder), CPU)


@pytest.fixture(autouse=True)
def short_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dubkit.backends.nllb.LONGEST_OUTPUT", 12)


def test_it_is_a_translator_that_needs_no_weights_to_describe_itself(folder: Path) -> None:
    fresh = Nllb.from_spec(str(folder), CPU)
    backend: Translator = fresh
    assert ("en", "pt") in backend.pairs()
    assert ("en", "en") not in backend.pairs()
    assert len(backend.pairs()) == 200 * 199
    assert backend.route("en", "pt") == ("en", "pt")
    assert backend.fingerprint.startswith(f"nllb:{folder.name}@")
    assert [c.present for c in backend.models()] == [True]
    assert "_model" not in vars(fresh)


def test_candidates_are_distinct_and_the_best_comes_first(nllb: Nllb) -> None:
    results = list(nllb.translate(TEXTS, "en", "pt"))
    assert len(results) == len(TEXTS)
    assert results[1] == (Candidate(text=""),)
    assert results[2] == results[4], "equal texts have equal translations"
    assert len({r[0].text for r in results}) > 2, "the text tells in the translation"
    for candidates in (r for r, text in zip(results, TEXTS, strict=True) if text):
        texts, scores = [c.text for c in candidates], [c.score for c in candidates]
        assert 2 <= len(texts) == len(set(texts)) <= 5
        assert scores == sorted(scores, reverse=True)
        assert all(texts)
        assert all(score < 0 for score in scores)


def test_the_best_is_what_transformers_itself_finds(nllb: Nllb, folder: Path) -> None:
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder, src_lang="fra_Latn")
    model = AutoModelForSeq2SeqLM.from_pretrained(folder).eval()
    out = model.generate(
        **tokenizer("a bad cab", return_tensors="pt"),
        forced_bos_token_id=tokenizer.convert_tokens_to_ids("deu_Latn"),
        num_beams=5,
        max_new_tokens=12,
        max_length=None,
    )
    (candidates,) = nllb.translate(["a bad cab"], "fr", "de")
    assert candidates[0].text == " ".join(tokenizer.decode(out[0], skip_special_tokens=True).split())


def test_languages_tell_in_the_result(nllb: Nllb) -> None:
    pairs = [("en", "pt"), ("en", "de"), ("fr", "pt")]
    best = {next(nllb.translate(["a bad cab"], source, target)) for source, target in pairs}
    assert len(best) == 3


def test_batched_and_one_by_one_agree(nllb: Nllb, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = [c for text in TEXTS for c in nllb.translate([text], "en", "pt")]
    monkeypatch.setattr("dubkit.backends.nllb.batch_size", lambda compute: compute.batch_size)
    monkeypatch.setattr("dubkit.backends.nllb.WINDOW", 2)
    together = list(Nllb.from_spec(str(folder), Compute("cpu", 1, 2)).translate(TEXTS, "en", "pt"))
    for a, b in zip(alone, together, strict=True):
        assert [c.text for c in a] == [c.text for c in b]
        assert [c.score for c in a] == pytest.approx([c.score for c in b], abs=2e-4)


def test_on_the_cpu_a_rest_comes_out_as_the_whole_did(nllb: Nllb, folder: Path) -> None:
    whole = list(nllb.translate(TEXTS, "en", "pt"))
    rest = list(Nllb.from_spec(str(folder), Compute("cpu", 1, 4)).translate(TEXTS[2:], "en", "pt"))
    assert rest == whole[2:]


def test_what_it_cannot_do_is_said(nllb: Nllb) -> None:
    with pytest.raises(UnsupportedPair, match=r"NLLB-200 does not know 'tlh'. It knows: .*zh-Hant, zu"):
        nllb.translate(["a"], "en", "tlh")
    with pytest.raises(
        BadInput, match=r"of 66 tokens is longer than the 64 .* begins 'a a a .*Cut the utterance in two"
    ):
        list(nllb.translate([" ".join("a" * 31) + " b"], "en", "pt"))


def test_a_vocabulary_without_the_language_is_told(tmp_path: Path, folder: Path) -> None:
    from transformers import NllbTokenizer

    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    NllbTokenizer(
        vocab={"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3}, extra_special_tokens=["eng_Latn"]
    ).save_pretrained(tmp_path)
    with pytest.raises(UnsupportedPair, match=r"has no por_Latn; it is not a full NLLB-200"):
        next(Nllb.from_spec(str(tmp_path), CPU).translate(["a"], "en", "pt"))


def test_the_hubs_checkpoint_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    nllb = Nllb.from_spec("", CPU)
    assert nllb.fingerprint == "nllb:facebook/nllb-200-3.3B"
    assert [(c.present, c.licence) for c in nllb.models()] == [(False, "CC-BY-NC-4.0")]
    for use in (nllb.fetch, lambda: list(nllb.translate(["a"], "en", "pt"))):
        with pytest.raises(MissingModel, match=r"facebook/nllb-200-3\.3B is not here"):
            use()


def test_of_equal_texts_the_best_stays_and_empty_ones_go() -> None:
    found = _distinct(["a  b", "", "a b", "c"], [-0.11111, -0.2, -0.3, -0.4])
    assert found == (Candidate(text="a b", score=-0.1111), Candidate(text="c", score=-0.4))
    assert _distinct(["", ""], [-1.0, -2.0]) == (Candidate(text="", score=-1.0),)


def test_flores_codes_are_those_of_the_checkpoints() -> None:
    from transformers.models.nllb.tokenization_nllb import FAIRSEQ_LANGUAGE_CODES

    codes = flores.codes()
    assert set(FAIRSEQ_LANGUAGE_CODES) - set(codes.values()) == {"twi_Latn", "ajp_Arab"}
    assert set(codes.values()) <= set(FAIRSEQ_LANGUAGE_CODES)
    some = {
        "pt": "por_Latn",
        "zh": "zho_Hans",
        "zh-Hant": "zho_Hant",
        "ar": "arb_Arab",
        "fa": "pes_Arab",
        "fa-AF": "prs_Arab",
        "no": "nob_Latn",
        "fil": "tgl_Latn",
        "sr": "srp_Cyrl",
        "sw": "swh_Latn",
        "ks-Deva": "kas_Deva",
        "sat": "sat_Beng",
    }
    assert {code: codes[code] for code in some} == some


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_on_cuda_it_computes_in_half_precision(folder: Path) -> None:
    nllb = Nllb.from_spec(str(folder), Compute("cuda", 0, 4))
    assert len(list(nllb.translate(TEXTS, "en", "pt"))) == len(TEXTS)
    assert nllb._model.dtype == torch.float16
