"""Which setting, how sure, and at what cost: sweeps over any settings of any stage.

>>> found = tuning.sweep("dialogues", {"diarize.threshold": [0.4, 0.5, 0.6]}, "diarization.der")  # doctest: +SKIP
>>> tuning.figure(found)                                                                            # doctest: +SKIP
>>> found.winner                                                                                    # doctest: +SKIP
>>> found.save("mine.toml")                                                                         # doctest: +SKIP

Runs go through the store as all of :mod:`evaluation` does: what no setting changes is made once, and what was tried
before is not made again. A sweep ends at the stage that its measures need.
"""

from evaluation.tuning.choice import Winner
from evaluation.tuning.figures import figure
from evaluation.tuning.sweeping import Sweep, sweep

__all__ = ["Sweep", "Winner", "figure", "sweep"]
