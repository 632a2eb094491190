"""What only a checkout of the repository has: the package ``data``, which builds the films."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

from dubkit.errors import BadInput


def checkout(module: str) -> Any:
    """A module of ``data``, which is no part of the installed package.

    Raises
    ------
    BadInput
        If it is not there.
    """
    # Notebooks run in their own folder, from which the repository's packages are not found.
    home = str(Path(__file__).parents[2])
    if home not in sys.path:
        sys.path.append(home)
    try:
        return importlib.import_module(f"data.{module}")
    except ModuleNotFoundError as error:
        if error.name not in ("data", f"data.{module}"):
            raise
        raise BadInput(
            "The films are built by a checkout of the repository, not by the installed package: give the command in its root."
        ) from error
