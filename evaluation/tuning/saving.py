"""The winner of a sweep as a profile: TOML that ``--profile`` takes, with what it was chosen by in a comment."""

from __future__ import annotations

import html
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dubkit.errors import BadInput, DubkitError
from dubkit.settings import load, profiles
from dubkit.store import told

if TYPE_CHECKING:
    from evaluation.tuning.sweeping import Sweep


def save(sweep: Sweep, path: Path) -> Path:
    """Write the profile; see :meth:`evaluation.tuning.Sweep.save`."""
    if path.suffix != ".toml":
        raise BadInput(f"A profile is a .toml file; give a path that ends so, not {str(path)!r}.")
    text = as_toml(sweep)
    with told(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return path


def as_toml(sweep: Sweep) -> str:
    """The sweep's base profile with the winner's settings, and a comment that tells where they come from.

    Raises
    ------
    BadInput
        If a setting cannot be written in TOML, which has no value for none.
    """
    import tomlkit

    shipped = profiles()
    text = shipped[sweep.base] if sweep.base in shipped else Path(sweep.base).read_text(encoding="utf-8")
    document = tomlkit.parse(text)
    winner = sweep.winner
    if not winner.is_default:
        for name, value in winner.settings.items():
            _put(document, name, value)
    comment = "".join(f"# {line}\n" for line in _origin(sweep))
    made = f"{comment}\n{tomlkit.dumps(document)}"
    wanted = load(tomllib.loads(text)).but({} if winner.is_default else winner.settings)
    if load(tomllib.loads(made)) != wanted:
        none = [name for name, value in winner.settings.items() if value is None]
        raise BadInput(
            f"A profile cannot say that {', '.join(none) or 'a setting'} is none: set it in code, with `set`."
        )
    return made


def _put(document: Any, name: str, value: Any) -> None:
    """Set a value by its dotted name; none is what a setting is that is not there."""
    import tomlkit

    *groups, last = name.split(".")
    node = document
    for group in groups:
        if group not in node:
            node[group] = tomlkit.table()
        node = node[group]
    if value is None:
        node.pop(last, None)
    else:
        node[last] = value


def _origin(sweep: Sweep) -> list[str]:
    facts: Mapping[str, Any] = sweep.default.result.provenance
    films = ", ".join(item["id"] for item in facts["items"])
    return [
        f"Chosen by a sweep over {', '.join(sweep.names)} on the suite {sweep.suite.id} ({films}),",
        f"{facts['began']}, commit {facts['commit'] or 'unknown'}; {len(sweep.trials)} tried besides {sweep.base} as it is.",
        sweep.winner.why,
    ]


class SaveButton:
    """A button that saves a sweep's winner at one click.

    Where ipywidgets is not installed, or the notebook is looked at without anybody behind it, the line to call is shown
    instead.

    Parameters
    ----------
    sweep : Sweep
        What is saved.
    path : Path
        Where.
    """

    def __init__(self, sweep: Sweep, path: Path) -> None:
        self.line = f'To save it: sweep.save("{path}")'
        self.widget: Any = _widget(f"Save as {path.name}", lambda: sweep.save(path))

    def __repr__(self) -> str:
        return self.line

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        """The button, and for those who cannot show it the line to call."""
        button: dict[str, Any] = self.widget._repr_mimebundle_(**options) if self.widget is not None else {}
        return {**button, "text/plain": self.line, "text/html": f"<code>{html.escape(self.line)}</code>"}


def _widget(label: str, save: Callable[[], Path]) -> Any:
    """An ipywidgets button that tells how it went; None where there is no ipywidgets."""
    try:
        from ipywidgets import Button, Layout
    except ImportError:
        return None
    button = Button(description=label, icon="save", button_style="success", layout=Layout(width="auto"))

    def clicked(_: Any) -> None:
        try:
            button.description = f"Saved: {save()}"
        except DubkitError as error:
            button.description, button.button_style = str(error), "danger"

    button.on_click(clicked)
    return button
