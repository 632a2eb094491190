"""The whole story in a real browser, with a real service and real models: hand in, watch, play, correct, preview, take away.

``DUBKIT_PICTURES=docs/pictures/page`` keeps the pictures of it there, as the documentation shows them.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import httpx
import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from started_service import Started, started

from data.samples import built
from dubkit.database import Database
from dubkit.service.access.keys import Keys

LAPTOP, PHONE = {"width": 1366, "height": 768}, {"width": 390, "height": 844}
PLAYING = "document.querySelector('.dub video')"
SHARPER = 1.5

Photograph = Callable[[Page, str], None]


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory, shared_store: Path) -> Iterator[Started]:
    """A service open to this machine, whose workers find in the store what other tests have made."""
    home = tmp_path_factory.mktemp("story") / "home"
    # The page offers the samples that are there when it starts.
    for sample in ("dialogue-en", "talking-head"):
        built(sample)
    with started(home, DUBKIT_STORE=str(shared_store)) as service:
        yield service


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """``visit(viewport, dark)`` is a person with a browser of their own; no script may fail there."""
    faults: list[str] = []
    contexts = []

    def come(viewport: dict[str, int] = LAPTOP, dark: bool = False) -> BrowserContext:
        scheme = "dark" if dark else "light"
        context = chromium.new_context(
            viewport=viewport,  # type: ignore[arg-type]
            color_scheme=scheme,  # type: ignore[arg-type]
            device_scale_factor=SHARPER,
            reduced_motion="reduce",
        )
        context.set_default_timeout(60_000)
        context.on("weberror", lambda fault: faults.append(fault.error.stack or str(fault.error)))
        contexts.append(context)
        return context

    yield come
    for context in contexts:
        context.close()
    assert faults == []


@pytest.fixture
def photograph(tmp_path: Path) -> Photograph:
    """``photograph(page, name)`` keeps what a page shows."""
    folder = Path(os.environ.get("DUBKIT_PICTURES") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)

    def take(page: Page, name: str) -> None:
        # What was just clicked may not be drawn yet.
        page.wait_for_timeout(300)
        page.screenshot(path=str(folder / f"{name}.jpg"), type="jpeg", quality=82)

    return take


def choose(page: Page, label: str, option: str) -> None:
    page.get_by_label(label, exact=True).select_option(label=option)


def sound_of(film: Path) -> np.ndarray:
    """All samples of a film's first sound track, shape (n_channels, n_samples)."""
    with av.open(str(film)) as container:
        return np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Started]:
    """A service that has dubbed nothing yet: every stage has its work to do."""
    with started(tmp_path / "home", DUBKIT_STORE=str(tmp_path / "store")) as service:
        yield service


def test_the_sample_is_dubbed_before_ones_eyes(
    fresh: Started, visit: Callable[..., BrowserContext], photograph: Photograph, tmp_path: Path
) -> None:
    page = visit().new_page()
    page.goto(fresh.url)
    page.get_by_role("button", name="Statement by the President").click()
    choose(page, "Dub into", "Portuguese, good translation")
    page.get_by_label("First try a part of it").check()
    page.get_by_label("Lasts, in seconds").fill("6.5")
    photograph(page, "start-laptop")
    page.get_by_role("button", name="Dub this film").click()

    page.locator(".dk-stages .running, .dk-stages .done").first.wait_for()
    seen, photographed, until = set(), False, time.monotonic() + 240
    while not page.locator(".editor .row").count():
        assert time.monotonic() < until, fresh.log()[-3000:]
        texts = page.locator(".dk-stages .running").all_inner_texts()
        seen |= {text.splitlines()[0] for text in texts}
        if len(seen) >= 3 and not photographed:
            photograph(page, "progress-laptop")
            photographed = True
        time.sleep(0.1)
    assert len(seen) >= 3, seen

    page.click(".editor .play")
    page.wait_for_function(f"{PLAYING}.currentTime > 1")
    assert page.evaluate(f"{PLAYING}.webkitAudioDecodedByteCount") > 0
    assert page.evaluate(f"[{PLAYING}.muted, {PLAYING}.videoWidth > 0]") == [False, True]
    page.click("[data-tab=downloads]")
    with page.expect_download() as waited:
        page.click(".files a >> text=Dubbed film")
    film = tmp_path / waited.value.suggested_filename
    waited.value.save_as(film)
    heard = sound_of(film)
    assert heard.shape[1] / 48_000 == pytest.approx(6.5, abs=0.3)
    assert 20 * np.log10(np.sqrt(np.mean(heard**2))) > -35


