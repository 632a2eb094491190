"""`python data/build.py [ID ...]` builds sample videos; without names, all of them. `--list` says what there is."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from data.samples import main

if __name__ == "__main__":
    sys.exit(main())
