import pytest
from builders import speaker, speakers, transcript, translation
from stand_ins import ToneSynthesizer

from dubkit.artefacts import Casting, Speaker
from dubkit.errors import BadInput, UnsupportedPair
from dubkit.progress import Report
from dubkit.stages.assign_voices import AssignVoicesSettings, assign_voices

ANA, EVA, RUI = "tone:ana", "tone:eva", "tone:rui"


def cast(*facts: Speaker, report: Report | None = None, target: str = "pt", **settings: object) -> Casting:
    """The casting of speakers who each have a line."""
    said = transcript(*[(s.id, n, n + 1, "Yes.") for n, s in enumerate(facts)])
    lines = translation(said, *["Sim." for _ in facts], target=target)
    made: Casting = assign_voices(
        speakers(*facts),
        lines,
        settings=AssignVoicesSettings(**settings),  # type: ignore[arg-type]
        backend=ToneSynthesizer(),
        report=report or Report("assign_voices"),
    )
    return made


def voices(found: Casting) -> dict[str, str]:
    return {r.id: r.voice.id for r in found.roles}


def test_voices_have_the_gender_that_was_heard_and_are_distinct() -> None:
    found = cast(speaker("S1", "male"), speaker("S2", "female"), speaker("S3", "female"))
    assert voices(found) == {"S1": RUI, "S2": ANA, "S3": EVA}
    assert [r.reason for r in found.roles] == ["heard as male (90%)", "heard as female (90%)", "heard as female (90%)"]


def test_who_speaks_most_chooses_first() -> None:
    found = cast(speaker("S1", seconds=3), speaker("S2", seconds=30))
    assert voices(found) == {"S1": EVA, "S2": ANA}
    assert [r.id for r in found.roles] == ["S1", "S2"]


def test_equal_speakers_are_cast_by_name_whatever_their_order() -> None:
    first, second = speaker("S1"), speaker("S2")
    assert voices(cast(first, second)) == voices(cast(second, first)) == {"S1": ANA, "S2": EVA}


def test_where_the_gender_stayed_open_the_pitch_decides() -> None:
    low, high = speaker("S1", "unknown", pitch=120.0), speaker("S2", "unknown", pitch=210.0)
    found = cast(low, high)
    assert voices(found) == {"S1": RUI, "S2": ANA}
    assert found.roles[0].reason == "gender open, median pitch 120 Hz"
    assert voices(cast(low, high, middle_pitch=100.0)) == {"S1": ANA, "S2": EVA}


def test_with_no_pitch_either_any_voice_will_do() -> None:
    found = cast(speaker("S1", "unknown", pitch=None))
    assert voices(found) == {"S1": ANA}
    assert found.roles[0].reason == "gender open"


def test_more_speakers_than_voices_share_and_it_is_told() -> None:
    report = Report("assign_voices")
    found = cast(*[speaker(f"S{n}", "male") for n in (1, 2)], speaker("S3"), report=report)
    assert voices(found) == {"S1": RUI, "S2": RUI, "S3": ANA}
    assert report.warnings == ["There are more speakers than Portuguese voices: some speakers share a voice."]


def test_a_third_woman_shares_with_the_one_used_least() -> None:
    found = cast(*[speaker(f"S{n}", seconds=10 - n) for n in (1, 2, 3, 4)])
    assert voices(found) == {"S1": ANA, "S2": EVA, "S3": ANA, "S4": EVA}


def test_a_voice_chosen_by_hand_is_kept_and_not_given_twice() -> None:
    found = cast(speaker("S1"), speaker("S2"), voices={"S2": ANA})
    assert voices(found) == {"S1": EVA, "S2": ANA}
    assert found.roles[1].reason == "chosen by hand"


def test_a_voice_for_somebody_who_says_nothing_changes_nothing() -> None:
    assert voices(cast(speaker("S1"), voices={"S9": ANA})) == {"S1": ANA}


def test_a_voice_that_does_not_exist_is_refused_with_a_list() -> None:
    with pytest.raises(BadInput, match=r"no voice 'tone:bob' for speaker S1. Choose one of: tone:ana, tone:eva"):
        cast(speaker("S1"), voices={"S1": "tone:bob"})


def test_a_language_without_voices_is_refused_with_a_list() -> None:
    with pytest.raises(UnsupportedPair, match=r"No voice speaks Japanese. There are voices for: es, pt"):
        cast(speaker("S1"), target="ja")


def test_who_says_nothing_gets_no_voice() -> None:
    said = translation(transcript(("S2", 0, 1, "Yes.")), "Sim.")
    found = assign_voices(
        speakers("S1", "S2"),
        said,
        settings=AssignVoicesSettings(),
        backend=ToneSynthesizer(),
        report=Report("assign_voices"),
    )
    assert voices(found) == {"S2": ANA}


def test_nobody_to_cast() -> None:
    assert cast() == Casting(roles=())


def test_a_line_of_somebody_unknown_is_refused_by_name() -> None:
    # As it may arise when a line is given to another speaker by hand.
    said = translation(transcript(("S1", 0, 1, "Yes."), ("S7", 1, 2, "No.")), "Sim.", "Não.")
    with pytest.raises(BadInput, match=r"u0002 .* S7, .* There are: S1, S2"):
        assign_voices(
            speakers("S1", "S2"),
            said,
            settings=AssignVoicesSettings(),
            backend=ToneSynthesizer(),
            report=Report("assign_voices"),
        )


def test_a_voice_of_no_gender_is_taken_where_there_is_no_other() -> None:
    class Robots(ToneSynthesizer):
        def voices(self, language):  # type: ignore[no-untyped-def]
            return tuple(v.but(gender="unknown") for v in super().voices(language)[:2])

    said = translation(transcript(("S1", 0, 1, "Yes.")), "Sim.")
    found = assign_voices(
        speakers("S1"), said, settings=AssignVoicesSettings(), backend=Robots(), report=Report("assign_voices")
    )
    assert found.roles[0].voice.id == ANA
    assert found.roles[0].reason == "heard as female (90%); no such voice"
