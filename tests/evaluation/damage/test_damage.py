"""A perfect dub scores perfect, and each known fault moves just the measures that are meant to see it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from data.samples import built
from evaluation.damage import effects, faults
from evaluation.damage.effects import Moved
from evaluation.damage.faults import DAMAGES, Damage
from evaluation.damage.perfect import perfect
from evaluation.judging.evidence import Evidence
from evaluation.scoring import MEASURES, TASKS
from evaluation.suites import Item

PERFECT = {
    # Separation's ratios are capped at 40 dB.
    "background.si_sdr": 40, "background.speech_si_sdr": 40, "background.level_error": 0, "background.kept_si_sdr": 40,
    "diarization.der": 0, "diarization.missed": 0, "diarization.false_alarm": 0, "diarization.confusion": 0,
    "diarization.jer": 0, "diarization.speakers": 1, "diarization.count_error": 0, "cpwer.cpwer": 0,
    "asr.wer": 0, "asr.cer": 0, "words.start_error": 0, "words.end_error": 0, "words.within_100ms": 1,
    "words.within_200ms": 1, "words.matched": 1, "language.accuracy": 1, "gender.accuracy": 1, "gender.abstained": 0,
    "gender.dub_accuracy": 1, "gender.dub_abstained": 0,
    "translation.bleu": 100, "translation.chrf": 100, "meaning.reference_similarity": 1, "meaning.found": 1,
    "intelligibility.wer": 0, "intelligibility.cer": 0, "end_to_end.asr_bleu": 100, "end_to_end.asr_chrf": 100,
    "voices.consistency": 1, "voices.own_nearest": 1, "voices.separation": 0,
    "timing.onset": 0, "timing.onset_p95": 0, "timing.end": 0, "timing.duration_error": 0, "timing.overlap": 1,
    "timing.adherence": 1, "timing.iou": 1, "timing.rate_jump": 0, "timing.collisions": 0, "timing.cut_words": 0,
    "timing.pauses_broken": 0, "timing.flagged": 0, "timing.rate_p95": 1, "timing.rate_max": 1,
    "loudness.clipped": 0, "clicks.joins": 0, "sync.av_offset": 0, "sync.measured": 1,
}  # fmt: skip
NO_BEST = {
    # Judged against a translation that a human made, not against the best that could be; or as the film itself is.
    "meaning.source_similarity", "loudness.off_target", "loudness.true_peak",
    # Made up by the perfect dub.
    "quality.overall", "quality.signal", "quality.background",
    # Told, not judged.
    "translation.length_ratio", "loudness.integrated",
}  # fmt: skip

# How high the peaks of the sample's voices are differs between the processors that speak them.
PEAK = float("nan")
EXPECTED = {
    "1 word in 10 of the transcript lost": {
        # 9 of 91 words; the letters are a few less, as short words are lost as often as long ones.
        "asr.wer": 9 / 91, "cpwer.cpwer": 9 / 91, "words.matched": 82 / 91, "asr.cer": 0.096,
    },
    "the transcript's words 200 ms late": {
        "words.start_error": 0.2, "words.end_error": 0.2, "words.within_100ms": 0,
    },
    "another language detected": {"language.accuracy": 0},
    "two speakers swapped in every fifth turn": {
        # Two turns of 5 s together, of 32 s of speech; their 13 words are missing here and too many there.
        "diarization.der": 5 / 32, "diarization.confusion": 5 / 32, "diarization.jer": 0.272, "cpwer.cpwer": 26 / 91,
    },
    "every speaker's gender wrong": {"gender.accuracy": 0},
    "speech in the separated background (-20 dB)": {"background.si_sdr": 3.7},
    "every fourth line translated as the one before": {
        "meaning.found": 0.75, "translation.chrf": 66.7, "translation.bleu": 65.9, "translation.length_ratio": 0.895,
        "meaning.reference_similarity": 0.949, "meaning.source_similarity": 0.895,
    },
    "1 word in 10 of the dub not heard": {
        "intelligibility.wer": 0.1, "intelligibility.cer": 0.124, "end_to_end.asr_bleu": 70.4, "end_to_end.asr_chrf": 82.4,
    },
    "every line 200 ms late": {
        "timing.onset": 0.2, "timing.onset_p95": 0.2, "timing.end": 0.2, "timing.iou": 0.792, "timing.pauses_broken": 1,
    },
    "two voices swapped in every third line": {
        # 5 of 16 lines; those of the third line on are every third of the two speakers' lines.
        "gender.dub_accuracy": 11 / 16, "voices.own_nearest": 11 / 16, "voices.consistency": 0.867, "voices.separation": 0.928,
    },
    "the dub 6 dB quieter": {
        "loudness.integrated": -26.8, "loudness.off_target": 10.8, "loudness.true_peak": PEAK,
    },
    "the dub driven 12 dB into clipping": {
        # Less than 12 dB louder, as the peaks are cut off.
        "loudness.integrated": -9.0, "loudness.off_target": 7.0, "loudness.true_peak": PEAK, "loudness.clipped": 0.005,
    },
    # Half of the joins are ends.
    "a step of 0.1 at the end of every line": {"clicks.joins": 0.5},
    "no background in the dub": {"background.level_error": 40, "background.kept_si_sdr": -40},
    "sound 200 ms after the picture": {"sync.av_offset": 0.2},
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("damage")


@pytest.fixture(scope="module")
def best(folder) -> Evidence:
    """The perfect dub of the Portuguese dialogue into English."""
    one = built("dialogue-pt")
    item = Item.of_film("dialogue-pt", one.video, "en", truth=one.truth, folder=one.folder)
    return perfect(item, folder)


@pytest.fixture(scope="module")
def found(best, folder) -> dict[str, list[Moved]]:
    return effects.effects(best, DAMAGES, folder)


def test_a_perfect_dub_has_the_best_score_of_every_measure(best):
    values = effects.values(best)
    assert {name: values[name] for name in PERFECT} == pytest.approx(PERFECT, abs=1e-6)
    assert set(values) == {*PERFECT, *NO_BEST}
    unmeasured = {m.name for m in MEASURES} - set(values)
    # Nothing was run, and the scripts have no glossary.
    assert {name for name in unmeasured if not name.startswith("cost.")} == {"translation.glossary"}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_fault_moves_its_measures_and_no_others(found, name):
    after = {m.measure: PEAK if m.measure == "loudness.true_peak" else m.after for m in found[name]}
    assert after == pytest.approx(EXPECTED[name], rel=0.02, abs=1e-3, nan_ok=True)


def test_peaks_fall_with_the_level_and_pass_full_scale_where_they_are_cut_off(found):
    quieter, clipped = (
        next(m for m in found[name] if m.measure == "loudness.true_peak")
        for name in ("the dub 6 dB quieter", "the dub driven 12 dB into clipping")
    )
    assert quieter.after - quieter.before == pytest.approx(-6, abs=0.05)
    # Between the samples that stand at full scale the sound goes on.
    assert 0.3 < clipped.after < 2


def test_every_fault_is_expected_to_move_something(found):
    assert list(found) == [d.name for d in DAMAGES] == list(EXPECTED)


def test_what_a_fault_leaves_alone_is_not_measured_again(best, folder, monkeypatch):
    asked = []

    def counted(task):
        def counting(evidence):
            asked.append(task.__name__)
            return task(evidence)

        return counting

    chosen = [t for t in TASKS if t.__name__ in ("turns", "voice_gender", "understood")]
    monkeypatch.setattr(effects, "TASKS", tuple(map(counted, chosen)))
    found = effects.effects(best, (Damage("none", lambda e, f: e), Damage("genders", faults.genders_wrong)), folder)
    # Once for all, and the one that looks at the speakers once more.
    assert asked == ["turns", "voice_gender", "understood", "voice_gender"]
    assert found == {"none": [], "genders": [Moved("gender.accuracy", 1.0, 0.0)]}


def test_a_measure_that_goes_or_comes_has_moved(best, folder):
    (moved,) = effects.effects(
        best, (Damage("no speakers", lambda e, f: dataclasses.replace(e, speakers=None)),), folder
    ).values()
    assert {m.measure for m in moved} == {"gender.accuracy", "gender.abstained"}
    assert all(np.isnan(m.after) and not np.isnan(m.before) for m in moved)
