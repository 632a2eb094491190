"""What commands share: their options, exit codes, and how they tell results and errors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from dubkit.errors import BadInput, DubkitError

NUMBERS = ("seconds", "in models", "peak MB", "megabytes", "start", "end", "drift", "rate")
NO_SPEECH, MISSING, ROWS_FAILED, INTERRUPTED = 3, 4, 6, 130

Film = Annotated[Path, typer.Argument(metavar="VIDEO", help="The film; put -- before a name that begins with a dash.")]
Target = Annotated[str | None, typer.Option("--to", help="Language to dub into: a code (pt) or a name (Portuguese).")]
Source = Annotated[str | None, typer.Option("--from", help="Language spoken; detected where not given.")]
Profile = Annotated[str | None, typer.Option(help="embedded, hub, or a TOML file; by default what this machine can.")]
Sets = Annotated[list[str] | None, typer.Option("--set", metavar="STAGE.SETTING=VALUE", help="Change one setting.")]
StoreFolder = Annotated[Path | None, typer.Option("--store", help="Where results are kept.")]
Json = Annotated[bool, typer.Option("--json", help="Speak JSON lines: events on stderr, the result on stdout.")]
RunName = Annotated[str, typer.Argument(metavar="RUN", help="A run's name or its beginning; 'last' is the newest.")]


class PlainErrors:
    """Turns errors that a person can cause into one message and an exit code.

    Parameters
    ----------
    as_json : bool
        Whether the message is JSON.
    interrupted : str
        What Ctrl-C says.
    """

    def __init__(
        self,
        as_json: bool,
        interrupted: str = "Interrupted. What is finished is kept: the same command goes on from there.",
    ) -> None:
        self.as_json = as_json
        self.interrupted = interrupted

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, DubkitError):
            self.say(str(error), error.exit_code)
        if isinstance(error, KeyboardInterrupt):
            self.say(self.interrupted, INTERRUPTED)

    def say(self, text: str, code: int) -> None:
        """Tell an error, and end the command with a code."""
        if self.as_json:
            print(json.dumps({"error": text, "exit_code": code}, ensure_ascii=False))
        else:
            Console(stderr=True).print(f"error: {text}", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(code)


def changes_of(given: list[str] | None) -> dict[str, Any]:
    """Settings by dotted name, out of texts such as ``segment.max_length=20``."""
    changes = {}
    for item in given or []:
        name, equals, value = item.partition("=")
        if not equals:
            PlainErrors(False).say(f"--set takes STAGE.SETTING=VALUE, not {item!r}.", BadInput.exit_code)
        changes[name.strip()] = value.strip()
    return changes


def tell(facts: dict[str, Any], as_json: bool, text: str) -> None:
    """Print a result: its facts as JSON, or a text."""
    print(json.dumps(facts, ensure_ascii=False) if as_json else text)


def print_table(console: Console, columns: tuple[str, ...], rows: list[list[Any]]) -> None:
    """Print rows under their columns; numbers are right-aligned."""
    table = Table(box=None, padding=(0, 1), header_style="bold")
    for column in columns:
        table.add_column(column, justify="right" if column in NUMBERS else "left")
    for row in rows:
        table.add_row(*[str(cell) for cell in row])
    console.print(table, markup=False)
