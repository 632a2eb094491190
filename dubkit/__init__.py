"""dubkit takes a video in one language and gives back the same video spoken in another.

>>> import dubkit
>>> dubkit.dub("talk.mp4", target="pt")            # doctest: +SKIP

What is named here loads at first use, so that a script that only asks for the version stays quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dubkit.run import PIPELINE, Run, dub
    from dubkit.settings import Settings

__all__ = ["PIPELINE", "Run", "Settings", "dub"]
__version__ = "0.1.0"

_HOMES = {"PIPELINE": "dubkit.run", "Run": "dubkit.run", "dub": "dubkit.run", "Settings": "dubkit.settings"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'dubkit' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
