"""A back end in a package of its own: installed as anybody's, and found by its entry point."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dubkit.backends.protocols import Compute, Translator
from dubkit.errors import BadInput

EXAMPLE = Path(__file__).parents[2] / "examples" / "dubkit-memory"
USED = """
import json, sys
from dubkit.backends import registry
memory = registry.get("translator", f"memory:{sys.argv[1]}")
both = registry.get("translator", f"first:memory:{sys.argv[1]},pivot")
texts = ["How are you?", "The weather was cold."]
print(json.dumps({
    "pairs": sorted(memory.pairs()),
    "alone": [[c.text for c in line] for line in memory.translate(texts, "en", "pt")],
    "both": [line[0].text for line in both.translate(texts, "en", "pt")],
    "fingerprint": both.fingerprint,
}))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the package was installed into."""
    folder = tmp_path_factory.mktemp("plug-in")
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--target", str(folder / "lib")]
    # Built in a copy: a build leaves folders behind.
    copy = folder / "source"
    copy.mkdir()
    for file in EXAMPLE.iterdir():
        if file.is_file():
            (copy / file.name).write_bytes(file.read_bytes())
    subprocess.run([sys.executable, "-m", "pip", "install", *options, str(copy)], check=True, capture_output=True)
    return folder / "lib"


def test_it_is_small() -> None:
    assert sum(len(file.read_text().splitlines()) for file in EXAMPLE.glob("*.*")) < 70


def test_it_is_used_through_its_entry_point(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "talks.csv").write_text("en,pt\nHow are you?,Como vão vocês?\nGood night.,\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", USED, str(tmp_path / "talks.csv")],
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["pairs"] == [["en", "pt"], ["pt", "en"]]
    assert said["alone"] == [["Como vão vocês?"], []]
    assert said["both"][0] == "Como vão vocês?"
    assert "tempo" in said["both"][1].lower()
    assert said["fingerprint"].startswith("first(memory:")


def test_it_obeys_the_protocol(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLE))
    from dubkit_memory import Memory

    (tmp_path / "talks.csv").write_text("en,pt\nGood night.,Boa noite.\n", encoding="utf-8")
    memory: Translator = Memory.from_spec(str(tmp_path / "talks.csv"), Compute())
    before = memory.fingerprint
    assert [c[0].text for c in memory.translate(["good night"], "en", "pt")] == ["Boa noite."]
    (tmp_path / "talks.csv").write_text("en,pt\nGood night.,Boa noite!\n", encoding="utf-8")
    assert Memory.from_spec(str(tmp_path / "talks.csv"), Compute()).fingerprint != before


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "must be language codes"),
        (b"en;pt\nHello;Ol\xc3\xa1\n", "must be language codes"),
        (b"Good night.,Boa noite.,\n", "must be language codes|cannot be read"),
        (b'en,pt\n"Good" night.,Boa\n', "cannot be read as a CSV file"),
        ("en,pt\nOlá".encode("latin-1"), "cannot be read as a CSV file in UTF-8"),
    ],
)
def test_a_file_that_is_none_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, data: bytes, message: str
) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLE))
    from dubkit_memory import Memory

    (tmp_path / "talks.csv").write_bytes(data)
    with pytest.raises(BadInput, match=message):
        Memory.from_spec(str(tmp_path / "talks.csv"), Compute())
    with pytest.raises(BadInput, match="cannot be read"):
        Memory.from_spec(str(tmp_path / "none.csv"), Compute())


def test_rows_that_lack_a_language_are_passed_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLE))
    from dubkit_memory import Memory

    (tmp_path / "talks.csv").write_text("\ufeffen, pt\nHello\nGood night.,\nBye.,Tchau.\n", encoding="utf-8")
    memory = Memory.from_spec(str(tmp_path / "talks.csv"), Compute())
    assert [[c.text for c in x] for x in memory.translate(["Hello", "good night", "Bye!"], "en", "pt")] == [
        [],
        [],
        ["Tchau."],
    ]