def test_a_dialogue_is_corrected_previewed_and_dubbed_again(
    served: Started, visit: Callable[..., BrowserContext], photograph: Photograph, tmp_path: Path
) -> None:
    page = visit().new_page()
    page.goto(served.url)
    page.get_by_role("button", name="The summer party").click()
    choose(page, "Dub into", "Portuguese, good translation")
    page.get_by_role("button", name="Dub this film").click()
    page.locator(".editor .row").first.wait_for(timeout=400_000)
    page.wait_for_function(f"{PLAYING}.readyState >= 2")
    photograph(page, "editor-laptop")

    page.click('[data-line="u0002"] [data-cell=text]')
    page.keyboard.press("Control+a")
    page.keyboard.type("Pão fresco para todos.")
    page.keyboard.press("Control+Enter")
    page.locator(".editor .notice", has_text="Saved.").wait_for()

    page.click("[data-tab=preview]")
    page.fill(".from", "0:04")
    page.fill(".to", "0:09")
    page.click(".range [type=submit]")
    page.locator(".clip-told", has_text="Preview of").wait_for(timeout=180_000)
    page.wait_for_function(f"{PLAYING}.currentTime > 0.5")
    photograph(page, "preview-laptop")
    page.click(".clip .whole")

    page.click(".editor .again")
    page.locator(".editor .notice", has_text="The film is dubbed again.").wait_for(timeout=240_000)
    page.click("[data-tab=speakers]")
    photograph(page, "voices-laptop")
    page.click("[data-tab=downloads]")
    with page.expect_download() as waited:
        page.click(".files li:has-text('Portuguese, SRT') a")
    assert "Pão fresco para todos." in Path(waited.value.path()).read_text(encoding="utf-8")
    photograph(page, "downloads-laptop")

    address = page.url
    page.close()
    for viewport, dark, name in ((PHONE, False, "editor-phone"), (LAPTOP, True, "editor-dark")):
        page = visit(viewport, dark).new_page()
        page.goto(address)
        page.locator(".editor .row").first.wait_for()
        assert page.locator('[data-line="u0002"] [data-cell=text]').inner_text() == "Pão fresco para todos."
        page.wait_for_function(f"{PLAYING}.readyState >= 2")
        photograph(page, name)
    page = visit(PHONE).new_page()
    page.goto(f"{served.url}/?films")
    expect(page.get_by_role("link", name="The summer party").first).to_be_visible()
    photograph(page, "films-phone")


def test_a_refused_file_shows_why(
    served: Started, visit: Callable[..., BrowserContext], photograph: Photograph
) -> None:
    page = visit().new_page()
    page.goto(served.url)
    words = {"name": "talk.mp4", "mimeType": "video/mp4", "buffer": b"just some words, no film at all"}
    page.set_input_files("#dk-chooser input[type=file]", words)  # type: ignore[arg-type]
    expect(page.locator("#dk-problem")).to_contain_text("is not a film that dubkit can read")
    photograph(page, "refused-laptop")


def test_two_people_cannot_see_each_other(
    visit: Callable[..., BrowserContext], photograph: Photograph, tmp_path: Path, shared_store: Path
) -> None:
    home = tmp_path / "home"
    with started(home, DUBKIT_STORE=str(shared_store), DUBKIT_REQUIRE_KEY="1") as service:
        keys = Keys(Database(str(home / "service.sqlite"), "job database", ""))
        secrets = {name: keys.add(name) for name in ("ana", "ben")}
        pages = {}
        for name, key in secrets.items():
            page = pages[name] = visit().new_page()
            page.goto(service.url)
            assert page.url.startswith(f"{service.url}/login")
            if name == "ana":
                photograph(page, "login-laptop")
            page.get_by_label("Key").fill(key)
            page.keyboard.press("Enter")
            page.get_by_role("link", name="My films").wait_for()
        ana, ben = pages["ana"], pages["ben"]
        ana.get_by_role("button", name="Statement by the President").click()
        choose(ana, "Dub into", "Portuguese, good translation")
        ana.get_by_role("button", name="Dub this film").click()
        ana.locator(".editor .row").first.wait_for(timeout=240_000)
        job = ana.url.partition("?job=")[2]
        ana.goto(f"{service.url}/?films")
        expect(ana.get_by_role("link", name="Statement by the President")).to_be_visible()

        ben.goto(f"{service.url}/?films")
        ben.get_by_role("heading", name="My films").wait_for()
        assert ben.get_by_role("link", name="Statement by the President").count() == 0
        ben.goto(f"{service.url}/?job={job}")
        expect(ben.locator("#dk-job")).to_contain_text("This film is not here")
        assert ben.locator(".editor .row").count() == 0
        for headers, told in (({}, 401), ({"X-API-Key": secrets["ben"]}, 404), ({"X-API-Key": secrets["ana"]}, 200)):
            for path in ("status", "lines", "files"):
                answer = httpx.get(f"{service.url}/api/v1/jobs/{job}/{path}", headers=headers)
                assert answer.status_code == told, (path, answer.text)
