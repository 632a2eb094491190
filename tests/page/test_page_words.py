"""The page's plain words: times, sizes, places in the queue, stages, reasons."""

import pytest
from page_films import STAGES, failed, opened

from dubkit.database import DatabaseAway
from dubkit.errors import BadInput, OutOfSpace
from dubkit.page import words
from dubkit.service.jobs.job import PACES


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "a few seconds"),
        (24, "about 20 seconds"),
        (44.9, "about 40 seconds"),
        (45, "about 1 minute"),
        (150, "about 2 minutes"),
        (3600, "about 1 hour"),
        (3700, "about 1 hour 2 minutes"),
        (3 * 3600, "about 3 hours"),
    ],
)
def test_a_span_is_said_as_one_would_say_it(seconds, said):
    assert words.span(seconds) == said


def test_places_in_a_film_have_hours_only_where_there_are_some():
    assert [words.clock(seconds) for seconds in (0, 8.7, 82, 3725)] == ["0:00", "0:09", "1:22", "1:02:05"]


def test_sizes_are_decimal():
    assert [words.size(n) for n in (10, 213_000, 2_500_000, 200_000_000)] == ["1 kB", "213 kB", "2.5 MB", "200 MB"]


def test_how_long_ago():
    assert [words.ago(seconds) for seconds in (3, 61, 7300, 3 * 86400)] == [
        "just now",
        "1 minute ago",
        "2 hours ago",
        "3 days ago",
    ]


def test_the_queue_counts_who_is_before():
    assert [words.queued(place) for place in (1, 2, 5)] == [
        "Yours is next.",
        "One film is before yours.",
        "4 films are before yours.",
    ]


def test_every_stage_has_words():
    assert list(words.STAGES) == STAGES == list(PACES)
    assert words.stage("transcribe") == "Listening to what is said"


def test_a_failed_job_says_why(tmp_path):
    service = opened(tmp_path)
    assert words.reason(failed(service, "It has no sound.")) == "It has no sound."
    assert "stopped several times" in words.reason(failed(service, "Its worker died 3 times.", "WorkerDied"))
    assert "went wrong" in words.reason(failed(service, ""))
    assert words.reason(failed(service, "KeyError: 'x'", "KeyError")) == words.UNFORESEEN
    assert words.reason(failed(service, "cuda:0 is too small.", "OutOfMemory")) == words.REASONS["OutOfMemory"]
    service.close()


def test_what_is_for_the_operator_is_not_told():
    assert words.told(BadInput("Choose another film.")) == "Choose another film."
    assert "/srv" not in words.told(OutOfSpace("/srv/films is full"))
    assert "postgres" not in words.told(DatabaseAway("postgresql://host is away"))


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("It has no sound. Choose another film.", "It has no sound. Choose another film."),
        (
            "'a.mp4' has 300 MB; up to 200 MB are allowed. Shorten or compress it, or allow more: --set a.max_megabytes=301",
            "'a.mp4' has 300 MB; up to 200 MB are allowed. Shorten or compress it.",
        ),
        (
            "The file has 2 audio tracks; track 1 is dubbed. Choose another with --set validate.audio_track=N.",
            "The file has 2 audio tracks; track 1 is dubbed.",
        ),
        (
            "The language seems to be 'gl', but that is not sure (41%): give it with --from.",
            "The language seems to be 'gl', but that is not sure (41%). "
            "If it is another, hand the film in again and say which.",
        ),
        (
            "The film is in English already: there is nothing to translate. Choose another --to.",
            "The film is in English already: there is nothing to translate. Hand it in again, with another language to dub into.",
        ),
        ("It lasts 1.5 s. Bring it with: dubkit models --fetch", "It lasts 1.5 s."),
        ("Use --set compute.device=cpu, or auto.", ""),
    ],
)
def test_what_is_done_at_a_command_line_is_said_as_what_is_done_here(said, told):
    assert words.plain(said) == told
