from pathlib import Path

import pytest
from builders import sine, sound, speaker, speakers, transcript, translation
from stand_ins import ToneSynthesizer

from dubkit.artefacts import Casting, Speaker, Voice
from dubkit.errors import BadInput, UnsupportedPair
from dubkit.progress import Report
from dubkit.stage import Stopwatch
from dubkit.stages.assign_voices import AssignVoicesSettings, assign_voices

ANA, EVA, RUI = "tone:ana", "tone:eva", "tone:rui"


OWN = "tone:own"


class Copier(ToneSynthesizer):
    """Copies voices in Portuguese."""

    def own_voice(self, language: str) -> Voice | None:
        return Voice(id=OWN, language=language, gender="unknown", name="own") if language == "pt" else None


def heard(name: str, folder: Path, gender: str = "female", seconds: float = 10.0) -> Speaker:
    """A speaker of whom there is a recording."""
    recording = sound(folder / f"{name}.flac", sine(3, rate=24_000), 24_000)
    return speaker(name, gender, seconds=seconds).but(sample=recording)


def cast(
    *facts: Speaker,
    report: Report | None = None,
    target: str = "pt",
    backend: ToneSynthesizer | None = None,
    **settings: object,
) -> Casting:
    """The casting of speakers who each have a line."""
    said = transcript(*[(s.id, n, n + 1, "Yes.") for n, s in enumerate(facts)])
    lines = translation(said, *["Sim." for _ in facts], target=target)
    made: Casting = assign_voices(
        speakers(*facts),
        lines,
        settings=AssignVoicesSettings(**settings),  # type: ignore[arg-type]
        # As a run hands it over.
        backend=Stopwatch(backend or ToneSynthesizer()),
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
    with pytest.raises(UnsupportedPair, match=r"No voice speaks Japanese. There are voices for: en, es, pt"):
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


def test_with_consent_everybody_keeps_their_own_voice(tmp_path: Path, report: Report) -> None:
    cast_of = [heard("S1", tmp_path, "male"), heard("S2", tmp_path)]
    found = cast(*cast_of, backend=Copier(), consent=True, report=report)
    assert [(r.voice.id, r.voice.gender, r.voice.language) for r in found.roles] == [
        (OWN, "male", "pt"),
        (OWN, "female", "pt"),
    ]
    assert {r.reason for r in found.roles} == {"their own voice, copied with the speakers' consent"}
    assert all(r.consent for r in found.roles)
    assert report.warnings == []


def test_without_consent_stock_voices_speak_and_the_switch_is_told_once(tmp_path: Path, report: Report) -> None:
    found = cast(heard("S1", tmp_path), heard("S2", tmp_path), backend=Copier(), report=report)
    assert voices(found) == {"S1": ANA, "S2": EVA}
    assert [r.reason for r in found.roles] == ["heard as female (90%)"] * 2
    (told,) = report.warnings
    assert "--set assign_voices.consent=true" in told
    assert "all of them agreed" in told


def test_only_copied_voices_carry_consent_and_the_others_keep_their_identity(tmp_path: Path) -> None:
    found = cast(heard("S1", tmp_path), speaker("S2"), backend=Copier(), consent=True)
    assert {r.id: r.consent for r in found.roles} == {"S1": True, "S2": False}
    assert "consent" in found.roles[0].model_dump() and "consent" not in found.roles[1].model_dump()
    assert Casting.model_validate(found.model_dump()) == found


def test_where_nothing_could_be_copied_nothing_is_told(tmp_path: Path, report: Report) -> None:
    cast(speaker("S1"), backend=Copier(), report=report)
    cast(heard("S1", tmp_path), report=report)
    cast(heard("S1", tmp_path), backend=Copier(), target="es", report=report)
    cast(heard("S1", tmp_path), backend=Copier(), voices={"S1": EVA}, report=report)
    assert report.warnings == []


def test_a_voice_chosen_by_hand_goes_before_the_own_one(tmp_path: Path) -> None:
    found = cast(heard("S1", tmp_path), heard("S2", tmp_path), backend=Copier(), consent=True, voices={"S2": RUI})
    assert voices(found) == {"S1": OWN, "S2": RUI}
    assert found.roles[1].reason == "chosen by hand"


def test_who_said_too_little_gets_a_stock_voice_and_the_reason(tmp_path: Path, report: Report) -> None:
    found = cast(heard("S1", tmp_path), speaker("S2"), backend=Copier(), consent=True, report=report)
    assert voices(found) == {"S1": OWN, "S2": ANA}
    assert found.roles[1].reason == "heard as female (90%); too little clean speech to copy their voice"
    assert report.warnings == []


def test_consent_that_cannot_be_used_is_told(tmp_path: Path, report: Report) -> None:
    assert voices(cast(heard("S1", tmp_path), consent=True, report=report)) == {"S1": ANA}
    assert report.warnings == [
        "There is consent to copy the speakers' voices, but the synthesizer in use cannot do that in Portuguese: stock "
        "voices speak."
    ]
