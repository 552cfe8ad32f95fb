"""Which keys does the caller press in answer to a prompt? ``gather`` and its relatives.

developers.telnyx.com, *Gather*, *Gather using speak*, *Gather using audio*.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import anyio
from anyio.abc import TaskGroup
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from voicecall.sdk import Clock
from voicecall_telnyx.network.reporter import Reporter
from voicecall_telnyx.network.voice import Job

Prompt = Callable[[], Job]
Keys = MemoryObjectReceiveStream[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What is an answer; durations in call seconds."""

    fewest: int
    most: int
    first: float
    between: float
    last_key: str
    keys: str
    tries: int


def rules_of(fields: Mapping[str, Any], *, prompted: bool) -> Rules:
    """The rules that a command's fields set; without a prompt the first key is due sooner."""
    first = fields.get("timeout_millis", 60_000)
    if not prompted:
        first = min(first, fields.get("initial_timeout_millis", 5000))
    return Rules(
        fewest=fields.get("minimum_digits", 1),
        most=fields.get("maximum_digits", 128),
        first=first / 1000,
        between=fields.get("inter_digit_timeout_millis", 5000) / 1000,
        last_key=fields.get("terminating_digit", "#"),
        keys=fields.get("valid_digits", "0123456789#*"),
        tries=fields.get("maximum_tries", 3) if prompted else 1,
    )


class Keypad:
    """Gathers keys on one leg."""

    def __init__(self, report: Reporter, clock: Clock) -> None:
        self._report = report
        self._clock = clock
        self._pressed: MemoryObjectSendStream[str] | None = None
        self._scope = anyio.CancelScope()

    @property
    def gathering(self) -> bool:
        """Whether an answer is awaited."""
        return self._pressed is not None

    def press(self, digit: str) -> None:
        """The caller pressed a key."""
        if self._pressed is not None:
            self._pressed.send_nowait(digit)

    def start(
        self,
        rules: Rules,
        tasks: TaskGroup,
        prompt: Prompt | None = None,
        invalid: Prompt | None = None,
    ) -> None:
        """Await an answer.

        Args:
            prompt: begins the question.
            invalid: begins what is said instead of it after a wrong answer.
        """
        self._pressed, keys = anyio.create_memory_object_stream[str](math.inf)
        self._scope = anyio.CancelScope()
        tasks.start_soon(self._gather, rules, keys, prompt, invalid or prompt)

    def stop(self) -> None:
        """Await no more."""
        self._scope.cancel()

    async def _gather(
        self, rules: Rules, keys: Keys, prompt: Prompt | None, invalid: Prompt | None
    ) -> None:
        status, digits = "call_hangup", ""
        assert self._pressed is not None
        try:
            with self._pressed, keys, self._scope:
                status, digits = await self._answer(rules, keys, prompt, invalid)
            if self._scope.cancelled_caught:
                status = "cancelled"
        finally:
            self._pressed = None
            self._report("call.gather.ended", status=status, digits=digits)

    async def _answer(
        self, rules: Rules, keys: Keys, prompt: Prompt | None, invalid: Prompt | None
    ) -> tuple[str, str]:
        status, digits = "timeout", ""
        for _ in range(rules.tries):
            status, digits = await self._once(rules, keys, prompt)
            if status == "valid":
                break
            prompt = invalid if status == "invalid" else prompt
        return status, digits

    async def _once(self, rules: Rules, keys: Keys, prompt: Prompt | None) -> tuple[str, str]:
        key = None if prompt is None else await self._during(prompt(), keys)
        key = key or await self._next(keys, rules.first)
        digits = ""
        while key is not None and key != rules.last_key:
            digits += key
            if len(digits) == rules.most:
                break
            key = await self._next(keys, rules.between)
        if not digits and key is None:
            return "timeout", ""
        right = len(digits) >= rules.fewest and set(digits) <= set(rules.keys)
        return "valid" if right else "invalid", digits

    async def _during(self, job: Job, keys: Keys) -> str | None:
        """The key that cuts the prompt; None when it was heard in full."""
        key = None
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_cancel_after, job, tasks.cancel_scope)
            key = await keys.receive()
            job.scope.cancel()
            tasks.cancel_scope.cancel()
        return key

    async def _next(self, keys: Keys, seconds: float) -> str | None:
        with anyio.move_on_after(seconds / self._clock.scale):
            return await keys.receive()
        return None


async def _cancel_after(job: Job, scope: anyio.CancelScope) -> None:
    await job.over.wait()
    scope.cancel()
