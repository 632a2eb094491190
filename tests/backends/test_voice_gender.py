import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from speech_sounds import RATE, Spoken

from dubkit.backends import weights
from dubkit.backends.protocols import Backend, Compute
from dubkit.backends.voice_gender import VoiceGender


@pytest.fixture(scope="module")
def classifier() -> VoiceGender:
    return VoiceGender.from_spec("", Compute(threads=2))


def test_is_described_without_loading() -> None:
    fresh = VoiceGender.from_spec("", Compute())
    assert isinstance(fresh, Backend)
    assert fresh.fingerprint.startswith(f"voice-gender:{weights.fingerprint('resemblyzer')}+")
    assert [(m.name, m.licence) for m in fresh.models()] == [("resemblyzer", "Apache-2.0")]
    assert "_encoder" not in vars(fresh)


def test_hears_synthetic_voices(classifier: VoiceGender, spoken: Spoken, spoken_by_a_man: Spoken) -> None:
    woman, man = classifier.female_probability([spoken.waveform, spoken_by_a_man.waveform])
    assert woman > 0.8
    assert man < 0.2


def test_hears_people(classifier: VoiceGender, conversation: tuple[np.ndarray, list[tuple[float, float, str]]]) -> None:
    waveform, turns = conversation
    long = [waveform[round(a * RATE) : round(b * RATE)] for a, b, _ in turns if b - a > 1]
    odds = classifier.female_probability(long)
    assert len(odds) >= 4
    assert min(odds) > 0.5
    assert np.mean(odds) > 0.8


def test_the_level_does_not_matter(classifier: VoiceGender, spoken: Spoken) -> None:
    loud, quiet = classifier.female_probability([spoken.waveform, spoken.waveform * np.float32(0.03)])
    assert quiet == pytest.approx(loud, abs=1e-3)


def test_abstains_where_there_is_nothing_to_hear(classifier: VoiceGender, spoken: Spoken) -> None:
    nothing = [np.zeros(0, np.float32), np.zeros(RATE, np.float32), spoken.waveform[: RATE // 5]]
    assert classifier.female_probability(nothing) == [0.5, 0.5, 0.5]
    assert classifier.female_probability([]) == []


def test_a_part_of_a_second_is_enough(classifier: VoiceGender, spoken_by_a_man: Spoken) -> None:
    (odds,) = classifier.female_probability([spoken_by_a_man.waveform[: round(0.8 * RATE)]])
    assert odds < 0.4


def test_same_answer_in_another_process_without_the_package_itself(
    classifier: VoiceGender, spoken: Spoken, tmp_path: Path
) -> None:
    np.save(tmp_path / "spoken.npy", spoken.waveform)
    program = (
        "import sys, numpy as np\n"
        "from dubkit.backends.voice_gender import VoiceGender\n"
        "from dubkit.backends.protocols import Compute\n"
        "print(VoiceGender.from_spec('', Compute(threads=2)).female_probability([np.load(sys.argv[1])]))\n"
        "print([name for name in ('webrtcvad', 'resemblyzer') if name in sys.modules])\n"
    )
    other = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "spoken.npy")], capture_output=True, text=True, check=True
    )
    assert other.stdout.splitlines() == [str(classifier.female_probability([spoken.waveform])), "[]"]
