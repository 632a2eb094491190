"""The WebSocket on which a job's events come, each once and in order, also after a line was dropped."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from fastapi import APIRouter
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from dubkit.errors import DubkitError
from dubkit.record import Seconds
from dubkit.service.api import problems
from dubkit.service.api.access import address_of, key_of, owner_of, who
from dubkit.service.api.answers import when
from dubkit.service.api.desk import Desk, desk_of
from dubkit.service.api.problems import Refusal
from dubkit.service.jobs.job import OVER, Job, JobEvent

PROTOCOL = "dubkit"
"""Name of the subprotocol; browsers, which cannot send headers, give their key as the one after it."""
GREETING: Seconds = 10.0
"""How long somebody without a key may take to send it."""
CHECK: Seconds = 5.0
"""Between two looks at whether a silent job is still there and the key still good."""
CODES = {
    "no-key": 4401,
    "wrong-key": 4401,
    "no-such-job": 4404,
    "invalid": 4400,
    "too-many-requests": 4429,
    "away": 1013,
}
"""By kind of problem: how the WebSocket is closed."""

router = APIRouter()


@router.websocket("/jobs/{id}/progress")
async def progress(socket: WebSocket, id: str) -> None:
    """Events after number ``after``: first those that have happened, then those that happen, until the job is over.

    Each is a JSON object with ``sequence``, ``at``, ``kind`` and ``data``. A problem comes as an object of kind ``problem``, and
    then the WebSocket is closed: 4400 for a bad ``after``, 4401 without a good key, 4404 without such a job. 1000 is the end.
    The key comes as a header, as a second subprotocol after ``dubkit``, or in a first message ``{"key": ...}``.
    """
    desk = desk_of(socket)
    await socket.accept(PROTOCOL if PROTOCOL in socket.scope["subprotocols"] else None)
    try:
        after = _after(socket.query_params.get("after", "0"))
        key = await _key(socket, desk)
        owner = await _admitted(socket, desk, key)
        job = await desk.quick(desk.service.jobs.find, id, owner)
        gone = asyncio.create_task(_gone(socket))
        try:
            await _tell(socket, desk, job, owner, key, after, gone)
        finally:
            gone.cancel()
        await _close(socket, 1000)
    except WebSocketDisconnect:
        pass
    # Whatever it is, the one who watches is told before the line is cut.
    except Exception as error:
        await _told(socket, error)


async def _tell(
    socket: WebSocket, desk: Desk, job: Job, owner: str, key: str | None, after: int, gone: asyncio.Task[None]
) -> None:
    """Send events until the job is over or nobody listens."""
    is_over, checked = job.is_over, time.monotonic()
    async with desk.watch.following(job.id, job.sequence) as followed:
        while not gone.done():
            changed = followed.changed
            if time.monotonic() - checked > CHECK:
                # A key may be revoked while somebody watches with it.
                await owner_of(desk, key)
                checked = time.monotonic()
            if events := await desk.watch.events(job.id, followed, after):
                for event in events:
                    await socket.send_text(_text(event))
                after = events[-1].sequence
                # One that was dubbed again has more to come, though it was over before.
                is_over = _is_over(events, is_over)
                continue
            if is_over:
                return
            waiting = asyncio.create_task(changed.wait())
            await asyncio.wait((gone, waiting), timeout=CHECK, return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done():
                waiting.cancel()
                job = await desk.quick(desk.service.jobs.find, job.id, owner)
                followed.hear(job.sequence)
                is_over = job.is_over


def _is_over(events: Any, before: bool) -> bool:
    for event in events:
        if event.kind == "status":
            before = event.data["status"] in OVER
    return before


def _text(event: JobEvent) -> str:
    told = {"sequence": event.sequence, "at": when(event.at), "kind": event.kind, "data": event.data}
    return json.dumps(told, ensure_ascii=False)


def _after(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 16):
        raise Refusal("invalid", "after must be the number of the last event that you have, or 0.")
    return int(text)


async def _key(socket: WebSocket, desk: Desk) -> str | None:
    """The key, wherever it is shown."""
    if not desk.service.config.require_key:
        return None
    protocols: list[str] = socket.scope["subprotocols"]
    if key := key_of(socket.headers) or next((one for one in protocols if one != PROTOCOL), None):
        return key
    try:
        async with asyncio.timeout(GREETING):
            greeting = json.loads(await socket.receive_text())
    except (TimeoutError, ValueError, RecursionError, KeyError):
        return None
    key = greeting.get("key") if isinstance(greeting, Mapping) else None
    return key if isinstance(key, str) else None


async def _admitted(socket: WebSocket, desk: Desk, key: str | None) -> str:
    try:
        owner = await owner_of(desk, key)
    except Refusal:
        await desk.admit("request", address_of(socket))
        raise
    socket.state.owner = owner
    await desk.admit("request", who(desk, socket, owner))
    return owner


async def _gone(socket: WebSocket) -> None:
    """Comes to its end when the other side leaves; what it says meanwhile is not listened to."""
    with suppress(WebSocketDisconnect, KeyError):
        while True:
            await socket.receive()


async def _told(socket: WebSocket, error: Exception) -> None:
    kind = problems.kind_of(error)
    if kind == "failed" and not isinstance(error, DubkitError):
        problems.log.error("A job could not be followed.", exc_info=error)
    document = problems.document(kind, problems.SAID.get(kind, str(error)), socket.scope)
    with suppress(WebSocketDisconnect, RuntimeError):
        await socket.send_text(json.dumps({"kind": "problem", "data": document}, ensure_ascii=False))
        await _close(socket, CODES.get(kind, 1011))


async def _close(socket: WebSocket, code: int) -> None:
    if socket.client_state is not WebSocketState.DISCONNECTED:
        with suppress(WebSocketDisconnect, RuntimeError):
            await socket.close(code)
