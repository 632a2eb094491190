"""What a number stands on: versions of the packages that made it, and the memory that it took."""

from __future__ import annotations

import functools
import importlib.metadata
import platform
import resource
import sys

PACKAGES = ("dubkit", "numpy", "scipy", "torch", "transformers", "pyannote.audio", "faster-whisper", "onnxruntime")


@functools.cache
def versions() -> dict[str, str]:
    """Version of Python and of each package that is installed."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def peak_megabytes() -> float:
    """Highest resident memory of this process so far, in 10^6 bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6
