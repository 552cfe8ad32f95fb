"""How a call is spoken to without media streams: by instructions to the carrier's own voice.

A document carrier speaks and listens in one answer, and comes back with what it heard; its
listening stops its prompt, unless that is protected. It does not say when the prompt was spoken:
that is taken to be so after its time. A command carrier reports while it speaks, so that we stop
it when the caller speaks; what the caller must not interrupt is listened to only when it was said.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import anyio

from voicecall.calls.control import CallControl
from voicecall.calls.durations import heard_within, speaking_seconds
from voicecall.calls.facts import Speaking
from voicecall.calls.line import Speech, Spoken
from voicecall.calls.tools import CallTools
from voicecall.errors import CapacityExceeded
from voicecall.model.ids import TurnToken, new_turn_token
from voicecall.model.instructions import Gather, Instruction, Say, StopSpeaking

LISTEN_SECONDS = 10.0
"""How long one listening turn waits for speech before it is renewed."""
WATCH_FACTOR = 1.5
WATCH_MARGIN_SECONDS = 10.0
"""A command carrier that has not said so long after a text's speaking time, that it was spoken,
will not say it any more."""
PROMPT_MARGIN_SECONDS = 1.0
"""A document carrier that listens behind a prompt does not say when that was spoken; so long after
its speaking time it was."""


class NativeJob:
    """A `Speech` on its way through the carrier's voice."""

    def __init__(self, speech: Speech, token: TurnToken) -> None:
        self.speech = speech
        self.token = token
        self.begun_at = 0.0
        self._done = anyio.Event()
        self._spoken: Spoken | None = None

    @property
    def outcome(self) -> Spoken | None:
        """What became of it, None while that is open."""
        return self._spoken

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
    """A `Line` over instructions: one delivery at a time.

    Args:
        call: takes the instructions.
        tools: clock, voice, limits, and which kind of carrier it is.
        on_idle: a command carrier has spoken everything, and nobody will come and ask.
    """

    def __init__(self, call: CallControl, tools: CallTools, on_idle: Callable[[], None]) -> None:
        self._call = call
        self._tools = tools
        self._on_idle = on_idle
        self._limit = tools.settings.limits.queued_utterances
        self._by_command = not tools.steers_by_document
        self._waiting: deque[NativeJob] = deque()
        self._current: NativeJob | None = None
        self._idle = anyio.Event()
        self._idle.set()
        self._stopping = False
        self.turn: TurnToken | None = None
        self.listening = False

    @property
    def busy(self) -> bool:
        """Whether something is being spoken."""
        return self._current is not None

    @property
    def audible(self) -> bool:
        """Whether the caller may be hearing something that it could interrupt."""
        return self._by_command and self._current is not None

    # -- speaking

    def speak(self, speech: Speech) -> NativeJob:
        """Queue `speech`; it is delivered when what is spoken now has ended."""
        if len(self._waiting) >= self._limit:
            raise CapacityExceeded(
                f"{self._limit} utterances are queued on this call; wait until it has spoken"
            )
        job = NativeJob(speech, speech.turn or new_turn_token())
        self._waiting.append(job)
        if self._current is None:
            self._next()
        return job

    async def drained(self) -> None:
        """Wait until nothing is queued or being spoken."""
        await self._idle.wait()

    async def interrupt(self) -> None:
        """Fall silent; every job settles with what was heard."""
        self.hush()

    def hush(self) -> None:
        """Take back what has not left, stop what is being said, and settle every job."""
        if self._call.withdraw_speech():
            self.listening = False
            if self._current is not None:
                self._current.settle(heard="")
        elif self.busy:
            self._stop()
        self.settle_all()

    def settle_all(self) -> None:
        """The carrier is silent already: settle every job with what was heard by now."""
        if self._current is not None:
            self._over(self._heard_by_now(self._current))
        jobs, self._waiting = self._waiting, deque()
        self._idle.set()
        for job in jobs:
            job.settle(heard="")

    # -- what the carrier reports

    def spoken(self, token: TurnToken | None, *, complete: bool) -> None:
        """The carrier finished speaking `token`, or was cut."""
        stopped, self._stopping = self._stopping, False
        if stopped and not complete:
            return  # the word on what we stopped may bear the token of what we said since
        job = self._current
        if job is None or (token is not None and token != job.token):
            return
        self._over(job.speech.text if complete else self._heard_of_cut(job))
        self._next()

    def interrupted(self, turn: TurnToken | None) -> None:
        """The caller speaks, or presses keys: a command carrier is told to stop."""
        if self._cut(turn):
            self._next()

    def answered(self, turn: TurnToken | None) -> None:
        """The caller's answer to `turn` is here, so its prompt is over; `listened` goes on."""
        job = self._current
        if self._by_command:
            self._cut(turn)
        elif job is not None and turn in (None, job.token):
            self._over(job.speech.text)

    def listened(self, turn: TurnToken | None) -> None:
        """The carrier ceased to listen for `turn`; a document carrier has said what led to it."""
        if turn in (None, self.turn):
            self.listening = False
        if not self._by_command:
            self.answered(turn)
        if self._current is None and self._waiting:
            self._next()

    def keyed(self, turn: TurnToken) -> None:
        """Keys came in `turn`; a command carrier listens on."""
        if not self._by_command:
            self.listened(turn)

    def failed(self, reason: str) -> None:
        """The delivery of what should be spoken now failed."""
        self.listening = False
        if self._current is not None:
            self._over("", failed=reason)
            self._next()

    # -- listening

    def listen(self) -> Gather:
        """The instruction that listens for the next turn, or on for that of what is spoken now."""
        return self._gather(new_turn_token() if self._current is None else self._current.token)

    def unheard(self) -> None:
        """The carrier refused to listen."""
        self.listening = False

    def _gather(self, turn: TurnToken) -> Gather:
        self.turn, self.listening = turn, True
        return Gather(turn=turn, timeout_seconds=LISTEN_SECONDS, language=self._tools.language)

    # -- one after the other

    def _next(self) -> None:
        if not self._waiting:
            self._idle.set()
            if self._by_command:
                self._on_idle()
            return
        self._idle = anyio.Event() if self._idle.is_set() else self._idle
        job = self._current = self._waiting.popleft()
        job.begun_at = self._tools.clock.now()
        delivery: list[Instruction] = [self._say(job)]
        self.listening = False
        listens = self._listens_meanwhile(job)
        if listens:
            delivery.append(self._gather(job.token))
        self._call.post(Speaking(active=True))
        self._call.deliver(delivery)
        if self._by_command:
            self._call.spawn(self._watch, job, WATCH_MARGIN_SECONDS)
        elif listens and not job.speech.asks_for_key:
            self._call.spawn(self._watch, job, PROMPT_MARGIN_SECONDS)

    def _say(self, job: NativeJob) -> Say:
        speech = job.speech
        return Say(
            text=speech.text,
            voice=self._tools.voice,
            language=self._tools.language,
            turn=job.token,
            protected=speech.protected and not speech.asks_for_key,
        )

    def _listens_meanwhile(self, job: NativeJob) -> bool:
        if not job.speech.listen or self._waiting:
            return False
        return not (self._by_command and job.speech.protected)

    async def _watch(self, job: NativeJob, margin: float) -> None:
        """A carrier from which no word comes that it has spoken must not leave the call silent."""
        seconds = speaking_seconds(job.speech.text) * WATCH_FACTOR + margin
        await self._tools.clock.sleep(seconds)
        self.spoken(job.token, complete=True)

    def _cut(self, turn: TurnToken | None) -> bool:
        """Stop what is being said, if the caller may interrupt it and means this turn."""
        job = self._current
        if not self._by_command or job is None or job.speech.protected:
            return False
        if turn not in (None, self.turn):
            return False
        self._stop()
        self._over(self._heard_of_cut(job))
        return True

    def _stop(self) -> None:
        if self._by_command:
            self._stopping = True
            self._call.deliver([StopSpeaking()])

    def _over(self, heard: str, failed: str | None = None) -> None:
        job, self._current = self._current, None
        if job is not None:
            job.settle(heard=heard, failed=failed)
            self._call.post(Speaking(active=False))

    def _heard_by_now(self, job: NativeJob) -> str:
        return heard_within(job.speech.text, self._tools.clock.now() - job.begun_at)

    def _heard_of_cut(self, job: NativeJob) -> str:
        """The part that was heard of what was not said to its end."""
        heard = self._heard_by_now(job)
        if heard == job.speech.text:
            heard = " ".join(heard.split()[:-1])
        return heard
