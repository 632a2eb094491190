"""The page and the service behind it, on this machine: ``python app.py``, then open http://127.0.0.1:7860.

``dubkit serve`` is the same with options; how a service for many is set up is told in docs/service.md.
"""

from __future__ import annotations

import os
import sys

from dubkit.errors import DubkitError
from dubkit.service.server import serve

if __name__ == "__main__":
    try:
        serve(port=int(os.environ.get("PORT", "7860")))
    except DubkitError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None
