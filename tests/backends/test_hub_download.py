import errno
from pathlib import Path

import pytest

from dubkit.backends.hub.download import explained, snapshot
from dubkit.errors import MissingModel, OutOfSpace

NAME = "somebody/model"


def test_a_full_disk_is_not_taken_for_a_lost_network() -> None:
    with pytest.raises(OutOfSpace, match=r"The disk is full: somebody/model .* set HF_HOME"), explained(NAME, ""):
        raise OSError(errno.ENOSPC, "No space left on device")
    with (
        pytest.raises(MissingModel, match=r"reached \(ConnectionError\)\. .* run: fetch it ;"),
        explained(NAME, "fetch it"),
    ):
        raise ConnectionError("no route")


def test_just_the_files_asked_for_are_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(name: str, *, allow_patterns: list[str]) -> str:
        assert (name, allow_patterns) == ("somebody/model", ["*.yaml", "a/*.bin"])
        return str(tmp_path)

    monkeypatch.setattr("huggingface_hub.snapshot_download", fetch)
    assert snapshot("somebody/model", "", ("*.yaml", "a/*.bin")) == tmp_path
