"""A suite of one small film on back ends that load no model."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from known_film import item, write_stems
from runs import OwnBackends

from dubkit import voice_prints
from evaluation.judging import quality_model
from evaluation.metrics.quality import Rating
from evaluation.suites import Item, Suite, SuiteItem


@pytest.fixture
def talk_suite(
    talk: Path, tmp_path: Path, backends: OwnBackends, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Suite]:
    """``talk_suite("SAMPLE>TARGET", ...)`` is a suite of the small talking film under several names."""
    monkeypatch.setattr(quality_model, "rated", lambda sounds, rate: [Rating(3.0, 4.0, 3.5)] * len(sounds))
    monkeypatch.setattr(voice_prints, "prints", lambda sounds, rate: np.eye(4)[: len(sounds)])
    stems = write_stems(tmp_path / "stems")

    def load(suite: Suite) -> list[Item]:
        return [dataclasses.replace(item(talk, stems, target=one.target), id=one.id) for one in suite.items]

    monkeypatch.setattr(Suite, "load", load)

    def made(*ids: str) -> Suite:
        pairs = [name.split(">") for name in ids or ("talk>pt",)]
        films = tuple(SuiteItem(sample=sample, target=target) for sample, target in pairs)
        return Suite(id="tiny", title="", what="", judge="judge", items=films)

    return made
