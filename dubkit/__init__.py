"""dubkit takes a video in one language and gives back the same video spoken in another.

>>> import dubkit
>>> dubkit.dub("talk.mp4", target="pt")            # doctest: +SKIP
"""

from dubkit.run import PIPELINE, Run, dub
from dubkit.settings import Settings

__all__ = ["PIPELINE", "Run", "Settings", "dub"]
__version__ = "0.1.0"
