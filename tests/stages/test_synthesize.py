from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import casting, media, sine, sound, speaker, speakers, transcript, translation
from stand_ins import BrokeDownError, ToneSynthesizer

from dubkit import edits
from dubkit.artefacts import Candidate, Casting, Speakers, Speech, Transcript, Translation, Voice, Word
from dubkit.backends.protocols import Request
from dubkit.durations import expected_duration
from dubkit.errors import BadInput
from dubkit.progress import Event, Report
from dubkit.stages.synthesize import SynthesizeSettings, synthesize
from dubkit.store import Items

# Expected lengths: 2, 4 and 8 seconds.
SHORT, MIDDLE, LONG = ("ba" * n for n in (11, 22, 44))
SAID = transcript(("S1", 0, 4, "one"), ("S2", 10, 14, "two"), ("S1", 20, 24, "three"))
CAST = casting(S1="ana", S2="rui")


def spoken(
    items: Items,
    backend: ToneSynthesizer,
    *texts: str,
    said: Transcript = SAID,
    cast: Casting = CAST,
    report: Report | None = None,
    lines: Translation | None = None,
    who: Speakers | None = None,
    film: float = 30.0,
    **settings: Any,
) -> Speech:
    made: Speech = synthesize(
        media(film),
        lines or translation(said, *texts),
        cast,
        who or speakers("S1", "S2"),
        said,
        settings=SynthesizeSettings(**settings),
        backend=backend,
        items=items,
        report=report or Report("synthesize"),
    )
    return made


def rates(found: Speech) -> list[float]:
    return [c.rate for c in found.clips]


def test_lines_are_spoken_by_their_voices_at_the_rate_that_fits(
    items: Items, report: Report, events: list[Event]
) -> None:
    backend = ToneSynthesizer()
    assert [expected_duration(t) for t in (SHORT, MIDDLE, LONG)] == [2, 4, 8]
    found = spoken(items, backend, SHORT, MIDDLE, LONG, report=report)
    # The last has silence to borrow: it is not hurried to the limit.
    assert rates(found) == [0.9, 1.0, 1.2]
    assert [(c.id, c.speaker, c.slot) for c in found.clips] == [
        ("u0001", "S1", 4),
        ("u0002", "S2", 4),
        ("u0003", "S1", 4),
    ]
    assert [c.audio.duration for c in found.clips] == pytest.approx([2 / 0.9, 4, 8 / 1.2], abs=1e-4)
    assert [r.voice.id for r in backend.asked] == ["tone:ana", "tone:rui", "tone:ana"]  # type: ignore[attr-defined]
    assert found.model == "ToneSynthesizer@1"
    assert [(e.done, e.total) for e in events] == [(1, 3), (2, 3), (3, 3)]


def test_rates_stay_within_what_the_voice_can_do(items: Items) -> None:
    class Stiff(ToneSynthesizer):
        rates = (0.98, 1.1)

    assert rates(spoken(items, Stiff(), SHORT, MIDDLE, LONG)) == [0.98, 1.0, 1.1]
    narrow = {"slowest": 1.0, "fastest": 1.05}
    assert rates(spoken(items, ToneSynthesizer(), SHORT, MIDDLE, LONG, timing=narrow)) == [1.0, 1.0, 1.05]


def test_a_line_that_has_no_silence_to_borrow_is_spoken_faster(items: Items) -> None:
    crowded = transcript(("S1", 0, 3, "one"), ("S1", 3.1, 6, "two"))
    alone = transcript(("S1", 0, 3, "one"))
    hurried = spoken(items, ToneSynthesizer(), MIDDLE, SHORT, said=crowded, timing={"rate": 3})
    free = spoken(items, ToneSynthesizer(), MIDDLE, said=alone, timing={"rate": 3})
    assert rates(hurried)[0] > rates(free)[0] > 1.05


@pytest.mark.parametrize(("factor", "again"), [(1.2, 1.2), (0.92, 0.92)])
def test_what_comes_out_otherwise_than_predicted_is_spoken_once_more(
    items: Items, report: Report, factor: float, again: float
) -> None:
    backend = ToneSynthesizer()
    backend.lengthens = factor
    found = spoken(items, backend, SHORT, MIDDLE, LONG, report=report)
    # The second line fits its four seconds only so; the others are at their limits already.
    assert rates(found) == [0.9, again, 1.2]
    assert [r.rate for r in backend.asked] == [0.9, 1.0, 1.2, again]  # type: ignore[attr-defined]
    assert found.clips[1].audio.duration == pytest.approx(4.0, abs=0.01)


def test_a_little_off_is_left_to_the_schedule(items: Items) -> None:
    backend = ToneSynthesizer()
    backend.lengthens = 1.02
    spoken(items, backend, SHORT, MIDDLE, LONG)
    assert len(backend.asked) == 3


