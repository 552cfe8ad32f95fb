"""How do reports reach the gateway? Signed webhooks in order, tried again when it is away."""

from __future__ import annotations

import logging
import math
import random
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import anyio
import httpx
import msgspec
from anyio.abc import TaskGroup

from voicecall.sdk import Clock
from voicecall_mock.config import Chaos
from voicecall_mock.webhooks import SIGNATURE_HEADER, Report, sign

RETRY_SECONDS = (0.2, 0.4, 0.8, 1.5, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0)
"""Pauses between tries of one delivery, in real seconds: a gateway restarts in real time."""

OnReply = Callable[[bytes], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A report on its way. `on_reply` gets the answer; `stale` letters are not sent any more."""

    report: Report
    on_reply: OnReply | None = None
    stale: Callable[[], bool] = lambda: False


class Courier:
    """Delivers the webhooks of one call, one after the other.

    Args:
        url: where to.
        key: gives the key that signs, as it is when a letter is sent.
        seed: tells this call's disorder from other calls', repeatably.
    """

    def __init__(
        self,
        *,
        client: httpx.AsyncClient,
        url: str,
        key: Callable[[], str],
        clock: Clock,
        chaos: Chaos,
        seed: str,
        logger: logging.Logger,
    ) -> None:
        self._client = client
        self._url = url
        self._key = key
        self._clock = clock
        self._chaos = chaos
        self._random = random.Random(f"{chaos.seed}:{seed}")
        self._logger = logger
        self._send, self._queue = anyio.create_memory_object_stream[Letter](math.inf)
        self._hurried = False

    def post(self, letter: Letter) -> None:
        """Deliver `letter` after those before it; nothing happens once `run` is over."""
        with suppress(anyio.ClosedResourceError, anyio.BrokenResourceError):
            self._send.send_nowait(letter)

    def hurry(self) -> None:
        """Try every delivery only once from now on."""
        self._hurried = True

    def close(self) -> None:
        """No more letters come; `run` returns when all are delivered or given up."""
        self._send.close()

    async def run(self) -> None:
        """Deliver until closed; disorderly if chaos says so."""
        async with anyio.create_task_group() as tasks, self._queue, self._send:
            async for letter in self._queue:
                await self._dispatch(letter, tasks)

    async def _dispatch(self, letter: Letter, tasks: TaskGroup) -> None:
        chaos, dice = self._chaos, self._random
        late, twice, renamed = dice.random(), dice.random(), dice.random()
        if twice < chaos.duplicate:
            again = letter.report
            if renamed < 0.5:
                again = msgspec.structs.replace(again, delivery_id=new_delivery_id())
            tasks.start_soon(self._deliver_late, Letter(report=again), dice.random())
        if late < chaos.reorder:
            tasks.start_soon(self._deliver_late, letter, dice.random())
        else:
            await self._deliver(letter)

    async def _deliver_late(self, letter: Letter, share: float) -> None:
        await self._clock.sleep(share * self._chaos.delay_ms / 1000)
        await self._deliver(letter)

    async def _deliver(self, letter: Letter) -> None:
        for pause in (*RETRY_SECONDS, None):
            if letter.stale():
                return
            status, answer = await self._try(letter.report)
            if status is not None and status < 500 and status != 429:
                self._delivered(letter, status, answer)
                return
            if pause is None or self._hurried:
                break
            await anyio.sleep(pause)
        self._logger.warning(
            "a webhook could not be delivered; the call goes on without its answer",
            extra={"kind": letter.report.kind},
        )

    async def _try(self, report: Report) -> tuple[int | None, bytes]:
        body = msgspec.json.encode(report)
        signature = sign(
            key=self._key(), at=int(self._clock.wall()), method="POST", url=self._url, body=body
        )
        headers = {"content-type": "application/json", SIGNATURE_HEADER: signature}
        try:
            response = await self._client.post(self._url, content=body, headers=headers)
        except httpx.HTTPError:
            return None, b""
        return response.status_code, response.content

    def _delivered(self, letter: Letter, status: int, answer: bytes) -> None:
        if status >= 300:
            self._logger.warning(
                "the gateway refused a webhook",
                extra={"kind": letter.report.kind, "status": status},
            )
        elif letter.on_reply is not None:
            letter.on_reply(answer)


def new_delivery_id() -> str:
    """An id for one delivery and its repetitions."""
    return uuid.uuid4().hex
