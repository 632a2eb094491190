"""What every back end of every task promises."""

import subprocess
import sys
from typing import Any

import pytest

from contract.subjects import COMPUTE, Bench, Subject, everyone
from dubkit.backends import registry
from dubkit.backends.protocols import Backend, ModelCard

ALL = [pytest.param(task, subject, id=f"{task}-{subject}") for task, subject in everyone()]


@pytest.mark.parametrize(("task", "subject"), ALL)
def test_it_describes_itself_in_a_stable_way(task: str, subject: Subject, bench: Bench) -> None:
    bench.backend(task, subject)
    spec = bench.spec(subject)
    cls: Any = registry.available(task)[spec.partition(":")[0]].load()
    one, two = (cls.from_spec(spec.partition(":")[2], COMPUTE) for _ in range(2))
    assert isinstance(one, Backend)
    assert one.fingerprint == two.fingerprint != ""
    cards = one.models()
    assert cards and all(isinstance(card, ModelCard) and card.name and card.licence for card in cards)
    assert [c for c in cards if not c.present and not c.optional] == []
    if task in ("transcriber", "translator", "synthesizer"):
        assert one.models(subject.language, subject.other if task == "translator" else subject.language)


def test_describing_them_all_loads_neither_torch_nor_weights(bench: Bench) -> None:
    specs = [(task, bench.spec(subject)) for task, subject in everyone()]
    script = (
        "import sys\nfrom dubkit.backends import registry\n"
        f"for task, spec in {specs!r}:\n"
        "    backend = registry.get(task, spec)\n"
        "    backend.fingerprint, backend.models()\n"
        "    assert 'torch' not in sys.modules, spec\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-500:]


def test_no_back_end_is_left_out() -> None:
    """Except those that need a server, which tests of their own hold to the same results, and Apertium, which may not
    be installed."""
    elsewhere = {"remote", "llm", "apertium"}
    for task in registry.TASKS:
        tested = {subject.spec.partition(":")[0] for name, subject in everyone() if name == task}
        assert set(registry.available(task)) - elsewhere == tested