def worded(*texts: str, scores: tuple[float, ...] = (), said: Transcript = SAID) -> Translation:
    """A translation whose first line has these candidates, the others fit."""
    lines = translation(said, texts[0], *[MIDDLE] * (len(said.utterances) - 1))
    candidates = tuple(
        Candidate(text=t, score=s, duration=expected_duration(t), how="test" if n else "")
        for n, (t, s) in enumerate(zip(texts, scores or (0.0,) * len(texts), strict=True))
    )
    return lines.but(lines=(lines.lines[0].but(candidates=candidates), *lines.lines[1:]))


def test_the_wording_that_fits_is_spoken(items: Items) -> None:
    found = spoken(items, ToneSynthesizer(), lines=worded(LONG, MIDDLE, scores=(0.0, -0.1)))
    first = found.clips[0]
    assert (first.text, first.candidate, first.how, first.rate) == (MIDDLE, 1, "test", 1.0)


def test_without_weight_on_length_the_translators_first_is_spoken(items: Items) -> None:
    found = spoken(items, ToneSynthesizer(), lines=worded(LONG, MIDDLE), length_weight=0)
    assert (found.clips[0].text, found.clips[0].candidate) == (LONG, 0)


def test_what_was_written_by_hand_is_spoken_whatever_its_length(items: Items) -> None:
    lines = worded(LONG, MIDDLE)
    edited, _ = edits.apply(lines, edits.edits(lines, {"u0001": LONG + "ba"}))
    assert spoken(items, ToneSynthesizer(), lines=edited).clips[0].text == LONG + "ba"


def test_without_native_rates_everything_is_spoken_at_one(items: Items) -> None:
    assert rates(spoken(items, ToneSynthesizer(), SHORT, MIDDLE, LONG, native_rate=False)) == [1.0, 1.0, 1.0]


class Pausing(ToneSynthesizer):
    """Is silent for 0.3 s at each comma, and knows where."""

    def predict(self, request: Request) -> float:
        return sum(map(expected_duration, request.text.split(","))) / request.rate + 0.3 * request.text.count(",")

    def marks(self, request: Request) -> tuple[tuple[float, float], ...]:
        found, at = [], 0.0
        for clause in request.text.split(",")[:-1]:
            at += expected_duration(clause) / request.rate
            found.append((at, at + 0.3))
            at += 0.3
        return tuple(found)

    def synthesize(self, requests: Sequence[Request]) -> Iterator[np.ndarray]:
        for request in requests:
            (clip,) = super().synthesize([request])
            for start, end in self.marks(request):
                clip[round(start * 24_000) : round(end * 24_000)] = 0
            yield clip


def test_a_line_is_cut_where_the_original_and_the_dub_pause(items: Items) -> None:
    words = [Word(text="a", start=1, end=3), Word(text="b", start=3.8, end=7.8)]
    line = transcript(("S1", 1, 7.8, "a b")).utterances[0].but(words=tuple(words))
    said = transcript(("S1", 1, 7.8, "a b")).but(utterances=(line,))
    found = spoken(items, Pausing(), f"{SHORT}, {MIDDLE}", said=said)
    first, second = found.clips[0].phrases
    assert (first.slot_start, first.slot_end, second.slot_start, second.slot_end) == (1, 3, 3.8, 7.8)
    assert first.end == pytest.approx(2.0, abs=0.03)
    assert second.start == pytest.approx(2.3, abs=0.03)
    assert found.clips[0].rate == 1.0


def test_the_picture_is_slowed_instead_of_the_voice_hurried_where_that_is_allowed(items: Items) -> None:
    said = transcript(("S1", 0, 4, "one"), ("S1", 4.2, 8, "two"), ("S1", 12, 16, "three"))
    long = "ba" * 33
    hurried = spoken(items, ToneSynthesizer(), long, MIDDLE, SHORT, said=said)
    slowed = spoken(items, ToneSynthesizer(), long, MIDDLE, SHORT, said=said, slow_picture=1.4)
    assert hurried.knots == () and rates(hurried)[0] >= 1.2
    assert slowed.knots[-1][0] == 30.0 and slowed.knots[-1][1] > 30.5
    assert rates(slowed)[0] <= 1.13


def test_finished_lines_survive_a_crash(tmp_path: Path) -> None:
    undisturbed = spoken(Items(tmp_path / "a"), ToneSynthesizer(), SHORT, MIDDLE, LONG)
    items = Items(tmp_path / "b")
    with pytest.raises(BrokeDownError):
        spoken(items, ToneSynthesizer(breaks_after=2), SHORT, MIDDLE, LONG)
    backend = ToneSynthesizer()
    found = spoken(items, backend, SHORT, MIDDLE, LONG)
    assert [r.text for r in backend.asked] == [LONG]  # type: ignore[attr-defined]
    assert found.digest() == undisturbed.digest()


