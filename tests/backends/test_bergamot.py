import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import sacrebleu

from dubkit.backends import bergamot as module
from dubkit.backends.bergamot import Bergamot
from dubkit.backends.protocols import Backend, Compute
from dubkit.errors import BadInput, MissingModel, UnsupportedPair

SENTENCES = tomllib.loads((Path(__file__).parents[2] / "benchmarks" / "sentences.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def bergamot() -> Bergamot:
    return Bergamot.from_spec("", Compute())


def english(bergamot: Bergamot, text: str) -> str:
    return next(bergamot.translate([text], "pt", "en"))[0].text


def portuguese(bergamot: Bergamot, text: str) -> str:
    return next(bergamot.translate([text], "en", "pt"))[0].text


def test_is_described_without_loading() -> None:
    fresh = Bergamot.from_spec("", Compute())
    assert isinstance(fresh, Backend)
    assert fresh.fingerprint.startswith("bergamot-1:bergamot-en-pt@")
    assert [(m.name, m.present, m.licence) for m in fresh.models()] == [
        ("bergamot-en-pt", True, "MIT"),
        ("bergamot-pt-en", True, "MIT"),
    ]
    assert fresh.pairs() == {("en", "pt"), ("pt", "en")}
    assert fresh.route("en", "pt") == ("en", "pt")
    assert fresh._engines == {}


@pytest.mark.parametrize(("source", "target"), [("en", "pt"), ("pt", "en")])
def test_translates_well(bergamot: Bergamot, source: str, target: str) -> None:
    candidates = list(bergamot.translate(SENTENCES[source], source, target))
    assert [len(c) for c in candidates] == [1] * len(SENTENCES[source])
    said = [c[0].text for c in candidates]
    assert sacrebleu.corpus_chrf(said, [SENTENCES[target]]).score > 70


def test_is_not_spoilt_by_the_packages_own_rewriting(bergamot: Bergamot) -> None:
    assert portuguese(bergamot, "He lives in Brazil.") == "Ele vive no Brasil."


def test_no_sentence_is_dropped(bergamot: Bergamot) -> None:
    assert english(bergamot, "Mas eu vou para casa do Senhor. E você?") == "But I go home to the Lord. And you?"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ""),
        ("  \n ", ""),
        ("...", "..."),
        ("1234", "1234"),
        ("Hello", "Olá"),
        ("hello!", "olá!"),
        ("Thank you.", "Obrigado."),
        ("THANK YOU!", "OBRIGADO!"),
        ("Thank you for coming.", "Obrigado por vir."),
        ("DO NOT TOUCH", "NÃO TOQUE"),
        ("Good morning\nHow are you?", "Bom dia Como você está?"),
        ("I said “hello” to him.", 'Eu disse "olá" para ele.'),
        ("😀 Nice.", "Agradável."),
        ("你好吗？", "你好吗？"),
        ("3.5 million and $5.50, 10,000 people.", "3,5 milhões e US$ 5,50, 10.000 pessoas."),
    ],
)
def test_what_the_models_stumble_over(bergamot: Bergamot, text: str, said: str) -> None:
    assert portuguese(bergamot, text) == said


def test_an_exclamation_keeps_its_mark_and_its_sense(bergamot: Bergamot) -> None:
    assert portuguese(bergamot, "Hello world, this is important!") == "Olá, isto é importante!"


def test_a_long_sentence_is_translated_in_parts(bergamot: Bergamot) -> None:
    clause = "the quick brown fox jumps over the lazy dog while the farmer is sleeping, "
    said = portuguese(bergamot, "The owner says that " + clause * 20 + "and then he wakes up.")
    assert said.count("raposa") == 20
    assert len(said) < 1.5 * len(clause) * 20


def test_the_same_text_gives_the_same_words_in_any_company(bergamot: Bergamot) -> None:
    alone = portuguese(bergamot, SENTENCES["en"][3])
    together = [c[0].text for c in bergamot.translate(SENTENCES["en"][:5], "en", "pt")]
    assert together[3] == alone


def test_refuses_other_pairs(bergamot: Bergamot) -> None:
    with pytest.raises(UnsupportedPair, match="en > fr was asked for"):
        next(bergamot.translate(["Hello."], "en", "fr"))


def test_refuses_an_argument() -> None:
    with pytest.raises(BadInput, match="takes no argument"):
        Bergamot.from_spec("large", Compute())


def test_absent_models_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DUBKIT_CACHE", str(tmp_path))
    monkeypatch.setattr(module.weights, "package_folder", lambda name: None)
    fresh = Bergamot.from_spec("", Compute())
    assert fresh.pairs() == frozenset()
    assert not any(m.present for m in fresh.models())
    with pytest.raises(MissingModel, match="make setup"):
        next(fresh.translate(["Hello."], "en", "pt"))


def test_it_may_be_used_from_several_threads() -> None:
    """The engine itself crashes in a second thread, and takes the process with it."""
    script = (
        "import threading\n"
        "from dubkit.backends.bergamot import Bergamot\nfrom dubkit.backends.protocols import Compute\n"
        "def work():\n"
        "    backend = Bergamot.from_spec('', Compute())\n"
        "    print(next(backend.translate(['Good morning.'], 'en', 'pt'))[0].text)\n"
        "for _ in range(3):\n"
        "    thread = threading.Thread(target=work)\n    thread.start()\n    thread.join()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "Bom dia.\n" * 3)
