"""RTTM files: what is written is read back, and what is none is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from builders import turns

from dubkit import rttm
from dubkit.errors import BadInput
from dubkit.stages import diarize


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.rttm"


def test_what_the_stage_writes_is_read_back(path: Path) -> None:
    found = turns(("S1", 0.5, 1.75), ("S2", 1.5, 12.25), ("S1", 10, 11))
    path.write_text(diarize.rttm(found))
    assert rttm.read(path) == found


def test_turns_are_put_in_order_and_other_lines_passed_over(path: Path) -> None:
    path.write_text(";; a comment\n\nSPKR-INFO f 1 <NA> <NA> <NA> unknown zoë <NA> <NA>\n"
                    "SPEAKER f 1 2 1 <NA> <NA> zoë <NA> <NA>\nSPEAKER f 1 0 1.5 <NA> <NA> S1 <NA>\n")  # fmt: skip
    assert rttm.read(path) == turns(("S1", 0, 1.5), ("zoë", 2, 3))


@pytest.mark.parametrize(
    "bad",
    [
        "SPEAKER f 1 zero 1 <NA> <NA> S1",
        "SPEAKER f 1 0 1",
        "SPEAKER f 1 nan 1 x x S1",
        "SPEAKER f 1 -0.1 1 x x S1",
        "SPEAKER f 1 1 0 x x S1",
        "SPEAKER f 1 1 -2 x x S1",
        "SPEAKER f 1 1 inf x x S1",
    ],
)
def test_a_line_without_times_or_with_such_as_cannot_be_is_told_by_its_number(path: Path, bad: str) -> None:
    path.write_text(f"SPEAKER f 1 0 1 <NA> <NA> S1\n{bad}\n")
    with pytest.raises(BadInput, match=r"Line 2 of 'a\.rttm' is no RTTM: SPEAKER <film> 1 <start> <length>"):
        rttm.read(path)


def test_a_byte_order_mark_hides_no_turn(path: Path) -> None:
    path.write_text("SPEAKER f 1 0 1.5 <NA> <NA> S1\n", encoding="utf-8-sig")
    assert rttm.read(path) == turns(("S1", 0, 1.5))


def test_a_file_that_cannot_be_read_is_named(path: Path) -> None:
    with pytest.raises(BadInput, match=r"no file '.*a\.rttm' that can be read"):
        rttm.read(path)
    path.write_bytes("SPEAKER é".encode("latin-1"))
    with pytest.raises(BadInput, match=r"'a\.rttm' is not text in UTF-8"):
        rttm.read(path)