def test_a_crash_in_the_second_round_keeps_the_first(tmp_path: Path) -> None:
    def slow(breaks_after: int | None = None) -> ToneSynthesizer:
        backend = ToneSynthesizer(breaks_after=breaks_after)
        backend.lengthens = 1.2
        return backend

    undisturbed = spoken(Items(tmp_path / "a"), slow(), MIDDLE, MIDDLE, SHORT)
    items = Items(tmp_path / "b")
    with pytest.raises(BrokeDownError):
        spoken(items, slow(4), MIDDLE, MIDDLE, SHORT)
    backend = slow()
    assert spoken(items, backend, MIDDLE, MIDDLE, SHORT).digest() == undisturbed.digest()
    assert [(r.text, r.rate) for r in backend.asked] == [(MIDDLE, 1.2)]  # type: ignore[attr-defined]


def test_one_edited_line_makes_one_new_clip(items: Items) -> None:
    before = spoken(items, ToneSynthesizer(), SHORT, MIDDLE, LONG)
    backend = ToneSynthesizer()
    after = spoken(items, backend, SHORT, MIDDLE + "ba", LONG)
    assert [r.text for r in backend.asked] == [MIDDLE + "ba"]  # type: ignore[attr-defined]
    assert [b == a for b, a in zip(before.clips, after.clips, strict=True)] == [True, False, True]


def test_another_voice_speaks_its_lines_anew(items: Items) -> None:
    spoken(items, ToneSynthesizer(), SHORT, MIDDLE, LONG)
    backend = ToneSynthesizer()
    spoken(items, backend, SHORT, MIDDLE, LONG, cast=casting(S1="ana", S2="eva"))
    assert [(r.text, r.voice.id) for r in backend.asked] == [(MIDDLE, "tone:eva")]  # type: ignore[attr-defined]


def test_a_dropped_line_leaves_the_others_as_they_were(items: Items) -> None:
    lines = translation(SAID, SHORT, MIDDLE, LONG)
    spoken(items, ToneSynthesizer(), lines=lines)
    backend = ToneSynthesizer()
    found = spoken(items, backend, lines=lines.but(lines=lines.lines[1:]))
    assert [c.id for c in found.clips] == ["u0002", "u0003"]
    assert backend.asked == []


def test_equal_lines_share_one_clip(items: Items) -> None:
    backend = ToneSynthesizer()
    found = spoken(items, backend, SHORT, MIDDLE, SHORT)
    assert len(backend.asked) == 2
    assert found.clips[0].audio == found.clips[2].audio


def test_a_line_with_nothing_to_say_is_no_trouble(items: Items) -> None:
    found = spoken(items, ToneSynthesizer(), SHORT, "…", LONG)
    assert found.clips[1].audio.n_samples == 1
    again = ToneSynthesizer()
    assert spoken(items, again, SHORT, "…", LONG) == found
    assert again.asked == []


def test_a_robotic_voice_is_told(items: Items, report: Report) -> None:
    cast = casting(S1="ana", S2="rui")
    robot = cast.roles[1].voice.but(id="espeak:pt", name="eSpeak pt")
    cast = cast.but(roles=(cast.roles[0], cast.roles[1].but(voice=robot)))
    spoken(items, ToneSynthesizer(), SHORT, MIDDLE, LONG, cast=cast, report=report)
    assert report.warnings == ["No natural voice speaks this language: eSpeak pt is a robotic one."]


class Copier(ToneSynthesizer):
    """Copies voices, at one rate only."""

    rates = (1.0, 1.0)

    def own_voice(self, language: str) -> Voice | None:
        return Voice(id="tone:own", language=language, gender="unknown", name="own")


def agreed(*speakers: str) -> Casting:
    """S1 in their own voice and S2 in a stock one; these speakers agreed to be copied."""
    cast = casting(S1="own", S2="rui")
    return cast.but(roles=tuple(r.but(consent=r.id in speakers) for r in cast.roles))


def own_voices(folder: Path, hz: float) -> Speakers:
    """S1 and S2, of whom there are recordings; that of S1 is at a pitch."""
    folder.mkdir(exist_ok=True)
    recordings = {n: sound(folder / f"{n}-{f}.flac", sine(2, hz=f)) for n, f in (("S1", hz), ("S2", 300))}
    return speakers(*[speaker(n).but(sample=r) for n, r in recordings.items()])


