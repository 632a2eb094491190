import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from runs import OwnBackends, opened

from dubkit.artefacts import Transcript
from dubkit.errors import BadInput
from evaluation.metrics import asr
from evaluation.texts.misreadings import Pair, compared, misreadings, said_in

SAID = ["We came, by train.", "It was late!", "…"]
READ = "we came quickly by trains it late"


def test_words_are_aligned_line_by_line_without_case_and_punctuation() -> None:
    found = compared(SAID, READ, "en")
    assert found.lines == (
        (Pair("we", "we"), Pair("came", "came"), Pair(None, "quickly"), Pair("by", "by"), Pair("train", "trains")),
        (Pair("it", "it"), Pair("was", None), Pair("late", "late")),
        (),
    )
    assert (found.n_words, found.substituted, found.missing, found.inserted) == (7, 1, 1, 1)


def test_the_error_rate_is_that_of_the_measure() -> None:
    found = compared(SAID[:2], READ, "en")
    assert found.wer == asr.score([" ".join(SAID[:2])], [READ], "en").wer == pytest.approx(3 / 7)


def test_nothing_read_is_all_missing() -> None:
    assert compared(["um dois"], "", "pt").lines == ((Pair("um", None), Pair("dois", None)),)


def test_the_page_marks_every_kind_of_error_and_escapes() -> None:
    page = compared(["a b & c"], "a x c <i>y</i>", "pt")._repr_html_()
    assert "<i>" not in page
    text = re.sub(r" style='[^']*'", "", page)
    assert "a <del>b</del> <b>x</b> c" in text and "<b>+" in text
    assert "Word error rate" in page and "of 3 words" in page


def test_a_text_file_has_a_line_for_each_sentence(tmp_path: Path) -> None:
    file = tmp_path / "said.txt"
    file.write_text("Olá.\n\n  Bom dia.\n", encoding="utf-8")
    assert said_in(file) == ["Olá.", "  Bom dia."]


def test_a_samples_folder_has_its_truth(tmp_path: Path) -> None:
    (tmp_path / "truth.json").write_text(json.dumps({"utterances": [{"text": "Olá."}, {"text": "Sim."}]}))
    assert said_in(tmp_path) == ["Olá.", "Sim."]


@pytest.mark.parametrize("content", [None, b"\xff\xfe\xff", "folder", "no json"])
def test_what_is_no_reference_is_refused(content: bytes | str | None, tmp_path: Path) -> None:
    path = tmp_path / "given"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content:
        path.mkdir()
        if content == "no json":
            (path / "truth.json").write_text("[1]")
    with pytest.raises(BadInput, match="holds no reference: give a text file"):
        said_in(path)


def test_a_reference_without_words_is_refused() -> None:
    with pytest.raises(BadInput, match="holds no words"):
        compared(["…"], "a", "pt")


def test_where_nobody_was_heard_all_is_missing(tmp_path: Path) -> None:
    file = tmp_path / "said.txt"
    file.write_text("Olá a todos.", encoding="utf-8")
    deaf = SimpleNamespace(transcript=Transcript(language="und", language_confidence=0.0, utterances=()))
    found = misreadings(deaf, file)  # type: ignore[arg-type]
    assert (found.n_words, found.missing, found.wer) == (3, 3, 1.0)


def test_a_run_is_compared_where_it_is_known_what_is_said(
    talk: Path, store: Path, backends: OwnBackends, tmp_path: Path
) -> None:
    run = opened(talk, store)
    unknown = misreadings(run)
    assert unknown.lines == () and "is not known" in unknown._repr_html_()
    file = tmp_path / "said.txt"
    file.write_text("\n".join(u.text for u in run.transcript.utterances))
    assert misreadings(run, file).wer == 0.0 and misreadings(run, file).n_words > 0
