"""How a call is spoken to without media streams: by instructions to the carrier's own voice."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

import anyio

from voicecall.calls.line import Speech, Spoken
from voicecall.errors import CapacityExceeded
from voicecall.model.ids import TurnToken, new_turn_token
from voicecall.model.instructions import Gather, Instruction, Say

LISTEN_SECONDS = 10.0
"""How long one listening turn waits for speech before it is renewed."""


class NativeJob:
    """A `Speech` on its way through the carrier's voice."""

    def __init__(self, speech: Speech) -> None:
        self.speech = speech
        self.token = speech.turn or new_turn_token()
        self._done = anyio.Event()
        self._spoken: Spoken | None = None

    async def played(self) -> Spoken:
        """Wait for the carrier's word that it was spoken."""
        await self._done.wait()
        assert self._spoken is not None
        return self._spoken

    def settle(self, *, heard: str, failed: str | None = None) -> None:
        """Decide what became of it; the first decision stands."""
        if self._spoken is None:
            self._spoken = Spoken(text=self.speech.text, heard=heard, failed=failed)
            self._done.set()


class NativeLine:
    """A `Line` over instructions: one delivery at a time, speaking and listening in one.

    Args:
        deliver: hands instructions to the carrier, by the answer to a webhook or by a command.
        limit: how many utterances may wait.
        on_speaking: told when we begin and cease to be heard.
    """

    def __init__(
        self,
        deliver: Callable[[Sequence[Instruction]], None],
        *,
        limit: int,
        on_speaking: Callable[[bool], None],
    ) -> None:
        self._deliver = deliver
        self._limit = limit
        self._on_speaking = on_speaking
        self._waiting: deque[NativeJob] = deque()
        self._current: NativeJob | None = None
        self._idle = anyio.Event()
        self._idle.set()
        self.turn: TurnToken | None = None
        self.listening = False

    @property
    def busy(self) -> bool:
        """Whether something is being spoken."""
        return self._current is not None

    def speak(self, speech: Speech) -> NativeJob:
        """Queue `speech`; it is delivered when what is spoken now has ended."""
        if len(self._waiting) >= self._limit:
            raise CapacityExceeded(
                f"{self._limit} utterances are queued on this call; wait until it has spoken"
            )
        job = NativeJob(speech)
        self._waiting.append(job)
        if self._current is None:
            self._next()
        return job

    async def drained(self) -> None:
        """Wait until nothing is queued or being spoken."""
        await self._idle.wait()

    async def interrupt(self) -> None:
        """Settle every job; the carrier stops with the next delivery or with the call."""
        self.settle_all(None)

    def listen(self) -> Gather:
        """The instruction that listens for the next turn, or on for that of what is spoken now."""
        return self._gather(new_turn_token() if self._current is None else self._current.token)

    def listened(self, turn: TurnToken | None) -> None:
        """The carrier ceased to listen for `turn`, so what it said before that was said."""
        if turn is None or turn == self.turn:
            self.listening = False
        self.spoken(turn, complete=True)

    def spoken(self, token: TurnToken | None, *, complete: bool) -> None:
        """The carrier finished speaking `token`, or was cut."""
        job = self._current
        if job is None or (token is not None and token != job.token):
            return
        job.settle(heard=job.speech.text if complete else "")
        self._current = None
        self._on_speaking(False)
        self._next()

    def failed(self, reason: str) -> None:
        """The delivery of what should be spoken now failed."""
        self.listening = False
        if self._current is not None:
            job, self._current = self._current, None
            job.settle(heard="", failed=reason)
            self._on_speaking(False)
            self._next()

    def settle_all(self, failed: str | None) -> None:
        """Settle every job as not heard."""
        jobs = [job for job in (self._current, *self._waiting) if job is not None]
        if self._current is not None:
            self._on_speaking(False)
        self._current = None
        self._waiting.clear()
        self._idle.set()
        for job in jobs:
            job.settle(heard="", failed=failed)

    def _next(self) -> None:
        if not self._waiting:
            self._idle.set()
            return
        self._idle = anyio.Event() if self._idle.is_set() else self._idle
        job = self._current = self._waiting.popleft()
        delivery: list[Instruction] = [Say(text=job.speech.text, turn=job.token)]
        self.listening = False
        if job.speech.listen and not self._waiting:
            delivery.append(self._gather(job.token))
        self._on_speaking(True)
        self._deliver(delivery)

    def _gather(self, turn: TurnToken) -> Gather:
        self.turn, self.listening = turn, True
        return Gather(turn=turn, timeout_seconds=LISTEN_SECONDS)
