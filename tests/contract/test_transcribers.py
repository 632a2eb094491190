"""What every transcriber promises."""

from typing import Any

import numpy as np
import pytest
from backends.speech_sounds import say

from contract.conftest import noise
from contract.subjects import Subject
from dubkit import languages
from dubkit.errors import UnsupportedPair


@pytest.fixture(scope="module")
def waveforms() -> list[np.ndarray]:
    """Speech, noise, silence, and next to nothing."""
    spoken = say("The weather was cold this morning, so we stayed at home.", "af_heart").waveform
    return [spoken, np.zeros(16_000, np.float32), noise(2.2), spoken[:20_000], np.zeros(10, np.float32)]


@pytest.mark.usefixtures("trusting")
class TestTranscriber:
    def test_languages_are_canonical(self, backend: Any, subject: Subject) -> None:
        assert subject.language in backend.languages()
        assert all(languages.parse(code) == code for code in backend.languages())

    def test_one_result_for_each_waveform_with_words_inside_it(
        self, backend: Any, subject: Subject, waveforms: list[np.ndarray]
    ) -> None:
        heard = list(backend.transcribe(waveforms, subject.language))
        assert len(heard) == len(waveforms)
        assert heard[0].words
        for found, waveform in zip(heard, waveforms, strict=True):
            starts = [w.start for w in found.words]
            assert starts == sorted(starts)
            assert all(0 <= w.start <= w.end <= len(waveform) / 16_000 + 0.02 for w in found.words)
            assert all(0 <= w.confidence <= 1 and w.text == w.text.strip() != "" for w in found.words)

    def test_silence_has_no_words(self, backend: Any, subject: Subject, waveforms: list[np.ndarray]) -> None:
        heard = list(backend.transcribe(waveforms, subject.language))
        assert heard[1].words == heard[4].words == ()

    def test_batches_change_nothing(
        self, backend: Any, subject: Subject, waveforms: list[np.ndarray], batched: Any
    ) -> None:
        together = list(batched.transcribe(waveforms, subject.language, beam_size=2))
        alone = [h for w in waveforms for h in backend.transcribe([w], subject.language, beam_size=2)]
        assert [[w.text for w in h.words] for h in together] == [[w.text for w in h.words] for h in alone]
        for one, other in zip(together, alone, strict=True):
            np.testing.assert_allclose([w.start for w in one.words], [w.start for w in other.words], atol=0.021)

    def test_the_language_is_one_that_it_knows(self, backend: Any, waveforms: list[np.ndarray]) -> None:
        code, sure = backend.detect_language(waveforms[:1])
        assert code in backend.languages()
        assert 0 < sure <= 1
        assert backend.detect_language(waveforms[1:2])[1] == backend.detect_language([])[1] == 0

    def test_what_it_cannot_do_is_refused(self, backend: Any, subject: Subject) -> None:
        with pytest.raises(UnsupportedPair, match="'tlh'"):
            list(backend.transcribe([noise(1)], "tlh"))
        with pytest.raises(ValueError, match="31"):
            list(backend.transcribe([noise(31)], subject.language))
        assert list(backend.transcribe([], subject.language)) == []
