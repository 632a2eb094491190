import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from dubkit.backends import apertium as module
from dubkit.backends.apertium import PACKAGES, Apertium, directions, install
from dubkit.backends.protocols import Backend, Compute
from dubkit.errors import BadInput, MissingModel, StageFailed, UnsupportedPair

SENTENCES = tomllib.loads((Path(__file__).parents[2] / "benchmarks" / "sentences.toml").read_text(encoding="utf-8"))

needs_apertium = pytest.mark.skipif(
    shutil.which("apertium") is None, reason="the program apertium is not installed (sudo apt install apertium ...)"
)


@pytest.fixture
def apertium() -> Apertium:
    return Apertium.from_spec("", Compute())


def said(apertium: Apertium, texts: list[str], source: str = "en", target: str = "es") -> list[str]:
    return [candidates[0].text for candidates in apertium.translate(texts, source, target)]


def test_picks_a_mode_for_each_direction() -> None:
    listed = ["eng-spa", "es-pt", "es-pt_BR", "spa-eng", "spa-eng_US", "eco-es-fr", "cat-por_PTpre1990", "cat-por_BR"]
    assert directions(listed) == {
        ("en", "es"): "eng-spa",
        ("es", "en"): "spa-eng",
        ("es", "pt"): "es-pt_BR",
        ("ca", "pt"): "cat-por_BR",
    }


def test_the_install_line() -> None:
    assert (
        install(["apertium-es-pt", "apertium-cat-ita"]) == "sudo apt install apertium apertium-cat-ita apertium-es-pt"
    )


@needs_apertium
def test_is_described_without_translating(apertium: Apertium) -> None:
    assert isinstance(apertium, Backend)
    assert apertium.fingerprint == Apertium.from_spec("", Compute()).fingerprint
    assert apertium.fingerprint.startswith("apertium@")
    assert "/" not in apertium.fingerprint
    cards = {m.name: m for m in apertium.models()}
    assert cards.keys() == {"apertium", *PACKAGES}
    assert cards["apertium"].present
    installed = {pair for name, has in PACKAGES.items() if cards[name].present for pair in has}
    assert installed <= apertium.pairs()


@needs_apertium
def test_texts_keep_their_places(apertium: Apertium) -> None:
    texts = ["Good morning.", "", "...", "The cats are here", "3 + 4", "No, thank you."]
    assert said(apertium, texts) == ["Buenos días.", "", "...", "Los gatos son aquí", "3 + 4", "No, gracias."]


@needs_apertium
@pytest.mark.parametrize(("source", "target"), [("en", "es"), ("pt", "es")])
def test_together_is_the_same_as_one_by_one(apertium: Apertium, source: str, target: str) -> None:
    if (source, target) not in apertium.pairs():
        pytest.skip(f"apertium has no pair {source} > {target} here")
    odd = ["No final stop", "Mr. X [y] {z} ^w$ \\ / <b> ~", '"Yes," he said', "end with colon:", "a.b@c.com", "…"]
    texts = SENTENCES[source][:2] + odd
    assert said(apertium, texts, source, target) == [said(apertium, [t], source, target)[0] for t in texts]


@needs_apertium
def test_unknown_words_are_counted_and_not_marked(apertium: Apertium) -> None:
    known, unknown = apertium.translate(["A red house.", "A red qwertz and a blue asdfgh."], "en", "es")
    assert known[0].text == "Una casa roja."
    assert known[0].score == 0.0
    assert "*" not in unknown[0].text
    assert "qwertz" in unknown[0].text
    assert unknown[0].score == pytest.approx(-2 / len(unknown[0].text.split()), abs=1e-4)


@needs_apertium
def test_marks_in_the_text_itself_are_not_taken_for_apertiums(apertium: Apertium) -> None:
    ((candidate,),) = apertium.translate(["*A* #red @house."], "en", "es")
    assert (candidate.text, candidate.score) == ("Una casa roja.", 0.0)


@needs_apertium
def test_text_never_reaches_a_shell(apertium: Apertium, tmp_path: Path) -> None:
    bait = tmp_path / "bait"
    said(apertium, [f"a'; touch {bait}; echo '", f"$(touch {bait}) `touch {bait}`", "bad \ud800 and \x00 null"])
    assert not bait.exists()


@needs_apertium
def test_falls_back_to_one_by_one(apertium: Apertium, monkeypatch: pytest.MonkeyPatch) -> None:
    run = module._run
    given: list[str] = []

    def merging(command: list[str], text: str) -> str:
        given.append(text)
        return run(command, text).replace("\n\n", " ")

    monkeypatch.setattr(module, "_run", merging)
    assert said(apertium, ["Good morning.", "A red house."]) == ["Buenos días.", "Una casa roja."]
    assert given[-3:] == ["Good morning.\n\nA red house.", "Good morning.", "A red house."]


@needs_apertium
def test_all_texts_share_one_process(apertium: Apertium, monkeypatch: pytest.MonkeyPatch) -> None:
    apertium.pairs()
    run = module._run
    commands: list[list[str]] = []
    monkeypatch.setattr(module, "_run", lambda command, text: commands.append(command) or run(command, text))
    said(apertium, SENTENCES["en"])
    assert commands == [["apertium", "eng-spa"]]


@needs_apertium
def test_refuses_a_pair_that_is_not_installed(apertium: Apertium) -> None:
    with pytest.raises(UnsupportedPair, match=r"no pair en > de here.*Installed: .*en>es"):
        said(apertium, ["Hello."], "en", "de")


def test_absent_program(apertium: Apertium, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.shutil, "which", lambda name: None)
    assert apertium.pairs() == frozenset()
    assert apertium.fingerprint == "apertium@absent"
    assert not any(m.present for m in apertium.models())
    with pytest.raises(MissingModel, match=r"sudo apt install apertium apertium-cat-ita .*apertium-spa-ita"):
        said(apertium, ["Hello."])


def test_a_failing_program_is_reported(apertium: Apertium, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(command: list[str], **options: object) -> subprocess.CompletedProcess[bytes]:
        return subprocess.CompletedProcess(command, 1, b"", b"Error: broken data\nmore")

    monkeypatch.setattr(module.shutil, "which", lambda name: "/usr/bin/apertium")
    monkeypatch.setattr(module.subprocess, "run", fails)
    with pytest.raises(StageFailed, match=r"apertium -l failed \(exit 1\): Error: broken data"):
        apertium.pairs()


def test_refuses_an_argument() -> None:
    with pytest.raises(BadInput, match=r"takes no argument"):
        Apertium.from_spec("eng-spa", Compute())
