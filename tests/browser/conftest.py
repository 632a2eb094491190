"""A real browser on the page of a real service, and pictures of what it shows.

``DUBKIT_PICTURES=docs/pictures/page`` keeps the pictures there, as the documentation shows them.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from started_service import Started, started

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
QUIET += ["--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required"]
LAPTOP, PHONE = {"width": 1366, "height": 768}, {"width": 390, "height": 844}


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The system's Chromium; tests are skipped where there is none."""
    sync_api = pytest.importorskip("playwright.sync_api")
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("chromium is not installed (Debian package chromium)")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A fresh page on a laptop; the test fails where its scripts do."""
    context = chromium.new_context(viewport=LAPTOP, accept_downloads=True, reduced_motion="reduce")  # type: ignore[arg-type]
    opened = context.new_page()
    faults: list[str] = []
    opened.on("pageerror", lambda error: faults.append(str(error)))
    yield opened
    context.close()
    assert faults == []


@pytest.fixture
def picture(tmp_path: Path) -> Callable[[Page, str], Path]:
    """``picture(page, name)`` keeps what a page shows."""
    folder = Path(os.environ.get("DUBKIT_PICTURES") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)

    def take(page: Page, name: str) -> Path:
        target = folder / f"{name}.png"
        page.screenshot(path=str(target))
        return target

    return take


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory, shared_store: Path) -> Iterator[Started]:
    """A service on this machine, open to it, whose workers find in the store what other tests have made."""
    home = tmp_path_factory.mktemp("served") / "home"
    with started(home, DUBKIT_STORE=str(shared_store)) as service:
        yield service
