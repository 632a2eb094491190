"""The winner of a sweep as a profile: TOML that ``--profile`` takes, with what it was chosen by in a comment."""

from __future__ import annotations

import functools
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


def save(sweep: Sweep, path: Path, *, suggested: bool = False) -> Path:
    """Write the profile; see :meth:`evaluation.tuning.Sweep.save`."""
    if path.suffix != ".toml":
        raise BadInput(f"A profile is a .toml file; give a path that ends so, not {str(path)!r}.")
    text = as_toml(sweep, suggested=suggested)
    with told(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return path


def as_toml(sweep: Sweep, *, suggested: bool = False) -> str:
    """The sweep's base profile with the winner's settings, or those suggested, and a comment that tells where they come from.

    Raises
    ------
    BadInput
        If nothing is suggested, or a setting cannot be written in TOML, which has no value for none.
    """
    import tomlkit

    shipped = profiles()
    text = shipped[sweep.base] if sweep.base in shipped else Path(sweep.base).read_text(encoding="utf-8")
    document = tomlkit.parse(text)
    chosen = _chosen(sweep, suggested)
    for name, value in chosen.items():
        _put(document, name, value)
    comment = "".join(f"# {line}\n" for line in _origin(sweep, suggested))
    made = f"{comment}\n{tomlkit.dumps(document)}"
    if load(tomllib.loads(made)) != load(tomllib.loads(text)).but(chosen):
        none = [name for name, value in chosen.items() if value is None]
        raise BadInput(
            f"A profile cannot say that {', '.join(none) or 'a setting'} is none: set it in code, with `set`."
        )
    return made


def _chosen(sweep: Sweep, suggested: bool) -> Mapping[str, Any]:
    """What differs from the base profile."""
    winner = sweep.winner
    if not suggested:
        return {} if winner.is_default else winner.settings
    if winner.suggested is None:
        raise BadInput(f"Nothing is suggested by this sweep. {winner.why}")
    return winner.suggested


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


def _origin(sweep: Sweep, suggested: bool) -> list[str]:
    facts: Mapping[str, Any] = sweep.default.result.provenance
    films = ", ".join(item["id"] for item in facts["items"])
    return [
        f"Chosen by a sweep over {', '.join(sweep.names)} on the suite {sweep.suite.id} ({films}),",
        f"{facts['began']}, commit {facts['commit'] or 'unknown'}; {len(sweep.trials)} tried besides {sweep.base} as it is.",
        *(["Suggested by value alone, and not sure:"] * suggested),
        sweep.winner.why,
    ]


class SaveButton:
    """A button that saves a sweep's winner at one click, and another for what is suggested where that is not sure.

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
        labels = {f"Save as {path.name}": False}
        if sweep.winner.suggested is not None:
            self.line += f'; what is suggested: sweep.save("{path}", suggested=True)'
            labels = {f"Save the default as {path.name}": False, "Save what is suggested": True}
        self.buttons: list[Any] = [
            _button(label, functools.partial(sweep.save, path, suggested=suggested))
            for label, suggested in labels.items()
        ]
        self.widget: Any = _row(self.buttons)

    def __repr__(self) -> str:
        return self.line

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        """The button, and for those who cannot show it the line to call."""
        button: dict[str, Any] = self.widget._repr_mimebundle_(**options) if self.widget is not None else {}
        return {**button, "text/plain": self.line, "text/html": f"<code>{html.escape(self.line)}</code>"}


def _row(buttons: list[Any]) -> Any:
    """The buttons side by side; None where there is no ipywidgets."""
    if None in buttons:
        return None
    from ipywidgets import HBox

    return HBox(buttons)


def _button(label: str, save: Callable[[], Path]) -> Any:
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
