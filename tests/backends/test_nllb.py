"""NLLB's real classes, a few numbers wide, saved and loaded as the real checkpoints are."""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny import nllb as tiny_nllb

from dubkit import glossary
from dubkit.artefacts import Candidate
from dubkit.backends import flores
from dubkit.backends.nllb import terms as nllb_terms
from dubkit.backends.nllb.base import Draft, NllbTranslator, Part, _candidates, _joined
from dubkit.backends.nllb.translator import Nllb
from dubkit.backends.protocols import Compute, Hint, Translator
from dubkit.errors import BadInput, MissingModel, UnsupportedPair

CPU = Compute(device="cpu", threads=1)
TEXTS = ["a bad cab", "", "dab", "a cab had a bad dad and a dab of jam", "dab", "face"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nllb")
    tiny_nllb.save(folder)
    return folder


@pytest.fixture(scope="module")
def nllb(folder: Path) -> Nllb:
    return Nllb.from_spec(str(folder), CPU)


@pytest.fixture(autouse=True)
def short_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dubkit.backends.nllb.translator.LONGEST_OUTPUT", 12)


def test_it_is_a_translator_that_needs_no_weights_to_describe_itself(folder: Path) -> None:
    fresh = Nllb.from_spec(str(folder), CPU)
    backend: Translator = fresh
    assert ("en", "pt") in backend.pairs()
    assert ("en", "en") not in backend.pairs()
    assert len(backend.pairs()) == 200 * 199
    assert backend.route("en", "pt") == ("en", "pt")
    assert backend.fingerprint.startswith(f"nllb:{folder.name}@")
    assert fresh.heeds == {"terms"}
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


HINTS = [Hint(terms=("Word",)) if text == "dab" else Hint() for text in TEXTS]


def test_batched_and_one_by_one_agree(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nllb = Nllb.from_spec(str(folder), CPU)
    alone = [c for t, h in zip(TEXTS, HINTS, strict=True) for c in nllb.translate([t], "en", "pt", [h])]
    monkeypatch.setattr("dubkit.backends.devices.batch_size", lambda compute: compute.batch_size)
    together = list(Nllb.from_spec(str(folder), Compute("cpu", 1, 3)).translate(TEXTS, "en", "pt", HINTS))
    for a, b in zip(alone, together, strict=True):
        assert [c.text for c in a] == [c.text for c in b]
        assert [c.score for c in a] == pytest.approx([c.score for c in b], abs=2e-4)


def test_too_small_a_memory_halves_the_batch_and_keeps_the_order(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("dubkit.backends.devices.batch_size", lambda compute: compute.batch_size)
    nllb = Nllb.from_spec(str(folder), Compute("cpu", 1, 4))
    whole = list(nllb.translate(TEXTS, "en", "pt"))
    tight = Nllb.from_spec(str(folder), Compute("cpu", 1, 4))
    generate = tight._model.generate

    def cramped(**options: Any) -> Any:
        if len(options["input_ids"]) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return generate(**options)

    monkeypatch.setattr(tight._model, "generate", cramped)
    with caplog.at_level(logging.WARNING, "dubkit.backends"):
        found = list(tight.translate(TEXTS, "en", "pt"))
    assert [[c.text for c in r] for r in found] == [[c.text for c in r] for r in whole]
    assert [r.getMessage().rpartition(": ")[2] for r in caplog.records] == ["going on with 2"]


def test_on_the_cpu_a_rest_comes_out_as_the_whole_did(nllb: Nllb, folder: Path) -> None:
    whole = list(nllb.translate(TEXTS, "en", "pt"))
    rest = list(Nllb.from_spec(str(folder), Compute("cpu", 1, 4)).translate(TEXTS[2:], "en", "pt"))
    assert rest == whole[2:]


def test_wanted_words_come_first_and_other_texts_are_untouched(nllb: Nllb) -> None:
    plain = list(nllb.translate(TEXTS, "en", "pt"))
    steered = list(nllb.translate(TEXTS, "en", "pt", [*[Hint()] * 5, Hint(terms=("H",))]))
    assert not any(glossary.keeps(c.text, ["H"]) for c in plain[5])
    assert [glossary.keeps(c.text, ["H"]) for c in steered[5]] == [True, True, True, False, False]
    assert steered[:5] == plain[:5]


def test_the_score_of_a_steered_translation_is_its_own_probability(nllb: Nllb) -> None:
    plain = {c.text: c.score for c in next(nllb.translate(["face"], "en", "pt"))}
    steered = {c.text: c.score for c in next(nllb.translate(["face"], "en", "pt", [Hint(terms=("Word",))]))}
    both = plain.keys() & steered.keys()
    assert len(both) >= 2
    assert [plain[text] for text in both] == pytest.approx([steered[text] for text in both], abs=1e-4)


def test_what_a_hypothesis_earns_is_given_back_where_the_word_is_not_finished() -> None:
    words = [((7, 8, 9),), ((5,), (6, 5))]
    assert nllb_terms.potential([1, 7, 8], words) == 2 * nllb_terms.BONUS
    assert nllb_terms.potential([7, 8, 9, 1, 6, 5], words) == 5 * nllb_terms.BONUS
    other, listed = nllb_terms.gains([1, 7, 8], words)
    assert other == -2 * nllb_terms.BONUS
    assert listed[9] == nllb_terms.BONUS
    assert listed[7] == -nllb_terms.BONUS, "begun anew"
    assert listed[5] == -nllb_terms.BONUS
    assert nllb_terms.gains([7, 8, 9], words)[0] == 0, "a finished word stays"
    assert nllb_terms.gains([7, 8, 9], words)[1][7] == 0, "and counts once"


def test_steering_reaches_only_the_rows_that_want_words() -> None:
    steering = nllb_terms.Steering([[((7, 8),)], []], n_beams=2, n_prompt=2)
    rows = torch.tensor([[2, 3, 7], [2, 3, 1], [2, 3, 7], [2, 3, 1]])
    before = torch.zeros(4, 10)
    after = steering(rows, before)
    b = nllb_terms.BONUS
    assert after[0].tolist() == [-b, -b, -b, -b, -b, -b, -b, 0, b, -b]
    assert after[1].tolist() == [0, 0, 0, 0, 0, 0, 0, b, 0, 0]
    assert not after[2:].any()
    assert not before.any()
    assert steering(rows[:, :1], before) is before, "the language is given, not chosen"


class Scripted(NllbTranslator):
    """The real way around the model, and a search whose answers are written down; it notes what it is asked."""

    name = "scripted"

    def __init__(self, nllb: Nllb, answers: dict[str, list[str]], readable: int = 64) -> None:
        self.nllb = nllb
        self.answers = answers
        self.readable = readable
        self.asked: list[tuple[str, int]] = []

    def _search(self, parts: Sequence[Part], target: str, no_repeat: int) -> Iterator[list[Draft]]:
        for part in parts:
            self.asked.append((part.text, no_repeat))
            said = self.answers.get(part.text + "!" * bool(no_repeat), [part.text.lower(), part.text.upper()])
            yield [Draft(text, -float(n + 1), 2) for n, text in enumerate(said)]

    @property
    def _window(self) -> int:
        return 4

    @property
    def _tokenizer(self) -> Any:
        return self.nllb._tokenizer

    @property
    def _readable(self) -> int:
        return self.readable


def test_an_utterance_of_several_sentences_is_one_text(nllb: Nllb) -> None:
    scripted = Scripted(nllb, {})
    (found,) = scripted.translate(["He came. She saw him."], "en", "pt")
    assert scripted.asked == [("He came. She saw him.", 0)]
    assert found[0] == Candidate(text="he came. she saw him.", score=-0.5)


def test_a_long_text_is_cut_at_sentence_ends_into_the_fewest_parts(nllb: Nllb) -> None:
    scripted = Scripted(nllb, {})
    said = "One a dab. Two is a cab. Three is a face. Four had jam. Five is mad."
    (found,) = scripted.translate([said], "en", "pt")
    assert sorted(text for text, _ in scripted.asked) == [
        "Five is mad.",
        "One a dab. Two is a cab. Three is a face. Four had jam.",
    ]
    assert found == (Candidate(text=said.lower(), score=-0.5), Candidate(text=said.upper(), score=-1.0))


def test_a_long_sentence_is_cut_at_its_clauses(nllb: Nllb) -> None:
    scripted = Scripted(nllb, {})
    said = "there was a cab on a big road that he saw, and there was a man in a mad hat"
    (found,) = scripted.translate([said], "en", "pt")
    assert {text for text, _ in scripted.asked} == {
        "there was a cab on a big road that he saw,",
        "and there was a man in a mad hat",
    }
    assert found[0].text == said


def test_parts_without_spaces_are_joined_without() -> None:
    drafts = [[Draft("我来。", -1, 2)], [Draft("我看。", -3, 2), Draft("看。", -5, 2)]]
    assert _joined(drafts, "zho_Hans") == [Draft("我来。我看。", -4, 4), Draft("我来。看。", -6, 4)]
    assert _joined(drafts, "por_Latn")[0].text == "我来。 我看。"


def test_a_translation_that_goes_round_in_circles_is_searched_again(nllb: Nllb) -> None:
    loop = "e depois, e depois, e depois, e depois, e depois"
    scripted = Scripted(nllb, {"and then we left": [loop, loop + " e"], "and then we left!": ["e depois fomos"]})
    (found,) = scripted.translate(["and then we left"], "en", "pt")
    assert scripted.asked == [("and then we left", 0), ("and then we left", 4)]
    assert [c.text for c in found] == ["e depois fomos", loop, loop + " e"]


def test_one_sane_candidate_goes_before_those_that_stray(nllb: Nllb) -> None:
    scripted = Scripted(nllb, {"no": ["não " * 9, "não"]})
    (found,) = scripted.translate(["no"], "en", "pt")
    assert [c.text for c in found] == ["não", "não " * 8 + "não"]
    assert scripted.asked == [("no", 0), ("no", 4)] or scripted.asked == [("no", 0)]


def test_a_dropped_sentence_is_brought_back(nllb: Nllb) -> None:
    said = "He opened a door. A red cat ran out."
    answers = {
        said: ["Ele abriu."],
        "He opened a door.": ["Ele abriu uma porta."],
        "A red cat ran out.": ["O gato saiu."],
    }
    scripted = Scripted(nllb, answers)
    (found,) = scripted.translate([said], "en", "pt", [Hint(terms=("red",))])
    assert [c.text for c in found] == ["Ele abriu uma porta. O gato saiu.", "Ele abriu."]
    merged = Scripted(nllb, {said: ["Ele abriu uma porta e um gato vermelho saiu."]})
    assert len(next(merged.translate([said], "en", "pt"))) == 1
    assert len(merged.asked) == 1, "two sentences made into one are none lost"


def test_what_it_cannot_do_is_said(nllb: Nllb) -> None:
    with pytest.raises(UnsupportedPair, match=r"NLLB-200 does not know 'tlh'. It knows: .*zh-Hant, zu"):
        nllb.translate(["a"], "en", "tlh")
    with pytest.raises(
        BadInput, match=r"of 73 tokens without a space is longer than the 64 .* 'aaa.*Cut the utterance in two"
    ):
        list(nllb.translate(["a" * 70], "en", "pt"))


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
    assert nllb.fingerprint == "nllb:facebook/nllb-200-3.3B+3"
    assert [(c.present, c.licence) for c in nllb.models()] == [(False, "CC-BY-NC-4.0")]
    for use in (nllb.fetch, lambda: list(nllb.translate(["a"], "en", "pt"))):
        with pytest.raises(MissingModel, match=r"facebook/nllb-200-3\.3B is not here"):
            use()


def test_of_equal_texts_the_best_stays_and_empty_ones_go() -> None:
    found = _candidates([Draft("a  b", -0.22222, 2), Draft("", -1, 2), Draft("a b", -2, 2), Draft("c", -0.8, 2)])
    assert found == (Candidate(text="a b", score=-0.1111), Candidate(text="c", score=-0.4))
    assert _candidates([Draft("", -2, 2), Draft("", -4, 2)]) == (Candidate(text="", score=-1.0),)


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
