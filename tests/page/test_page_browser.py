"""The start, the progress and the list as people use them, in a real browser; nothing leaves this machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from films import make_film
from page_films import PAIRS, cancelled, completed, handed_in, opened, running, served
from playwright.sync_api import Browser, Page, expect

from dubkit.page.samples import Sample
from dubkit.progress import Event
from dubkit.service.jobs.job import LOCAL
from dubkit.service.service import Service

LAPTOP, PHONE = {"width": 1366, "height": 768}, {"width": 390, "height": 844}
FILE = "#dk-chooser input[type=file]"


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_film(tmp_path_factory.mktemp("film") / "holiday.mp4", seconds=2)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    made = opened(tmp_path_factory.mktemp("page") / "home")
    yield made
    made.close()


@pytest.fixture(scope="module")
def address(service: Service, film: Path) -> Iterator[str]:
    sample = Sample("talk", "A talk", "Somebody talks.", "pt", 2.0, film, "CC0")
    with served(service, (sample,)) as at:
        yield at


@pytest.fixture
def page(chromium: Browser, address: str) -> Iterator[Page]:
    """A visit, whose scripts must not fail and which must ask nothing of other machines."""
    context = chromium.new_context(viewport=LAPTOP)  # type: ignore[arg-type]
    opened = context.new_page()
    faults: list[str] = []
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on(
        "request", lambda asked: None if asked.url.startswith((address, "data:", "blob:")) else faults.append(asked.url)
    )
    yield opened
    context.close()
    assert faults == []


def choose(page: Page, label: str, option: str) -> None:
    page.get_by_label(label, exact=True).select_option(label=option)


def test_a_film_is_handed_in_and_watched_until_it_is_stopped(
    page: Page, address: str, service: Service, film: Path
) -> None:
    page.goto(address)
    page.set_input_files(FILE, film)
    expect(page.locator(".dk-chosen")).to_contain_text("holiday.mp4")
    choose(page, "Spoken in the film", "English")
    choose(page, "Dub into", "Portuguese, good translation")
    expect(page.locator("#dk-pair")).to_contain_text("10 voices")
    page.get_by_role("button", name="Dub this film").click()
    expect(page.get_by_role("heading", name="holiday.mp4")).to_be_focused(timeout=30_000)
    job = service.list(LOCAL, limit=1)[0]
    assert page.url == f"{address}/?job={job.id}"
    expect(page.get_by_role("heading", name="Waiting to start")).to_be_visible()

    claim = service.claims.take(job.id, "worker", 60.0)
    assert claim is not None
    service.claims.tell(claim, [Event("validate", "started"), Event("validate", "progress", 1, 3)])
    expect(page.get_by_role("heading", name="Checking the film")).to_be_visible()
    expect(page.locator(".dk-stages .running")).to_contain_text("1 of 3")
    expect(page.locator("#dk-job [role=status]").first).to_have_text("Checking the film, 0 percent")

    page.reload()
    expect(page.get_by_role("heading", name="Checking the film")).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Stop")).to_be_focused()
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("dialog").get_by_role("button", name="Stop").click()
    expect(page.get_by_role("heading", name="Stopping…")).to_be_visible()
    assert service.claims.beat(claim, 60.0) == "cancel"
    service.claims.cancelled(claim)
    expect(page.get_by_role("heading", name="Stopped", exact=True)).to_be_visible()
    page.get_by_role("button", name="Start again").click()
    expect(page.get_by_role("heading", name="Waiting to start")).to_be_visible()


def test_a_refused_file_says_why_at_once(page: Page, address: str) -> None:
    page.goto(address)
    problem = page.locator("#dk-problem")
    for name, content, told in (
        ("notes.txt", b"x", "A .txt file is not taken. Choose one of these: MP4"),
        ("empty.mp4", b"", "This file is empty."),
        ("text.mp4", b"just some words, no film at all", "is not a film that dubkit can read"),
    ):
        page.set_input_files(FILE, {"name": name, "mimeType": "video/mp4", "buffer": content})
        expect(problem).to_contain_text(told)
    page.get_by_role("button", name="Dub this film").click()
    expect(page.locator("#dk-refused")).to_have_text("Choose a film first: drop a file, or take one of the samples.")


def test_a_sample_sets_its_language_and_a_part_of_it_is_dubbed(page: Page, address: str, service: Service) -> None:
    page.goto(address)
    page.get_by_role("button", name="A talk").click()
    expect(page.get_by_label("Spoken in the film", exact=True)).to_have_value("pt")
    choose(page, "Dub into", "English, good translation")
    page.get_by_label("First try a part of it").check()
    page.get_by_label("Lasts, in seconds").fill("1")
    page.get_by_role("button", name="Dub this film").click()
    expect(page.locator("#dk-job h1")).to_be_visible(timeout=30_000)
    job = service.list(LOCAL, limit=1)[0]
    assert (job.source, job.target, job.start, job.duration) == ("pt", "en", 0.0, 1.0)


def test_a_sample_that_is_taken_before_languages_are_known_sets_its_language(
    chromium: Browser, tmp_path: Path, film: Path
) -> None:
    service = opened(tmp_path, pairs=())
    with served(service, (Sample("talk", "A talk", "Somebody talks.", "pt", 2.0, film, "CC0"),)) as address:
        page = chromium.new_page()
        page.goto(address)
        page.get_by_role("button", name="A talk").click()
        expect(page.locator("#dk-pair")).to_contain_text("still being found out")
        known(service)
        expect(page.get_by_label("Spoken in the film", exact=True)).to_have_value("pt", timeout=10_000)
        choose(page, "Dub into", "English, good translation")
        expect(page.locator("#dk-pair")).to_contain_text("voices")
        page.close()
    service.close()


def test_a_double_click_hands_in_one_film(page: Page, address: str, service: Service) -> None:
    before = len(service.list(LOCAL))
    page.goto(address)
    page.get_by_role("button", name="A talk").click()
    choose(page, "Dub into", "English, good translation")
    page.get_by_role("button", name="Dub this film").dblclick()
    expect(page.get_by_role("heading", name="A talk.mp4")).to_be_visible(timeout=30_000)
    assert len(service.list(LOCAL)) == before + 1


def test_back_and_forward_and_a_link_find_the_same(page: Page, address: str, service: Service) -> None:
    job = cancelled(service, name="interview.mkv")
    page.goto(address)
    page.get_by_role("link", name="My films").click()
    page.get_by_role("link", name="interview.mkv").click()
    expect(page.get_by_role("heading", name="interview.mkv")).to_be_visible()
    assert page.url.endswith(f"?job={job.id}") and page.title() == "Film – dubkit"
    page.go_back()
    expect(page.get_by_role("heading", name="My films")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="Dub a film")).to_be_visible()
    page.go_forward()
    page.go_forward()
    expect(page.get_by_role("button", name="Start again")).to_be_visible()


def test_a_film_is_deleted_after_a_question(page: Page, address: str, service: Service) -> None:
    job = completed(service, b"no picture", name="old.mp4")
    page.goto(f"{address}/?films")
    page.get_by_role("button", name="Delete old.mp4").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("link", name="old.mp4")).to_be_visible()
    page.get_by_role("button", name="Delete old.mp4").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("link", name="old.mp4")).to_have_count(0)
    assert job.id not in {one.id for one in service.list(LOCAL)}


def test_a_link_to_nothing_says_so(page: Page, address: str) -> None:
    page.goto(f"{address}/?job=nothing")
    expect(page.get_by_role("heading", name="This film is not here")).to_be_visible()


def test_names_of_films_are_never_markup(page: Page, address: str, service: Service) -> None:
    name = "<img src=x onerror=document.title=1>.mp4"
    job = handed_in(service, name)
    for view in (f"?job={job.id}", "?films"):
        page.goto(f"{address}/{view}")
        expect(page.get_by_text(name).first).to_be_visible()
        assert page.title() != "1"


def test_the_keyboard_alone_is_enough(page: Page, address: str) -> None:
    page.goto(address)
    # On a slow machine the parts of a page come one after another, and what is not there yet is passed over.
    for name in ("A talk", "Dub this film"):
        expect(page.get_by_role("button", name=name)).to_be_visible(timeout=30_000)
    reached: list[str] = []
    # How many stops there are is the browser's affair: it makes one of whatever has to be scrolled, too.
    while "Dub this film" not in reached and len(reached) < 40:
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate(
                "(({labels, ariaLabel, textContent}) => "
                "labels?.[0]?.textContent.trim() || ariaLabel || textContent.trim().slice(0, 80))(document.activeElement)"
            )
        )
    assert reached[:4] == ["Skip to the content", "dubkit", "New film", "My films"]
    assert {"Spoken in the film", "Dub into", "Dub this film"} <= set(reached), reached
    assert any(text.startswith("A talk") for text in reached), reached
    assert reached.count("Skip to the content") == 1, reached


@pytest.mark.parametrize("view", ["", "?films", "?job="])
def test_a_phone_needs_no_scrolling_sideways(page: Page, address: str, service: Service, view: str) -> None:
    claim = running(service, name="a_very_long_name_without_any_space_in_it_that_goes_on_and_on_and_on.mp4")
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    page.goto(f"{address}/{view}{claim.job.id if view == '?job=' else ''}")
    expect(page.locator(".dk-view:visible h1").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_languages_that_are_not_known_yet_come_by_themselves(chromium: Browser, tmp_path: Path) -> None:
    service = opened(tmp_path, pairs=())
    with served(service) as address:
        page = chromium.new_page()
        page.goto(address)
        expect(page.locator("#dk-pair")).to_contain_text("still being found out")
        known(service)
        expect(page.locator("#dk-pair")).not_to_contain_text("still being found out", timeout=10_000)
        choose(page, "Dub into", "Spanish")
        page.close()
    service.close()


def known(service: Service) -> None:
    """What a worker does when it has found out."""
    from dataclasses import asdict

    from dubkit.service.jobs.tables import languages

    rows = [{**asdict(pair), "profile": ""} for pair in PAIRS]
    service.database.write(lambda connection: connection.execute(languages.insert(), rows))
