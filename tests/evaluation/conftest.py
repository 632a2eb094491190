"""Suites of the films that a test has."""

from __future__ import annotations

import pytest

from evaluation.suites import Item, Suite, SuiteItem


@pytest.fixture
def suite(monkeypatch):
    """``suite(item, ...)`` is a suite of these items."""

    def made(*items: Item, **facts) -> Suite:
        monkeypatch.setattr(Suite, "load", lambda self: list(items))
        listed = (SuiteItem(sample="talk", target="pt"),)
        return Suite(**{"id": "tiny", "title": "", "what": "", "judge": "judge", "items": listed, **facts})

    return made
