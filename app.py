"""The page and the service behind it, on this machine: ``python app.py``, then open http://127.0.0.1:7860.

``dubkit serve`` is the same without the samples; how a service for many is set up is told in docs/service.md.
"""

from __future__ import annotations

import os
import sys

from data.offered import offered
from dubkit.errors import BadInput, DubkitError
from dubkit.options import INTERRUPTED
from dubkit.service.server import serve


def port() -> int:
    """Where to listen: ``$PORT``, else 7860.

    Raises
    ------
    BadInput
        If it is no port's number.
    """
    given = os.environ.get("PORT") or "7860"
    if not given.isdecimal() or not 1 <= int(given) <= 65535:
        raise BadInput(f"PORT must be a number from 1 to 65535, not {given!r}.")
    return int(given)


if __name__ == "__main__":
    try:
        serve(port=port(), samples=offered())
    except DubkitError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None
