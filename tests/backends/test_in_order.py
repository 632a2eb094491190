import threading
import time

import pytest

from dubkit.backends.in_order import in_order


@pytest.mark.parametrize("n_threads", [1, 2, 5])
def test_results_come_in_order(n_threads: int) -> None:
    def work(item: int) -> int:
        time.sleep(0.002 * (7 - item))
        return item * item

    assert list(in_order(work, range(7), n_threads)) == [0, 1, 4, 9, 16, 25, 36]
    assert list(in_order(work, [], n_threads)) == []


def test_falsy_items_and_results_are_kept() -> None:
    assert list(in_order(lambda x: x, [0, None, "", 0, None], 2)) == [0, None, "", 0, None]


def test_works_ahead_by_the_number_of_threads_only() -> None:
    begun: list[int] = []
    results = in_order(begun.append, range(50), 2)
    next(results)
    time.sleep(0.05)
    assert len(begun) <= 4
    results.close()  # type: ignore[attr-defined]
    assert len(begun) <= 5


def test_uses_several_threads() -> None:
    together = threading.Barrier(2, timeout=5)
    assert sorted(in_order(lambda _: together.wait(), range(2), 2)) == [0, 1]


def test_an_error_reaches_the_caller() -> None:
    def work(item: int) -> float:
        return 1 / item

    results = in_order(work, [1, 0, 2], 2)
    assert next(results) == 1.0
    with pytest.raises(ZeroDivisionError):
        next(results)
