"""How does a rule talk to a responder? As several callers, who can take their time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from voicecall.sdk import (
    CallId,
    CallMode,
    CallState,
    Direction,
    EndedCall,
    PolicyRefused,
    ReplyPart,
    ReplyText,
    ResponderContext,
    ResponderError,
    Speaker,
    TranscriptLine,
    Turn,
)
from voicecall_conformance.rules import equal
from voicecall_conformance.speech.noting import Noting
from voicecall_conformance.speech.responder.harness import TURNS, ResponderHarness
from voicecall_conformance.speech.rig import PluginRig, open_rig

CALLER = "+15550002222"


class Caller(Noting[ReplyPart]):
    """A `ReplySink`. `forbids`: it refuses whatever is not text, as policy may."""

    def __init__(self, room: int | None = None, *, forbids: bool = False) -> None:
        super().__init__(room)
        self._forbids = forbids

    async def write(self, part: ReplyPart) -> None:
        """Take notice, or refuse."""
        await super().write(part)
        if self._forbids and not isinstance(part, ReplyText):
            raise PolicyRefused("not today", reason="policy.destination")

    @property
    def words(self) -> list[str]:
        """What was said, as words."""
        return "".join(part.text for part in self.parts if isinstance(part, ReplyText)).split()

    @property
    def actions(self) -> list[ReplyPart]:
        """What was wished besides."""
        return [part for part in self.parts if not isinstance(part, ReplyText)]


class ResponderRig(PluginRig):
    """One open responder and its callers."""

    harness: ResponderHarness
    context: ResponderContext

    def __init__(self, harness: ResponderHarness) -> None:
        super().__init__(harness)
        self.history: dict[str, list[TranscriptLine]] = {}
        self.sessions: dict[str, str] = {}
        """By call; every other call is a session of its own."""

    def turn(self, text: str, call: str) -> Turn:
        """The next turn of `call`."""
        history = self.history.setdefault(call, [])
        return Turn(
            call_id=CallId(call),
            number=1 + len(history) // 2,
            text=text,
            direction=Direction.INBOUND,
            mode=CallMode.CONVERSATION,
            from_number=CALLER,
            to_number="+15550001111",
            history=tuple(history),
            session_key=self.sessions.get(call, f"session-{call}"),
            model=next(iter(self.harness.models), None),
        )

    async def ask(self, text: str, caller: Caller | None = None, *, call: str = "one") -> Caller:
        """Have a turn answered, to the reply's end."""
        caller = Caller() if caller is None else caller
        turn = self.turn(text, call)
        try:
            await self.live.respond(turn, caller)
        finally:
            self.wire.append(f"turn    {call} {text!r}\n  {caller.parts!r}")
        said = " ".join(caller.words)
        for who, words in ((Speaker.USER, text), (Speaker.BOT, said)):
            self.history[call].append(TranscriptLine(timestamp=0, speaker=who, text=words))
        return caller

    def cut(self, call: str, heard: str) -> None:
        """The caller spoke when no more than `heard` was heard of our last reply."""
        history = self.history[call]
        history[-1] = replace(history[-1], heard=heard)

    def ended(self, call: str) -> EndedCall:
        """`call`, which is over."""
        return EndedCall(
            call_id=CallId(call),
            direction=Direction.INBOUND,
            mode=CallMode.CONVERSATION,
            state=CallState.COMPLETED,
            history=tuple(self.history.get(call, ())),
            session_key=self.sessions.get(call, f"session-{call}"),
        )

    async def works(self, live: Any) -> None:
        """Have another one answer."""
        caller = Caller()
        await live.respond(self.turn(TURNS[0], "another"), caller)
        self.own("the reply", caller, TURNS[0])

    def own(self, what: str, caller: Caller, text: str) -> None:
        """`caller` must have heard the reply to `text`, and no more."""
        equal(what, caller.words, self.harness.reply(text).split())
        equal(f"{what}: wishes", caller.actions, [])

    async def failing(self, what: str, caller: Caller, *, call: str = "one") -> ResponderError:
        """Ask; the error, which there must be."""
        asked = partial(self.ask, TURNS[1], caller, call=call)
        return await self.raises(ResponderError, what, asked)


@asynccontextmanager
async def responder_rig(harness: ResponderHarness) -> AsyncIterator[ResponderRig]:
    """`harness`'s responder, open."""
    rig = ResponderRig(harness)
    async with open_rig(rig):
        yield rig
