"""How does the network carry out instructions? One document at a time; a newer one replaces it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

import anyio
import httpx
from anyio.abc import TaskGroup

from voicecall.sdk import (
    Answer,
    Clock,
    EndCause,
    EndedBy,
    Gather,
    HangUp,
    Instruction,
    OpenStream,
    Pause,
    Play,
    Reject,
    Say,
    SendDigits,
    SpeechError,
    StopSpeaking,
    Transfer,
    VoicecallError,
)
from voicecall_mock.config import Backend
from voicecall_mock.network.gathering import Gathering
from voicecall_mock.network.journal import Journal
from voicecall_mock.network.line import PhoneLine
from voicecall_mock.network.socket import StreamFailed
from voicecall_mock.network.sound import read_wav
from voicecall_mock.network.stream import GatewayStream
from voicecall_mock.network.studio import Studio

DIGIT_SECONDS = {"w": 0.5, "W": 1.0}
KEY_SECONDS = 0.1


class Leg(Protocol):
    """The call that instructions are for."""

    @property
    def id(self) -> str:
        """The network's id of the call."""
        ...

    @property
    def phone_is_speaking(self) -> bool:
        """Whether the person speaks now."""
        ...

    def report(self, kind: str, **fields: object) -> None:
        """Tell the gateway."""
        ...

    def ask(self, kind: str, **fields: object) -> None:
        """Tell the gateway, and carry out what it answers."""
        ...

    def end(self, cause: EndCause, ended_by: EndedBy, detail: str | None = None) -> None:
        """End the call."""
        ...

    def transfer(self, to: str) -> None:
        """Hand the call to somebody else."""
        ...


class Performer:
    """Carries out instructions on an answered call.

    Args:
        leg: the call.
        client: fetches what `Play` names.
        voice: what `Say` is spoken with.
    """

    def __init__(
        self,
        leg: Leg,
        *,
        line: PhoneLine,
        journal: Journal,
        studio: Studio,
        clock: Clock,
        client: httpx.AsyncClient,
        voice: Backend,
        logger: logging.Logger,
    ) -> None:
        self.generation = 0
        self.stream: GatewayStream | None = None
        self.gathering: Gathering | None = None
        self._leg = leg
        self._line = line
        self._journal = journal
        self._studio = studio
        self._clock = clock
        self._client = client
        self._voice = voice
        self._logger = logger
        self._scope = anyio.CancelScope()

    def replace(self, instructions: Sequence[Instruction], tasks: TaskGroup) -> None:
        """Stop what is being done and do `instructions`; digits alone are sent beside it."""
        if instructions and all(isinstance(each, SendDigits) for each in instructions):
            tasks.start_soon(self._send_all, instructions)
            return
        self.generation += 1
        self._scope.cancel()
        self._scope = anyio.CancelScope()
        tasks.start_soon(self._perform, tuple(instructions), self._scope)

    async def send_digits(self, digits: str) -> None:
        """Send DTMF to the phone; ``w`` and ``W`` wait."""
        self._journal.add("us", "digits", digits)
        for digit in digits:
            await self._clock.sleep(DIGIT_SECONDS.get(digit, KEY_SECONDS))

    async def _send_all(self, instructions: Sequence[Instruction]) -> None:
        for each in instructions:
            if isinstance(each, SendDigits):
                await self.send_digits(each.digits)

    async def _perform(
        self, instructions: tuple[Instruction, ...], scope: anyio.CancelScope
    ) -> None:
        with scope:
            for number, instruction in enumerate(instructions, start=1):
                rest = instructions[number:]
                if await self._one(instruction, rest):
                    return
            if any(not isinstance(each, Answer) for each in instructions):
                self._leg.ask("instructions.wanted")

    async def _one(self, instruction: Instruction, rest: tuple[Instruction, ...]) -> bool:
        """Do one instruction; True when the document is over with it."""
        match instruction:
            case Say(protected=False) if rest and isinstance(rest[0], Gather):
                await self._prompt(instruction, rest[0])
                return True
            case Say():
                return await self._say(instruction, last=not rest)
            case Gather():
                await self._gather(instruction, self._gathered())
                return True
            case OpenStream(url=url):
                await self._open_stream(url)
            case Play(url=url):
                await self._play(url)
            case Pause(seconds=seconds):
                await self._clock.sleep(seconds)
            case SendDigits(digits=digits):
                await self.send_digits(digits)
            case HangUp():
                self._leg.end(EndCause.COMPLETED, EndedBy.API)
                return True
            case Transfer(to=to):
                self._leg.transfer(to)
                return True
            case Answer() | Reject() | StopSpeaking():
                return False
        return False

    async def _say(self, say: Say, *, last: bool) -> bool:
        """Speak, and report the end; True when the gateway was asked for more."""
        complete = False
        try:
            complete = await self._spoken(say.text)
        finally:
            if not (complete and last):
                self._leg.report("speech.ended", turn=say.turn, complete=complete)
        if complete and last:
            self._leg.ask("speech.ended", turn=say.turn, complete=True)
        return complete and last

    async def _spoken(self, text: str) -> bool:
        try:
            audio = await self._studio.speak(self._voice, text)
        except VoicecallError as error:
            self._logger.error("the network has no voice", extra={"error": error.message})
            self._journal.add("us", "note", f"could not speak: {error.message}")
            return False
        await self._line.to_phone.play_through(audio)
        return True

    async def _prompt(self, say: Say, gather: Gather) -> None:
        """Speak and listen at once; the person may answer before the end."""
        gathered = self._gathered()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._stop_when_started, gathered, tasks.cancel_scope)
            await self._say(say, last=False)
            tasks.cancel_scope.cancel()
        await self._gather(gather, gathered)

    async def _stop_when_started(self, gathered: Gathering, scope: anyio.CancelScope) -> None:
        await gathered.started.wait()
        scope.cancel()

    def _gathered(self) -> Gathering:
        self.gathering = Gathering(self._clock)
        if self._leg.phone_is_speaking:
            self.gathering.speaks()
        return self.gathering

    async def _gather(self, gather: Gather, gathered: Gathering) -> None:
        try:
            await gathered.collect(gather.timeout_seconds)
        finally:
            if self.gathering is gathered:
                self.gathering = None
        if gathered.digits:
            self._leg.ask("digits", digits=gathered.digits, turn=gather.turn)
        elif gathered.text is not None:
            self._leg.ask("speech.heard", text=gathered.text, turn=gather.turn, confidence=1.0)
        else:
            self._leg.ask("gather.timeout", turn=gather.turn)

    async def _open_stream(self, url: str) -> None:
        stream = self.stream = GatewayStream(call_id=self._leg.id, line=self._line)
        failure: str | None = None
        try:
            await stream.run(url, lambda: self._leg.report("stream.started"))
        except StreamFailed as error:
            failure = str(error)
        finally:
            kind = "stream.stopped" if failure is None else "stream.failed"
            self._leg.report(kind, detail=failure)
            if self.stream is stream:
                self.stream = None

    async def _play(self, url: str) -> None:
        try:
            await self._line.to_phone.play_through(read_wav(await self._fetch(url)))
        except (SpeechError, OSError, httpx.HTTPError) as error:
            self._logger.warning("the network cannot play a file", extra={"error": str(error)})
            self._journal.add("us", "note", "could not play a file")

    async def _fetch(self, url: str) -> bytes:
        parts = urlsplit(url)
        if parts.scheme == "file":
            return await anyio.Path(Path(unquote(parts.path))).read_bytes()
        response = await self._client.get(url)
        response.raise_for_status()
        return response.content
