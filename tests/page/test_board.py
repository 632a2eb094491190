"""What a job's board and the list of films say in each state, and that nothing in them is markup that somebody wrote."""

import re
from dataclasses import replace

import pytest
from page_films import cancelled, completed, failed, handed_in, opened, running

from dubkit.page import board, films
from dubkit.progress import Event
from dubkit.service.jobs.job import LOCAL

EVIL = '<img src=x onerror=alert(1)>".mp4'


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    made = opened(tmp_path_factory.mktemp("board"))
    yield made
    made.close()


def told(text):
    """What is read of a piece of HTML."""
    return " ".join(re.sub("<[^>]+>", " ", text).split())


def shown(service, job):
    return board.board(service.status(LOCAL, job.id))


def test_a_running_job_shows_eleven_stages_and_which_is_at_work(service):
    claim = running(service, "translate", 12, 23)
    page = shown(service, claim.job)
    assert page.count("<li class=") == 11
    assert re.findall('<li class="(.*?)"', page) == ["done", "reused"] + 4 * ["done"] + ["running"] + 4 * ["waiting"]
    assert page.count('aria-current="step"') == 1
    assert "12 of 23" in page and "<h2>Translating the lines</h2>" in page
    percent = service.status(LOCAL, claim.job.id).percent
    assert f'aria-valuenow="{round(percent)}"' in page and f"{round(percent)} %" in page
    assert "left" in told(page) and 'data-do="cancel"' in page and 'data-do="delete"' not in page


def test_a_screen_reader_is_told_in_tens_of_percent(service):
    claim = running(service, "translate", 12, 23)
    status = replace(service.status(LOCAL, claim.job.id), percent=39.6)
    assert board.heard(status) == "Translating the lines, 30 percent"


def test_warnings_are_told_and_escaped(service):
    claim = running(service)
    service.claims.tell(claim, [Event("diarize", "warning", note=EVIL)])
    page = shown(service, claim.job)
    assert "Worth knowing" in page and "&lt;img" in page and "<img" not in page


def test_a_job_that_waits_says_how_many_are_before(tmp_path):
    service = opened(tmp_path)
    jobs = [handed_in(service) for _ in range(3)]
    assert "Yours is next. Ready in" in told(shown(service, jobs[0]))
    assert "2 films are before yours." in told(shown(service, jobs[2]))
    service.close()


def test_a_job_that_stops_offers_nothing_more_to_stop(service):
    claim = running(service)
    service.cancel(LOCAL, claim.job.id)
    page = shown(service, claim.job)
    assert "Stopping…" in page and 'data-do="cancel"' not in page


@pytest.mark.parametrize(
    ("made", "title", "button"),
    [
        (lambda service: failed(service, f"Bad {EVIL}"), "This film could not be dubbed", "Try again"),
        (cancelled, "Stopped", "Start again"),
        (completed, "This dub is no longer kept", "Dub it again"),
    ],
)
def test_a_job_that_is_over_can_be_had_again_or_deleted(service, made, title, button):
    job = made(service)
    page = shown(service, job)
    assert f"<h2>{title}</h2>" in page and f">{button}</button>" in page and 'data-do="delete"' in page
    assert "<img" not in page and (job.status != "failed" or "&lt;img" in page)


def test_names_are_never_markup(service):
    job = handed_in(service, EVIL)
    row = films.Shown(job, service.status(LOCAL, job.id))
    for page in (board.head(job, is_ready=True), shown(service, job), films.films([row])):
        assert "<img" not in page and 'onerror=alert(1)>"' not in page
    assert "&lt;img src=x onerror=alert(1)&gt;&quot;.mp4" in board.head(job, is_ready=False)


def test_the_head_says_what_part_of_which_film(service):
    job = handed_in(service, "holiday.mp4", source=None, start=10.0, duration=30.0)
    assert told(board.head(job, False, job.created + 3700)) == "holiday.mp4 Into Portuguese 0:30, from 0:10 1 hour ago"


def test_the_list_shows_state_poster_and_reason(tmp_path):
    service = opened(tmp_path)
    handed_in(service, "a.mp4")
    failed(service, "It has no sound.")
    completed(service, b"poster")
    page = films.films(films.shown(service, LOCAL))
    assert re.findall(r'<li class="dk-film (\w+)"', page) == ["completed", "failed", "queued"]
    assert page.count("<img src=") == 1 and "/api/v1/files/" in page
    assert "It has no sound." in page and page.count('data-do="again"') == 1 and page.count('data-do="delete"') == 3
    service.close()


def test_a_long_list_goes_on(tmp_path):
    service = opened(tmp_path)
    jobs = [handed_in(service, f"{n}.mp4") for n in range(films.MOST + 2)]
    first = films.films(films.shown(service, LOCAL))
    last = jobs[2].id
    assert first.count("<li class=") == films.MOST and f'href="?films={last}"' in first
    rest = films.films(films.shown(service, LOCAL, last), last)
    assert re.findall(r"(\d+)\.mp4</span></a>", rest) == ["1", "0"]
    service.close()


def test_edited_films_say_so(service):
    job = replace(completed(service, b"poster"), revision=2, dubbed=1)
    assert "Ready, with changes not dubbed yet" in films.films([films.Shown(job)])


def test_an_empty_list_says_what_to_do():
    page = films.films([])
    assert "No films yet" in page and 'href="./"' in page
    assert "no more films" in films.films([], "last")


def test_a_dub_that_could_not_be_made_again_stays_and_says_why(service):
    job = failed(service, "It has no <sound>.")
    assert told(board.unchanged(job)) == (
        "It could not be dubbed again It has no &lt;sound&gt;. The dub below is as it was before. Try again"
    )
    assert board.unchanged(cancelled(service)) == ""


def test_a_short_film_takes_as_long_as_its_models(service):
    status = service.status(LOCAL, handed_in(service).id)
    alone = replace(status, seconds_left=5.0, stages=[replace(row, status="done") for row in status.stages])
    assert "Ready in a few seconds." in board.board(alone)
    assert "Ready in about 20 seconds." in board.board(replace(status, seconds_left=5.0))
