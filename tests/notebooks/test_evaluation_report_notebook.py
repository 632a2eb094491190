"""The evaluation report, on results made by hand."""

from collections.abc import Callable
from pathlib import Path

from result_sets import full, line


def test_it_shows_results_without_sounds_oracles_or_a_baseline(execute: Callable, tmp_path: Path):
    full("embedded", wrong=2, lines={"film": [line("u001", text="Olá.")]}).save(tmp_path / "a")
    done = execute("evaluation_report", results=[str(tmp_path / "a")], store=str(tmp_path))
    assert {o.output_type for o in done.outputs} == {"display_data"}
    pages = done.pages
    assert "<td>tiny</td><td>embedded</td><td class='number'>0.200</td>" in pages[0]
    assert any("0.200 [0.200, 0.200]" in p and "↓ word errors per word" in p for p in pages)
    assert any("Olá." in p and "is not in the store any more" in p for p in pages)
    told = done.of("text/markdown")
    assert "None was given." in told and any("--oracles" in text for text in told)
    assert len(done.figures) == 4