def test_the_recording_goes_with_the_lines_of_those_who_keep_their_voice(items: Items, tmp_path: Path) -> None:
    backend, who = Copier(), own_voices(tmp_path / "s", 100)
    found = spoken(items, backend, SHORT, MIDDLE, LONG, cast=agreed("S1"), who=who)
    assert [(r.voice.id, r.reference) for r in backend.asked] == [  # type: ignore[attr-defined]
        ("tone:own", who.speakers[0].sample),
        ("tone:rui", None),
        ("tone:own", who.speakers[0].sample),
    ]
    assert rates(found) == [1.0, 1.0, 1.0]


def test_another_recording_speaks_its_lines_anew_and_no_others(items: Items, tmp_path: Path) -> None:
    cast = agreed("S1")
    spoken(items, Copier(), SHORT, MIDDLE, LONG, cast=cast, who=own_voices(tmp_path / "a", 100))
    backend = Copier()
    spoken(items, backend, SHORT, MIDDLE, LONG, cast=cast, who=own_voices(tmp_path / "b", 100))
    assert backend.asked == [], "equal recordings elsewhere"
    spoken(items, backend, SHORT, MIDDLE, LONG, cast=cast, who=own_voices(tmp_path / "c", 150))
    assert [r.text for r in backend.asked] == [SHORT, LONG]  # type: ignore[attr-defined]


def test_lines_in_stock_voices_are_known_by_what_they_were_known_by_before(items: Items) -> None:
    line = translation(transcript(("S1", 0, 4, "one")), SHORT)
    known: list[list[object]] = []

    class Watched(Items):
        def complete(self, identities, *rest):  # type: ignore[no-untyped-def]
            known.extend(identities)
            return super().complete(identities, *rest)

    spoken(Watched(items.root), ToneSynthesizer(), said=transcript(("S1", 0, 4, "one")), lines=line)
    assert known == [["ToneSynthesizer@1", SHORT, "tone:ana", "pt", 0.9]]


def modelled(cast: Casting, model: str) -> Casting:
    """The same roles, S1's voice spoken by a model of its own."""
    first, *others = cast.roles
    return cast.but(roles=(first.but(voice=first.voice.but(model=model)), *others))


def test_another_model_of_a_voice_speaks_its_lines_anew_and_no_others(items: Items) -> None:
    spoken(items, ToneSynthesizer(), SHORT, MIDDLE, LONG, cast=modelled(CAST, "por@1"))
    backend = ToneSynthesizer()
    spoken(items, backend, SHORT, MIDDLE, LONG, cast=modelled(CAST, "por@1"))
    assert backend.asked == []
    spoken(items, backend, SHORT, MIDDLE, LONG, cast=modelled(CAST, "por@2"))
    assert [r.text for r in backend.asked] == [SHORT, LONG]  # type: ignore[attr-defined]


def test_the_model_of_a_voice_is_part_of_the_castings_identity_where_there_is_one() -> None:
    assert modelled(CAST, "").digest() == CAST.digest()
    assert len({modelled(CAST, model).digest() for model in ("", "por@1", "por@2")}) == 3
    assert "model" not in CAST.model_dump_json(), "as castings were before voices had models"
    cast = modelled(CAST, "por@1")
    assert Casting.model_validate_json(cast.model_dump_json()) == cast


def test_an_own_voice_without_a_recording_is_refused(items: Items) -> None:
    with pytest.raises(BadInput, match=r"S1 is to speak with their own voice.*assign_voices.voices.S1"):
        spoken(items, Copier(), SHORT, MIDDLE, LONG, cast=agreed("S1"))


def test_an_own_voice_that_nobody_agreed_to_is_refused(items: Items, tmp_path: Path) -> None:
    who, backend = own_voices(tmp_path / "s", 100), Copier()
    # As an edit of the casting leaves it.
    edited, _ = edits.apply(CAST, edits.edits(CAST, {"S1": {"voice": casting(S1="own").roles[0].voice.model_dump()}}))
    assert edited.roles[0].voice.id == "tone:own"
    with pytest.raises(BadInput, match=r"S1 is to speak with a copy.*--set assign_voices\.consent=true"):
        spoken(items, backend, SHORT, MIDDLE, LONG, cast=edited, who=who)
    assert backend.asked == []


def test_nothing_to_say(items: Items) -> None:
    backend = ToneSynthesizer()
    assert spoken(items, backend, said=transcript(), cast=Casting(roles=())).clips == ()
    assert backend.asked == []


def test_the_stand_in_predicts_what_it_speaks() -> None:
    backend = ToneSynthesizer()
    request = Request(MIDDLE, CAST.roles[0].voice, 1.25)
    clip = next(iter(backend.synthesize([request])))
    assert len(clip) / backend.sample_rate == pytest.approx(backend.predict(request), abs=1e-4)
