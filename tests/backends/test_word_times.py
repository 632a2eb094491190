import numpy as np
import pytest

from dubkit.backends.whisper.word_times import token_times, words


def attention(frames: list[int], n_frames: int = 200, n_heads: int = 3) -> np.ndarray:
    """Heads that look at one frame after the other, a little blurred, over faint noise."""
    noise = np.random.default_rng(1).random((n_heads, len(frames), n_frames))
    distance = np.arange(n_frames)[None, None] - np.array(frames)[None, :, None]
    return np.exp(-0.5 * (distance / 3) ** 2) + 0.01 * noise


def test_token_boundaries_lie_where_attention_moves_on() -> None:
    centres = [10, 30, 60, 100]
    times = token_times(attention(centres), 4.0, 7)
    assert len(times) == 4
    assert times[0] == 0.0
    for n, time in enumerate(times[1:], 1):
        assert centres[n - 1] * 0.02 < time <= centres[n] * 0.02
    assert times == sorted(times)


def test_padding_after_the_sound_counts_for_nothing() -> None:
    padded = attention([10, 30, 60])
    padded[:, :, 80:] += 5.0
    assert token_times(padded, 1.6, 7) == token_times(attention([10, 30, 60]), 1.6, 7)
    assert max(token_times(padded, 1.6, 7)) <= 1.6


@pytest.mark.parametrize("seconds", [0.001, 0.02, 0.05])
def test_a_blink_of_sound_is_no_trouble(seconds: float) -> None:
    times = token_times(attention([1, 2]), seconds, 7)
    assert all(0 <= t <= seconds for t in times)


def decoder(pieces: list[bytes]):  # type: ignore[no-untyped-def]
    return lambda tokens: b"".join(pieces[t] for t in tokens).decode("utf-8", errors="replace")


@pytest.mark.parametrize(
    ("pieces", "language", "expected"),
    [
        ([b" Ol", "á".encode(), b",", b" mun", b"do", b"!"], "pt", [("Olá,", 0, 2), ("mundo!", 3, 5)]),
        ([b" \xc2", b"\xbf", b"Qu", b"\xc3", b"\xa9", b"?"], "es", [("¿Qué?", 0, 5)]),
        ([b" He", b" said", b' "', b"no", b'."'], "en", [("He", 0, 0), ("said", 1, 1), ('"no."', 2, 4)]),
        ([b" a", b" -", b" b"], "en", [("a", 0, 0), ("- b", 1, 2)]),
        ([b" don", b"'", b"t", b" 3", b".", b"5"], "en", [("don't", 0, 2), ("3.5", 3, 5)]),
        (
            ["今日".encode(), "は".encode()[:1], "は".encode()[1:], "。".encode()],
            "ja",
            [("今日", 0, 0), ("は。", 1, 3)],
        ),
        (["「".encode(), "好".encode(), "」".encode(), "。".encode()], "zh", [("「好」。", 0, 3)]),
        (
            ["我".encode(), "用".encode(), b"Chat", b"GPT", b" API", "，".encode(), b"20", b"24", "年".encode()],
            "zh",
            [("我", 0, 0), ("用", 1, 1), ("ChatGPT", 2, 3), ("API，", 4, 5), ("2024", 6, 7), ("年", 8, 8)],
        ),
        ([b" "], "en", []),
        ([], "en", []),
    ],
)
def test_tokens_become_words(pieces: list[bytes], language: str, expected: list[tuple[str, int, int]]) -> None:
    assert list(words(list(range(len(pieces))), decoder(pieces), language)) == expected
