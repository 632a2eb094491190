"""A service's folder: closed to other users, never one that is not its own, and told in a line where it cannot be had."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from dubkit.errors import BadInput, OutOfSpace
from dubkit.service import home


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("there", [None, "", "secret", "service.sqlite"])
def test_it_is_made_or_closed(there: str | None, tmp_path: Path):
    folder = tmp_path / "a" / "home"
    if there is not None:
        folder.mkdir(parents=True, mode=0o755)
        if there:
            (folder / there).touch()
    home.settle(folder)
    assert mode(folder) == 0o700


def test_one_that_is_closed_may_hold_anything(tmp_path: Path):
    folder = tmp_path / "home"
    folder.mkdir(mode=0o700)
    (folder / "log").touch()
    home.settle(folder)
    assert mode(folder) == 0o700


def test_other_things_are_not_closed_unasked(tmp_path: Path):
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o755)
    (folder / "letters").touch()
    with pytest.raises(BadInput, match=r"holds other things.* chmod 700"):
        home.settle(folder)
    assert mode(folder) == 0o755


def test_another_user_s_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = tmp_path / "home"
    folder.mkdir()
    folder.chmod(0o750)
    monkeypatch.setattr(os, "geteuid", lambda: folder.stat().st_uid + 1)
    with pytest.raises(BadInput, match="belongs to another user"):
        home.settle(folder)


def test_what_cannot_be_a_folder_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match=r"it is a file\. Name another"):
        home.settle(tmp_path / "file")
    with pytest.raises(BadInput, match="Not a directory"):
        home.settle(tmp_path / "file" / "home")
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(BadInput, match="cannot be read and written"):
        home.settle(tmp_path / "home")


def test_a_full_disk_is_no_bad_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "mkdir", full)
    with pytest.raises(OutOfSpace, match="No space left"):
        home.settle(tmp_path / "home")


def test_files_are_private_in_the_block_alone(tmp_path: Path):
    before = os.umask(0o022)
    try:
        with home.private():
            (tmp_path / "inside").touch()
        (tmp_path / "outside").touch()
    finally:
        os.umask(before)
    assert (mode(tmp_path / "inside"), mode(tmp_path / "outside")) == (0o600, 0o644)
