"""What a kernel does between two notebooks."""

from __future__ import annotations

import gc
import os
import sys


def clear(folder: str) -> None:
    """Forget a notebook's variables and figures and go back to a folder; what is imported stays, models included."""
    from IPython import get_ipython

    # IPython collects garbage here, which takes a third of a second with models loaded. Python does it when it has to.
    gc.freeze()
    try:
        get_ipython().reset(new_session=True)
    finally:
        gc.unfreeze()
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")
    os.chdir(folder)
