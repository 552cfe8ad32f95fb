"""How does one connection of the gateway WebSocket go? Challenge, connect, then many at once.

A request runs beside the others, so that one that takes minutes (`voicecall.continue`) holds up
nobody; when its client goes away, what it began goes on.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import AsyncIterator, Callable

import anyio
from anyio.abc import TaskGroup

from voicecall.errors import MediaError
from voicecall.media.session import FrameSocket
from voicecall.model.call_events import CallEvent
from voicecall.rpc.auth import Doorkeeper
from voicecall.rpc.faults import UNAVAILABLE, Fault, fault_of
from voicecall.rpc.methods import METHODS, RpcContext, invoke
from voicecall.rpc.openclaw_connect import (
    POLICY_VIOLATION,
    Admission,
    Policy,
    Rejection,
    admit,
    challenge,
    hello,
)
from voicecall.rpc.openclaw_events import change_event, said_event
from voicecall.rpc.openclaw_frames import (
    Request,
    UnreadableFrame,
    event,
    failure,
    invalid,
    read_request,
    response,
)
from voicecall.sdk.clock import Clock

logger = logging.getLogger(__name__)

HANDSHAKE_SECONDS = 10.0
"""How long a client may take for its ``connect``."""

MAX_CONNECT_BYTES = 64 * 1024
"""The largest frame of a client that is not let in yet."""

MAX_REQUESTS = 32
"""Requests that one connection may have under way."""

MAX_REASON_BYTES = 123
"""What a close frame has room for: https://www.rfc-editor.org/rfc/rfc6455#section-5.5"""

Ending = tuple[int, str]
"""Close code and reason."""

_DONE: Ending = (1000, "")
_NO_TEXT: Ending = (1003, "only text frames are read")
_TOO_LARGE: Ending = (1009, "frame too large")
_TOO_LATE: Ending = (POLICY_VIOLATION, "handshake timeout")
_BEHIND: Ending = (1013, "events were lost; connect again")
_RESTART: Ending = (1012, "service restart")


