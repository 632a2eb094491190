from pathlib import Path

import numpy as np
import pytest
from builders import SPEECH_RATE, silence, sine
from builders import tracks as make_tracks
from stand_ins import BrokeDownError, ToneTranscriber

from dubkit.artefacts import Segment, Segments, Tracks, Transcript
from dubkit.errors import BadInput
from dubkit.progress import Event, Report
from dubkit.stages.transcribe import TranscribeSettings, transcribe
from dubkit.store import Items


def segments(*spans: tuple[str, float, float]) -> Segments:
    return Segments(
        segments=tuple(Segment(id=f"g{n:04}", speaker=s, start=a, end=b) for n, (s, a, b) in enumerate(spans, 1))
    )


TALK = segments(("S1", 0, 1), ("S2", 2, 3.5), ("S1", 4, 5))


@pytest.fixture(scope="module")
def tracks(tmp_path_factory: pytest.TempPathFactory) -> Tracks:
    """A low tone, a high one, a low one, with pauses."""
    parts = [sine(2, hz=200, rate=SPEECH_RATE), sine(2, hz=500, rate=SPEECH_RATE), sine(4, hz=200, rate=SPEECH_RATE)]
    return make_tracks(tmp_path_factory.mktemp("t"), np.zeros(10, np.float32), speech=np.concatenate(parts))


def said(
    tracks: Tracks, what: Segments, items: Items, report: Report, backend: ToneTranscriber, **options: object
) -> Transcript:
    settings = TranscribeSettings(**options)  # type: ignore[arg-type]
    made: Transcript = transcribe(tracks, what, settings=settings, backend=backend, items=items, report=report)
    return made


def test_words_carry_the_time_of_the_film(tracks: Tracks, items: Items, report: Report, events: list[Event]) -> None:
    backend = ToneTranscriber()
    found = said(tracks, TALK, items, report, backend)
    assert [(u.speaker, u.text, u.start, u.end) for u in found.utterances] == [
        ("S1", "low1 low2 low3 low4.", 0.0, 0.95),
        ("S2", "high1 high2 high3 high4 high5 high6.", 2.0, 3.45),
        ("S1", "low1 low2 low3 low4.", 4.0, 4.95),
    ]
    assert [w.start for w in found.utterances[1].words] == [2.0, 2.25, 2.5, 2.75, 3.0, 3.25]
    assert (found.language, found.language_confidence, found.model) == ("en", 0.9, "ToneTranscriber@1")
    assert [(e.done, e.total, e.note) for e in events] == [(n, 3, "segments") for n in (1, 2, 3)]


def test_a_language_that_was_given_is_not_detected(tracks: Tracks, items: Items, report: Report) -> None:
    backend = ToneTranscriber()
    found = said(tracks, TALK, items, report, backend, language="es")
    assert (found.language, found.language_confidence) == ("es", 1.0)
    assert [language for language, _ in backend.asked] == ["es"] * 3  # type: ignore[misc]


def test_a_language_that_the_recogniser_lacks_is_refused(tracks: Tracks, items: Items, report: Report) -> None:
    with pytest.raises(BadInput, match=r"does not know the language 'pt'. It knows: en, es"):
        said(tracks, TALK, items, report, ToneTranscriber(), language="pt")


def test_the_longest_segments_decide_the_language(tracks: Tracks, items: Items, report: Report) -> None:
    class Listening(ToneTranscriber):
        def detect_language(self, waveforms):  # type: ignore[no-untyped-def]
            self.lengths = [len(w) / SPEECH_RATE for w in waveforms]
            return "en", 1.0

    backend = Listening()
    many = segments(*[("S1", n, n + 0.1 * (n + 1)) for n in range(7)])
    said(tracks, many, items, report, backend)
    assert backend.lengths == pytest.approx([0.7, 0.6, 0.5, 0.4, 0.3])


def test_an_unsure_language_is_told(tracks: Tracks, items: Items, report: Report) -> None:
    backend = ToneTranscriber()
    backend.sure = 0.42
    said(tracks, TALK, items, report, backend)
    assert report.warnings == ["The language seems to be 'en', but that is not sure (42%): give it with --from."]


