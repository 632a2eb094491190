"""What every synthesizer promises."""

from typing import Any

import numpy as np
import pytest

from contract.subjects import Subject
from dubkit import languages
from dubkit.backends.protocols import Request

TEXTS = ["A bad cab had a bag.", "He had a cap, and a face.", "Bad!"]


@pytest.fixture
def requests(backend: Any, subject: Subject) -> list[Request]:
    """A line for each text, in the first voices that there are."""
    voices = backend.voices(subject.language)
    return [Request(text, voices[n % min(2, len(voices))]) for n, text in enumerate(TEXTS)]


def test_voices_say_whose_they_are(backend: Any, subject: Subject) -> None:
    voices = backend.voices(subject.language)
    names = {subject.spec.partition(":")[0], *subject.spec.partition(":")[2].split(",")}
    assert voices and len({v.id for v in voices}) == len(voices)
    assert all(v.id.partition(":")[0] in names and v.language == subject.language for v in voices)
    assert backend.voices("tlh") == ()
    assert subject.language in backend.languages()
    assert all(languages.parse(code) == code for code in backend.languages())
    slowest, fastest = backend.rates
    assert 0.3 < slowest <= 1 <= fastest < 3


def test_a_clip_for_each_line(backend: Any, requests: list[Request]) -> None:
    clips = list(backend.synthesize(requests))
    assert len(clips) == len(requests)
    for clip in clips:
        assert (clip.dtype, clip.ndim) == (np.float32, 1)
        assert 0 < len(clip) < 30 * backend.sample_rate
        assert np.isfinite(clip).all() and np.abs(clip).max() <= 1


def test_a_line_always_sounds_the_same_alone_or_among_others(
    backend: Any, requests: list[Request], batched: Any
) -> None:
    together = list(batched.synthesize(requests))
    for n, request in enumerate(requests):
        (alone,) = backend.synthesize([request])
        assert abs(len(alone) - len(together[n])) <= backend.sample_rate // 100
        shorter = min(len(alone), len(together[n]))
        np.testing.assert_allclose(alone[:shorter], together[n][:shorter], atol=2e-2)


def test_faster_is_shorter_and_foretold(backend: Any, subject: Subject, requests: list[Request]) -> None:
    fastest = backend.rates[1]
    line = requests[0]
    natural = backend.predict(line)
    assert 0 < natural < 30
    if fastest > 1:
        quick = Request(line.text, line.voice, fastest)
        assert backend.predict(quick) < natural
        clips = list(backend.synthesize([line, quick]))
        assert len(clips[1]) < len(clips[0])


def test_it_knows_where_its_clips_pause_if_it_says_so(backend: Any, subject: Subject) -> None:
    if not hasattr(backend, "marks"):
        pytest.skip("it does not say where its clips pause")
    voice = backend.voices(subject.language)[0]
    line = Request("He had a cap, a bag, and a face.", voice)
    (clip,) = backend.synthesize([line])
    marks = backend.marks(line)
    edges = [t for mark in marks for t in mark]
    assert len(marks) == 2 and edges == sorted(set(edges))
    assert edges[0] > 0 and edges[-1] < len(clip) / backend.sample_rate
    for start, end in marks:
        silence = clip[round(start * backend.sample_rate) : round(end * backend.sample_rate)]
        assert np.square(silence).mean() < 0.25 * np.square(clip).mean()
    assert backend.marks(Request("He had a bag.", voice)) == ()
    for rate in backend.rates:
        paced = [t for mark in backend.marks(Request(line.text, voice, rate)) for t in mark]
        assert np.multiply(paced, rate) == pytest.approx(edges, rel=0.1)


@pytest.mark.parametrize("text", ["", "😀", "3", "— … —", "<b>&amp;</b>\n\t'); DROP", "a" * 300])
def test_no_text_breaks_it(backend: Any, subject: Subject, text: str) -> None:
    request = Request(text, backend.voices(subject.language)[0])
    (clip,) = backend.synthesize([request])
    assert len(clip) > 0 and np.isfinite(clip).all()
    assert backend.predict(request) > 0
