"""The threads that requests are answered in, and what many who ask the same share."""

import asyncio
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from dubkit.service.api.desk import Desk


def _desk() -> Desk:
    service: Any = SimpleNamespace(config=SimpleNamespace(rate=0, upload_rate=0))
    return Desk(service, SimpleNamespace())  # type: ignore[arg-type]


class Looks:
    """Tells how often it was looked before, once it is let."""

    def __init__(self) -> None:
        self.begun, self.may_end = threading.Semaphore(0), threading.Semaphore(0)
        self.number = 0

    def look(self, fails: bool = False) -> int:
        self.number += 1
        number = self.number
        self.begun.release()
        assert self.may_end.acquire(timeout=10)
        if fails:
            raise KeyError(number)
        return number


async def _begun(looks: Looks) -> None:
    assert await asyncio.to_thread(looks.begun.acquire, timeout=10)


def test_who_asks_while_it_is_looked_shares_the_next_look() -> None:
    async def ask() -> None:
        desk, looks = _desk(), Looks()
        first = asyncio.create_task(desk.shared(looks.look))
        await _begun(looks)
        later = [asyncio.create_task(desk.shared(looks.look)) for _ in range(20)]
        await asyncio.sleep(0.05)
        # What is being looked for began before they asked: it is not for them.
        assert looks.number == 1
        looks.may_end.release()
        assert await first == 1
        looks.may_end.release()
        assert await asyncio.gather(*later) == [2] * 20
        looks.may_end.release()
        assert await desk.shared(looks.look) == 3

    asyncio.run(ask())


def test_other_questions_do_not_wait() -> None:
    async def ask() -> None:
        desk, slow, quick = _desk(), Looks(), Looks()
        first = asyncio.create_task(desk.shared(slow.look))
        await _begun(slow)
        quick.may_end.release()
        assert await desk.shared(quick.look) == 1
        slow.may_end.release()
        assert await first == 1

    asyncio.run(ask())


def test_all_who_share_hear_of_a_failure_and_the_next_look_is_made() -> None:
    async def ask() -> None:
        desk, looks = _desk(), Looks()
        looks.may_end.release(3)
        failed = await asyncio.gather(*(desk.shared(looks.look, True) for _ in range(5)), return_exceptions=True)
        assert [type(one) for one in failed] == [KeyError] * 5
        assert looks.number == 1
        with pytest.raises(KeyError):
            await desk.shared(looks.look, True)
        assert await desk.shared(looks.look) == 3

    asyncio.run(ask())


def test_one_who_leaves_takes_nothing_from_the_others() -> None:
    async def ask() -> None:
        desk, looks = _desk(), Looks()
        leaving, staying = (asyncio.create_task(desk.shared(looks.look)) for _ in range(2))
        await _begun(looks)
        leaving.cancel()
        await asyncio.sleep(0.01)
        looks.may_end.release()
        assert await staying == 1
        assert leaving.cancelled()

    asyncio.run(ask())
