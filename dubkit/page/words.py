"""How the page says things: stages, states, times, sizes and reasons in plain words, without markup."""

from __future__ import annotations

import re
from collections.abc import Mapping

from dubkit.errors import DubkitError
from dubkit.record import Seconds
from dubkit.service.api.problems import SAID, kind_of
from dubkit.service.jobs.job import Job, StageStatus

STAGES: Mapping[str, str] = {
    "validate": "Checking the film",
    "separate": "Separating voices from music",
    "diarize": "Finding out who speaks when",
    "segment": "Dividing the speech into lines",
    "transcribe": "Listening to what is said",
    "detect_gender": "Hearing what kind of voices they are",
    "translate": "Translating the lines",
    "assign_voices": "Choosing the new voices",
    "synthesize": "Speaking the lines",
    "assemble": "Mixing the new sound",
    "combine": "Putting picture and sound together",
}
STATES: Mapping[StageStatus, str] = {
    "waiting": "to do",
    "running": "at work",
    "done": "done",
    "reused": "done before",
    "failed": "failed",
}
QUALITIES: Mapping[str, str] = {
    "good": "good translation",
    "fair": "fair translation, worth checking",
    "draft": "rough draft, needs correcting",
}
"""How good a translation is to be expected, by the translator's own grade; others say nothing."""

REASONS: Mapping[str, str] = {
    "WorkerDied": "The computer that dubs stopped several times while it worked on this film. "
    "Perhaps the film is too large for it: trying a part may work.",
    "OutOfMemory": "This film needs more memory than there is here. Trying a part of it may work.",
    "OutOfSpace": "There is no room left here for what is made of this film. Try again later, or tell who runs this service.",
    "MissingModel": "Something that dubbing needs is not installed here. Tell who runs this service.",
}
"""What is told of a failure by its type, in place of what is told to the operator."""
UNFORESEEN = "Something went wrong here. Trying again may help; if it does not, tell who runs this service."
INSTEAD = tuple(
    (re.compile(pattern), instead)
    for pattern, instead in (
        (r": give it with --from\.", ". If it is another, hand the film in again and say which."),
        (r"Choose another --to\.", "Hand it in again, with another language to dub into."),
        (r", or allow more: --set \S+", "."),
        (r" Choose another with --set validate\.\S+", ""),
        (r"; --set assemble\.\S+ leaves them out\.", ", or hand the film in again without keeping such sounds."),
        (r" Give the command again, correct", " Try again, or correct"),
        (r", or let a second translator do what the first cannot: --set \S+", "."),
    )
)
"""What stages say that is done at a command line, and what is done on the page instead."""
COMMAND = re.compile(r"(?:^|[\s(])--[a-z]|`|\b(?:dubkit|make|npm|pip|hf) [a-z]+|nvidia-smi")
"""What is left of a sentence for an operator."""


def stage(name: str) -> str:
    """What happens in a stage."""
    return STAGES.get(name, name.replace("_", " ").capitalize())


def span(seconds: Seconds) -> str:
    """A length of time, as one would say it: ``about 2 minutes``."""
    if seconds < 10:
        return "a few seconds"
    if seconds < 45:
        return f"about {round(seconds / 10) * 10} seconds"
    minutes = max(1, round(seconds / 60))
    hours, rest = divmod(minutes, 60)
    parts = [counted(hours, "hour")] if hours else []
    parts += [counted(rest, "minute")] if rest else []
    return "about " + " ".join(parts)


def clock(seconds: Seconds) -> str:
    """A place in a film or its length: ``1:22``, ``1:02:05``."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute}:{second:02d}"


def size(n_bytes: int) -> str:
    """A file's size: ``34 MB``."""
    if n_bytes < 1_000_000:
        return f"{max(1, round(n_bytes / 1000))} kB"
    megabytes = n_bytes / 1_000_000
    return f"{megabytes:.1f} MB" if megabytes < 10 else f"{megabytes:,.0f} MB"


def ago(seconds: Seconds) -> str:
    """How long something is past: ``just now``, ``3 hours ago``."""
    if seconds < 60:
        return "just now"
    for name, unit, many in (("minute", 60, 60), ("hour", 3600, 24), ("day", 86400, 10**9)):
        if seconds < unit * many:
            return f"{counted(int(seconds // unit), name)} ago"
    raise AssertionError(seconds)


def counted(number: int, noun: str) -> str:
    """A number and its noun: ``1 line``, ``4 lines``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def queued(place: int) -> str:
    """How many are before a job that has that place in the queue."""
    if place <= 1:
        return "Yours is next."
    return "One film is before yours." if place == 2 else f"{place - 1} films are before yours."


def reason(job: Job) -> str:
    """Why a job failed, for who asked for it: what is to be done about it at a command line is left out."""
    if job.error_type in REASONS:
        return REASONS[job.error_type]
    # An error that nobody foresaw is told with its type.
    unforeseen = not job.error or job.error.startswith(f"{job.error_type}:")
    return UNFORESEEN if unforeseen else plain(job.error) or UNFORESEEN


def plain(text: str) -> str:
    """What a stage says, for who has this page in place of a command line: as what is done here, or left out."""
    for pattern, instead in INSTEAD:
        text = pattern.sub(instead, text)
    return " ".join(part for part in re.split(r"(?<=[.!?])\s+", text) if not COMMAND.search(part))


def told(error: DubkitError) -> str:
    """What an error says to somebody at the page: what is for the operator alone is left out."""
    return SAID.get(kind_of(error), str(error))
