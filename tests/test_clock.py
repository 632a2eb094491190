import pytest

from dubkit.clock import clock


@pytest.mark.parametrize(("seconds", "told"), [(0, "0:00.0"), (59.96, "1:00.0"), (61.25, "1:01.2"), (600, "10:00.0")])
def test_times_are_told_in_minutes_and_seconds(seconds: float, told: str) -> None:
    assert clock(seconds) == told


@pytest.mark.parametrize(("seconds", "told"), [(0, "0:00"), (59, "0:59"), (60, "1:00"), (3725, "62:05")])
def test_or_in_whole_seconds(seconds: float, told: str) -> None:
    assert clock(seconds, 0) == told
