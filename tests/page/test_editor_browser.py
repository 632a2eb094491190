"""The editor as people use it, in a real browser: play, correct, preview, dub again, take away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import pytest
from dubbed_films import a_document, dub_again, dubbed
from page_films import opened, served
from playwright.sync_api import Browser, BrowserContext, Page

from dubkit.page.editor.lines_table import MOST_DRAWN
from dubkit.service.jobs.job import Film, Job
from dubkit.service.lines.line_changes import LineChanges
from dubkit.service.service import Service

LAPTOP, PHONE = {"width": 1366, "height": 768}, {"width": 390, "height": 844}


@dataclass
class Desk:
    """A film in the editor, and the service behind it."""

    service: Service
    job: Job
    page: Page

    def cell(self, line: str, cell: str = "text") -> str:
        return f'[data-line="{line}"] [data-cell={cell}]'

    def write(self, line: str, text: str, cell: str = "text") -> None:
        """Correct a line as one does with mouse and keys."""
        self.page.click(self.cell(line, cell))
        self.page.keyboard.press("Control+a")
        self.page.keyboard.type(text)
        self.page.keyboard.press("Enter")

    def told(self, text: str) -> None:
        self.page.locator(".editor .notice", has_text=text).wait_for()

    def open(self) -> None:
        self.page.goto(f"{self.address}/?job={self.job.id}")
        self.page.locator(".editor .row, .editor .empty").first.wait_for()

    address: str = ""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, str]]:
    service = opened(tmp_path_factory.mktemp("page") / "home")
    with served(service) as address:
        yield service, address
    service.close()


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    made = chromium.new_context(viewport=LAPTOP)
    yield made
    made.close()


@pytest.fixture
def desk(address: tuple[Service, str], context: BrowserContext) -> Desk:
    service, url = address
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.on("pageerror", lambda error: pytest.fail(str(error)))
    made = Desk(service, dubbed(service), page, url)
    made.open()
    return made


def test_the_dub_plays_with_sound_beside_the_original(desk: Desk) -> None:
    desk.page.click(".editor .play")
    desk.page.wait_for_function("document.querySelector('.dub video').currentTime > 0.5")
    assert desk.page.evaluate("document.querySelector('.dub video').webkitAudioDecodedByteCount") > 0
    apart = "document.querySelector('.dub video').currentTime - document.querySelector('.original video').currentTime"
    assert abs(desk.page.evaluate(apart)) < 0.5
    muted = "[...document.querySelectorAll('.screens video')].map((video) => video.muted)"
    assert desk.page.evaluate(muted) == [True, False]
    desk.page.focus(".editor .play")
    desk.page.keyboard.press("s")
    assert desk.page.evaluate(muted) == [False, True]
    desk.page.keyboard.press("k")
    assert desk.page.evaluate("document.querySelector('.dub video').paused")


def test_both_subtitles_are_shown_as_chosen(desk: Desk) -> None:
    desk.page.select_option("select.subtitles", label="Portuguese and English")
    tracks = "[...document.querySelector('.dub video').textTracks].map((track) => track.mode)"
    assert desk.page.evaluate(tracks) == ["showing", "showing"]
    desk.page.select_option("select.subtitles", label="English")
    assert desk.page.evaluate(tracks) == ["hidden", "showing"]


def test_a_line_is_corrected_by_keyboard_saved_and_dubbed_again(desk: Desk) -> None:
    page = desk.page
    page.click(desk.cell("u0001", "about"))
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.keyboard.press("Control+a")
    page.keyboard.type("Olá a todos.")
    page.keyboard.press("Control+Enter")
    desk.told("Saved.")
    assert desk.service.lines("local", desk.job.id).lines[0].text == "Olá a todos."
    assert page.inner_text(".bar-told").startswith("1 line to dub again, ")
    page.click(".editor .again")
    page.locator(".busy-told", has_text="Dubbing again").wait_for()
    assert page.is_disabled(".editor .again")
    dub_again(desk.service)
    desk.told("The film is dubbed again.")
    assert page.text_content(desk.cell("u0001")) == "Olá a todos."
    assert page.inner_text(".bar-told") == "The dub has all changes."


def test_escape_leaves_a_line_as_it_was_and_enter_goes_on(desk: Desk) -> None:
    page = desk.page
    desk.write("u0001", "Olá.")
    assert page.evaluate("document.activeElement.closest('.row').dataset.line") == "u0002"
    page.keyboard.press("Enter")
    page.keyboard.type(" mais")
    page.keyboard.press("Escape")
    assert page.text_content(desk.cell("u0002")) == "Isso cheira maravilhoso."
    assert page.inner_text(".bar-told").startswith("1 change not saved")


def test_changes_outlive_the_page_until_they_are_undone(desk: Desk) -> None:
    page = desk.page
    page.on("dialog", lambda dialog: dialog.accept())
    desk.write("u0003", "Comemos?")
    desk.open()
    desk.told("1 change from before is still here, not saved yet.")
    assert page.text_content(desk.cell("u0003")) == "Comemos?"
    page.click(desk.cell("u0003", "about"))
    page.click(".tools .undo")
    assert page.text_content(desk.cell("u0003")) == "Vamos comer?"
    assert page.is_disabled(".editor .save")


def test_what_was_saved_elsewhere_meanwhile_costs_no_change(desk: Desk) -> None:
    changes = LineChanges.model_validate({"lines": {"u0002": {"text": "Cheira bem."}}})
    desk.service.change_lines("local", desk.job.id, changes, 0)
    desk.write("u0001", "Olá.")
    desk.page.click(".editor .save")
    desk.told("This film was changed in another window meanwhile. Your changes are kept")
    assert desk.page.text_content(desk.cell("u0001")) == "Olá."
    assert desk.page.text_content(desk.cell("u0002")) == "Cheira bem."
    desk.page.click(".editor .save")
    desk.told("Saved.")
    assert [line.text for line in desk.service.lines("local", desk.job.id).lines[:2]] == ["Olá.", "Cheira bem."]


def test_a_stretch_is_previewed_with_the_changes_in_place(desk: Desk) -> None:
    page = desk.page
    desk.write("u0001", "Olá.")
    page.click("[data-tab=preview]")
    page.fill(".from", "0:01")
    page.fill(".to", "0:03")
    page.click(".range [type=submit]")
    desk.told("Preview: ")
    dub_again(desk.service, begin=0.4, end=3.4)
    page.locator(".clip-told", has_text="Preview of 0:00 to 0:03").wait_for()
    page.wait_for_function("document.querySelector('.dub video').currentTime > 0.2")
    # Whole lines are heard: what is shown beside it begins with them.
    beside = "document.querySelector('.original video').currentTime - document.querySelector('.dub video').currentTime"
    assert page.evaluate(beside) == pytest.approx(0.4, abs=0.3)
    page.click(".clip .whole")
    assert page.is_hidden(".clip")


@pytest.mark.parametrize(("start", "end"), [("0:03", "0:01"), ("0:00", "9:00"), ("x", "0:02")])
def test_a_stretch_that_is_none_is_refused_at_once(desk: Desk, start: str, end: str) -> None:
    desk.page.click("[data-tab=preview]")
    desk.page.fill(".from", start)
    desk.page.fill(".to", end)
    desk.page.click(".range [type=submit]")
    desk.told("Give times from 0:00 to 0:04.0, the earlier one first.")


def test_speakers_are_renamed_merged_and_heard(desk: Desk) -> None:
    page = desk.page
    page.click("[data-tab=speakers]")
    page.fill('[data-speaker="S1"] .name', "Ana")
    page.keyboard.press("Tab")
    page.select_option('[data-speaker="S3"] [aria-label="Same person as"]', label="Speaker 2")
    page.select_option('[data-speaker="S2"] .voice select', label="Santa")
    page.click('[data-speaker="S2"] .hear-voice')
    page.locator('[data-speaker="S2"] .heard', has_text="Yours is next.").wait_for()
    dub_again(desk.service)
    page.wait_for_function("document.querySelector('video.audition')?.currentTime > 0.1")
    page.click(".editor .save")
    desk.told("Saved.")
    speakers = {one.id: one for one in desk.service.lines("local", desk.job.id).speakers}
    assert (speakers["S1"].name, speakers["S2"].voice, speakers["S3"].merged_into) == ("Ana", "stand-in:santa", "S2")
    page.select_option('[data-speaker="S3"] [aria-label="Same person as"]', label="nobody else")
    page.click(".editor .save")
    desk.told("Saved.")
    assert desk.service.lines("local", desk.job.id).speakers[2].merged_into == ""


def test_lines_of_merged_speakers_are_shown_as_one_persons(desk: Desk) -> None:
    page = desk.page
    page.click("[data-tab=speakers]")
    page.select_option('[data-speaker="S3"] [aria-label="Same person as"]', label="Speaker 2")
    page.click(".editor .save")
    desk.told("Saved.")
    page.click("[data-tab=lines]")
    assert page.text_content(f"{desk.cell('u0004', 'about')} .who") == "Speaker 2"


def test_lines_are_searched_and_those_to_be_checked_are_found(desk: Desk) -> None:
    page = desk.page
    page.select_option(".filter", "flag")
    assert page.locator(".row:visible").count() == 2
    assert page.inner_text(".count") == "2 of 4 lines"
    page.fill(".search", "WONDER")
    assert page.locator(".row:visible").count() == 1
    page.fill(".search", "nothing like it")
    assert page.inner_text(".panel .empty") == "No line is like that."


def test_a_line_of_the_time_line_is_found_in_the_table_and_the_film(desk: Desk) -> None:
    desk.page.locator('.drawn [data-line="u0003"] rect').first.click()
    assert desk.page.evaluate("document.querySelector('.row.chosen').dataset.line") == "u0003"
    assert desk.page.evaluate("document.querySelector('.dub video').currentTime") == pytest.approx(2.1)


def test_other_wordings_are_taken_and_lines_left_out(desk: Desk) -> None:
    page = desk.page
    page.click(desk.cell("u0001", "about"))
    page.click(".wordings button")
    assert page.text_content(desk.cell("u0001")) == "Bom dia. ou não"
    page.click(desk.cell("u0002", "about"))
    page.click(".tools >> text=Leave out")
    page.click(".editor .save")
    desk.told("Saved.")
    lines = desk.service.lines("local", desk.job.id).lines
    assert (lines[0].text, lines[1].dropped) == ("Bom dia. ou não", True)
    page.click(desk.cell("u0002", "about"))
    page.click(".tools .undo")
    desk.told("Saved.")
    assert not desk.service.lines("local", desk.job.id).lines[1].dropped


def test_what_somebody_wrote_is_never_markup(desk: Desk) -> None:
    assert desk.page.text_content(desk.cell("u0004")) == "<img src=x onerror=alert(1)>"
    assert desk.page.text_content(desk.cell("u0004", "source_text")) == "<b>Yes</b> & no"
    assert desk.page.locator(".editor img").count() == 0


def test_files_are_taken_away_one_by_one_and_all_at_once(desk: Desk) -> None:
    page = desk.page
    page.click("[data-tab=downloads]")
    assert page.locator(".files a").count() == 7
    with page.expect_download() as waited:
        page.click(".files a >> text=Dubbed film")
    assert waited.value.suggested_filename == "holiday.pt.mp4"
    with page.expect_download() as waited:
        page.click("text=Everything in one file")
    assert Path(waited.value.path()).read_bytes()[:2] == b"PK"


def test_a_phone_shows_it_without_scrolling_sideways(desk: Desk) -> None:
    desk.page.set_viewport_size(PHONE)
    desk.page.click(desk.cell("u0002", "about"))
    assert desk.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert desk.page.is_visible(".dub video")
    assert desk.page.is_hidden(".original video")


def test_a_line_that_is_emptied_stays_and_says_so(desk: Desk) -> None:
    desk.page.click(desk.cell("u0001"))
    desk.page.keyboard.press("Control+a")
    desk.page.keyboard.press("Delete")
    desk.page.keyboard.press("Enter")
    desk.told("A line cannot be empty")
    assert desk.page.text_content(desk.cell("u0001")) == "Bom dia."
    assert desk.page.inner_text(".bar-told") == "The dub has all changes."


def test_a_line_that_is_too_long_says_so_while_it_is_written(desk: Desk) -> None:
    desk.page.click(desk.cell("u0001"))
    desk.page.keyboard.insert_text("😀" * 3000)
    assert desk.page.inner_text(".expected") == "A line has 2000 characters at most."
    desk.page.keyboard.press("Escape")
    assert desk.page.text_content(desk.cell("u0001")) == "Bom dia."


def test_an_original_that_the_browser_cannot_play_is_told(desk: Desk) -> None:
    place = f"films/{desk.job.id}/film.avi"
    film = desk.service.config.home / "film.avi"
    film.write_bytes(b"RIFF    AVI LIST and what no browser plays")
    desk.service.storage.upload(film, place)
    desk.job = dubbed(desk.service, film=Film("talk.avi", place, film.stat().st_size, 4.0))
    desk.open()
    told = desk.page.locator(".lacking")
    told.wait_for()
    assert told.inner_text() == "This browser cannot play the original (AVI): only the dub is shown."
    assert desk.page.is_disabled(".hear [value=original]")


def test_a_film_of_very_many_lines_says_why_they_are_not_drawn(desk: Desk) -> None:
    desk.job = dubbed(desk.service, a_document(MOST_DRAWN + 1))
    desk.open()
    assert desk.page.inner_text(".drawn").startswith(f"{MOST_DRAWN + 1} lines are too many to be drawn")


def test_a_dub_that_is_stopped_leaves_the_one_before_and_the_corrections(desk: Desk) -> None:
    page = desk.page
    desk.write("u0001", "Olá.")
    page.click(".editor .again")
    page.locator(".busy-told", has_text="Dubbing again").wait_for()
    page.click(".editor .stop")
    desk.told("Stopped. The dub is as it was before.")
    assert page.inner_text(".bar-told").startswith("1 line to dub again, ")
    desk.open()
    assert page.locator(".dk-board").count() == 0


@pytest.mark.parametrize(
    ("least", "most", "told"),
    [
        (1, 8, "a few seconds"),
        (8, 21, "10 to 20 seconds"),
        (20, 22, "about 20 seconds"),
        (2, 30, "up to 30 seconds"),
        (20, 70, "up to 1 minute"),
        (70, 200, "1 to 4 minutes"),
        (240, 250, "about 4 minutes"),
    ],
)
def test_a_time_is_told_as_what_it_lies_between(desk: Desk, least: float, most: float, told: str) -> None:
    elements = (files("dubkit.page.editor") / "editor_elements.js").read_text()
    assert desk.page.evaluate(f"(() => {{ {elements}; return span({least}, {most}); }})()") == told


def test_a_film_without_words_says_so(address: tuple[Service, str], desk: Desk) -> None:
    desk.job = dubbed(desk.service, a_document(0))
    desk.open()
    assert desk.page.inner_text(".panel .empty") == "Nobody speaks in this film: there is nothing to correct."