class OpenClawSession:
    """One connection.

    Args:
        socket: open; whoever made it closes it at the end.
        context: what the gateway's doors share.
        doorkeeper: knows the secrets.
        policy: the bounds of this connection.
        clock: tells the date.
        started_at: when the gateway began, as `anyio.current_time`.
        peer: the client's address, for the log.
        on_admitted: called once, when the client is let in.
    """

    def __init__(
        self,
        socket: FrameSocket,
        *,
        context: RpcContext,
        doorkeeper: Doorkeeper,
        policy: Policy,
        clock: Clock,
        started_at: float,
        peer: str,
        on_admitted: Callable[[], object],
    ) -> None:
        self._socket = socket
        self._context = context
        self._doorkeeper = doorkeeper
        self._policy = policy
        self._clock = clock
        self._started_at = started_at
        self._peer = peer
        self._under_way = 0
        self._seq = 0
        self._on_admitted = on_admitted
        self._admitted = False

    async def run(self) -> Ending:
        """Serve until either end leaves; how the socket is to be closed."""
        admission = await self._shake_hands()
        if not isinstance(admission, Admission):
            return admission
        self._admitted = True
        self._on_admitted()
        health = await invoke(self._context, "health", None)
        # Watched before the hello goes out: what a client does next, it hears of.
        async with self._context.service.watch() as events, anyio.create_task_group() as tasks:
            await self._send(response(admission.request_id, self._hello(admission, health)))
            tasks.start_soon(self._tick)
            tasks.start_soon(self._report, events)
            ending = await self._serve(tasks)
            tasks.cancel_scope.cancel()
        return ending

    async def say_goodbye(self) -> Ending:
        """Tell the client that the gateway goes; how the socket is to be closed."""
        if self._admitted:
            await self._send_event("shutdown", {"reason": "service restart"})
        return _RESTART

    # -- letting in

    async def _shake_hands(self) -> Admission | Ending:
        nonce = secrets.token_urlsafe(24)
        await self._send(challenge(nonce, self._clock.wall()))
        with anyio.move_on_after(HANDSHAKE_SECONDS):
            frame = await self._socket.receive()
            return await self._decide(frame, nonce)
        return _TOO_LATE

    async def _decide(self, frame: str | bytes | None, nonce: str) -> Admission | Ending:
        if frame is None:
            return _DONE
        if ending := _unfit(frame, MAX_CONNECT_BYTES):
            return ending
        try:
            request = read_request(str(frame))
        except UnreadableFrame as error:
            return (POLICY_VIOLATION, _reason(error.message))
        now = self._clock.wall()
        decision = admit(request, doorkeeper=self._doorkeeper, nonce=nonce, now=now)
        if isinstance(decision, Rejection):
            return await self._reject(request, decision)
        return decision

    async def _reject(self, request: Request, rejection: Rejection) -> Ending:
        fault = rejection.fault
        logger.warning(
            "a gateway client was refused",
            extra={"peer": self._peer, "reason": fault.details.get("code", fault.code)},
        )
        await self._send(failure(request.id, fault))
        return (rejection.close_code, _reason(fault.message))

    def _hello(self, admission: Admission, health: dict[str, object]) -> dict[str, object]:
        return hello(
            admission,
            conn_id=secrets.token_hex(8),
            methods=list(METHODS),
            health=health,
            uptime_ms=int((anyio.current_time() - self._started_at) * 1000),
            policy=self._policy,
        )

    # -- requests

    async def _serve(self, tasks: TaskGroup) -> Ending:
        while (frame := await self._socket.receive()) is not None:
            if ending := _unfit(frame, self._policy.max_payload):
                return ending
            try:
                request = read_request(str(frame))
            except UnreadableFrame as error:
                await self._send(failure(error.frame_id, invalid(error.message)))
                continue
            fault = self._refuse(request)
            if fault is not None:
                await self._send(failure(request.id, fault))
                continue
            self._under_way += 1
            tasks.start_soon(self._answer, request)
        return _DONE

    def _refuse(self, request: Request) -> Fault | None:
        if request.method == "connect":
            return invalid("connect is only valid as the first request")
        if self._under_way < MAX_REQUESTS:
            return None
        return Fault(
            code=UNAVAILABLE,
            message=f"{MAX_REQUESTS} requests of this connection are under way; wait for one",
            details={"kind": "capacity"},
        )

    async def _answer(self, request: Request) -> None:
        try:
            payload = await invoke(self._context, request.method, request.params)
            answer = response(request.id, payload)
        except Exception as error:
            answer = failure(request.id, fault_of(error))
        finally:
            self._under_way -= 1
        if len(answer) > self._policy.max_buffered_bytes:
            answer = failure(request.id, _answer_too_large())
        await self._send(answer)

    # -- events

    async def _tick(self) -> None:
        while True:
            await anyio.sleep(self._policy.tick_interval_ms / 1000)
            await self._send_event("tick", {"ts": int(self._clock.wall() * 1000)})

    async def _report(self, events: AsyncIterator[CallEvent]) -> None:
        try:
            async for happened in events:
                said = said_event(happened)
                if said is None:
                    record = await self._context.service.find(happened.call_id)
                    said = change_event(happened, record)
                await self._send_event(*said)
        except Exception:
            logger.exception("a gateway client is not told of calls any more")
        if self._context.service.ready:
            # Else the gateway goes, and says so itself.
            await self._socket.close(*_BEHIND)

    async def _send_event(self, name: str, payload: dict[str, object]) -> None:
        self._seq += 1
        await self._send(event(name, payload, self._seq))

    async def _send(self, frame: str) -> None:
        """Queue `frame`; a client that reads too slowly is closed by its socket, not by us."""
        try:
            await self._socket.send(frame)
        except MediaError:
            logger.debug("a frame was not sent", extra={"peer": self._peer})


def _unfit(frame: str | bytes, limit: int) -> Ending | None:
    if not isinstance(frame, str):
        return _NO_TEXT
    return _TOO_LARGE if len(frame.encode()) > limit else None


def _reason(message: str) -> str:
    return message.encode()[:MAX_REASON_BYTES].decode(errors="ignore")


def _answer_too_large() -> Fault:
    return Fault(
        code=UNAVAILABLE,
        message="the answer is too large for one frame; ask for less, for example with 'limit'",
        details={"kind": "capacity"},
    )