def test_finished_segments_survive_a_crash(tracks: Tracks, tmp_path: Path, report: Report) -> None:
    many = segments(*[("S1", n * 0.4, n * 0.4 + 0.4) for n in range(19)])
    undisturbed = said(tracks, many, Items(tmp_path / "a"), report, ToneTranscriber())
    items = Items(tmp_path / "b")
    with pytest.raises(BrokeDownError):
        said(tracks, many, items, report, ToneTranscriber(breaks_after=17))
    backend = ToneTranscriber()
    assert said(tracks, many, items, report, backend) == undisturbed
    assert len(backend.asked) == 2
    again = ToneTranscriber()
    assert said(tracks, many, items, report, again) == undisturbed
    assert again.asked == []


def test_words_at_a_seam_keep_their_order_after_a_crash(tracks: Tracks, tmp_path: Path, report: Report) -> None:
    class Crowded(ToneTranscriber):
        """Every word takes no time: the last of one segment and the first of the next lie at the same place."""

        def transcribe(self, waveforms, language, *, beam_size=5):  # type: ignore[no-untyped-def]
            for heard, waveform in zip(super().transcribe(waveforms, language), waveforms, strict=True):
                at = len(waveform) / SPEECH_RATE
                words = (heard.words[0].but(start=0.0, end=0.0), heard.words[-1].but(start=at, end=at))
                yield type(heard)(words)

    seams = segments(("S1", 0, 1), ("S1", 1, 2.5))
    undisturbed = said(tracks, seams, Items(tmp_path / "a"), report, Crowded())
    items = Items(tmp_path / "b")
    said(tracks, segments(("S1", 1, 2.5)), items, report, Crowded())
    assert said(tracks, seams, items, report, Crowded()) == undisturbed


@pytest.mark.parametrize(
    "change", [{"revision": "2"}, {"language": "es"}, {"beam_size": 1}, {"shift": 0.1}], ids=lambda c: next(iter(c))
)
def test_what_changes_the_words_asks_again(
    tracks: Tracks, items: Items, report: Report, change: dict[str, object]
) -> None:
    said(tracks, TALK, items, report, ToneTranscriber(), language="en")
    backend = ToneTranscriber(revision=str(change.get("revision", "1")))
    shift = float(change.get("shift", 0))  # type: ignore[arg-type]
    moved = segments(*[(s.speaker, s.start + shift, s.end + shift) for s in TALK.segments])
    options = {k: v for k, v in change.items() if k in ("language", "beam_size")}
    said(tracks, moved, items, report, backend, **{"language": "en", **options})
    assert len(backend.asked) == 3


def test_how_words_are_grouped_asks_nobody_again(tracks: Tracks, items: Items, report: Report) -> None:
    said(tracks, TALK, items, report, ToneTranscriber())
    backend = ToneTranscriber()
    found = said(tracks, TALK, items, report, backend, utterance={"max_pause": 0.01, "min_length": 0})
    assert backend.asked == []
    assert len(found.utterances) > 3


def test_nobody_speaks(tracks: Tracks, items: Items, report: Report) -> None:
    backend = ToneTranscriber()
    found = said(tracks, segments(), items, report, backend)
    assert (found.language, found.language_confidence, found.utterances) == ("und", 0.0, ())
    assert backend.asked == []
    assert report.warnings == []


def test_sound_like_speech_without_words_is_told(tmp_path: Path, items: Items, report: Report) -> None:
    class Deaf(ToneTranscriber):
        def transcribe(self, waveforms, language, *, beam_size=5):  # type: ignore[no-untyped-def]
            for heard in super().transcribe(waveforms, language):
                yield type(heard)(())

    quiet = make_tracks(tmp_path / "t", np.zeros(10, np.float32), speech=silence(3, SPEECH_RATE))
    found = said(quiet, segments(("S1", 0, 1)), items, report, Deaf())
    assert found.utterances == ()
    assert report.warnings == ["There is sound like speech, but no words could be made out."]
