"""Which faults does a responder have?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import anyio

from voicecall.sdk import (
    CallError,
    EndCall,
    EndedCall,
    PluginContext,
    ReplyPart,
    ReplySink,
    ReplyText,
    Responder,
    ResponderError,
    Speaker,
    TranscriptLine,
    Turn,
)
from voicecall_conformance.speech.harness import PluginHarness
from voicecall_conformance.speech.mutants import Mutant, infect, package_mutants
from voicecall_conformance.speech.responder.harness import ABSURDITY, UNHEARD_OF, ResponderHarness

__all__ = ["MUTANTS", "infect"]


class ResponderMutant(Mutant, Responder):
    """A responder that answers as the one inside."""

    def __init__(self, inner: Responder, context: PluginContext) -> None:
        self.inner = inner
        self.context = context

    @classmethod
    def wrap(cls, inner: Any, context: PluginContext) -> Any:
        return cls(inner, context)

    async def respond(self, turn: Turn, out: ReplySink) -> None:
        await self.inner.respond(turn, out)

    async def call_ended(self, call: EndedCall) -> None:
        await self.inner.call_ended(call)


class Sink:
    """Before the true one; counts what came, and writes something else."""

    def __init__(self, mutant: Meddling, out: ReplySink) -> None:
        self.mutant, self.out, self.came = mutant, out, 0

    async def write(self, part: ReplyPart) -> None:
        self.came += 1
        for each in self.mutant.instead(part):
            await self.out.write(each)


class Meddling(ResponderMutant):
    """Changes replies on their way."""

    def instead(self, part: ReplyPart) -> Iterator[ReplyPart]:
        """What is written for `part`."""
        yield part

    async def respond(self, turn: Turn, out: ReplySink) -> None:
        await self.inner.respond(turn, Sink(self, out))


class AddsAQuestion(ResponderMutant):
    """Says something of its own from the third turn on."""

    breaks = "responder.answers"

    async def respond(self, turn: Turn, out: ReplySink) -> None:
        await self.inner.respond(turn, out)
        if turn.number > 2:
            await out.write(ReplyText(text=" Anything else?"))


class WaitsForTheEnd(ResponderMutant):
    """Passes the reply on when it has all of it."""

    breaks = "responder.streams"

    class Kept:
        """Keeps it."""

        def __init__(self) -> None:
            self.parts: list[ReplyPart] = []

        async def write(self, part: ReplyPart) -> None:
            self.parts.append(part)

    async def respond(self, turn: Turn, out: ReplySink) -> None:
        kept = self.Kept()
        try:
            await self.inner.respond(turn, kept)
        finally:
            for part in kept.parts:
                await out.write(part)


class Crowds(ResponderMutant):
    """Writes the next words while the last ones are still being taken."""

    breaks = "responder.patient"

    class Twice:
        """Writes two parts at once."""

        def __init__(self, out: ReplySink) -> None:
            self.out = out

        async def write(self, part: ReplyPart) -> None:
            if not isinstance(part, ReplyText):
                await self.out.write(part)
                return
            half = len(part.text) // 2
            async with anyio.create_task_group() as tasks:
                for text in (part.text[:half], part.text[half:]):
                    tasks.start_soon(self.out.write, ReplyText(text=text))

    async def respond(self, turn: Turn, out: ReplySink) -> None:
        await self.inner.respond(turn, self.Twice(out))


class HangsUpFirst(Meddling):
    """Hangs up, and takes its leave then."""

    breaks = "responder.ends"

    def instead(self, part: ReplyPart) -> Iterator[ReplyPart]:
        yield part
        if isinstance(part, EndCall):
            yield ReplyText(text="Goodbye.")


class ActsInAnyOrder(ResponderMutant):
    """Does last things first."""

    breaks = "responder.wishes"

    class Upside:
        """Turns wishes round."""

        def __init__(self, out: ReplySink) -> None:
            self.out = out
            self.wishes: list[ReplyPart] = []

        async def write(self, part: ReplyPart) -> None:
            if isinstance(part, ReplyText):
                await self.out.write(part)
            else:
                self.wishes.insert(0, part)

    async def respond(self, turn: Turn, out: ReplySink) -> None:
        upside = self.Upside(out)
        await self.inner.respond(turn, upside)
        for wish in upside.wishes:
            await out.write(wish)


class TakesOffence(ResponderMutant):
    """Does not speak any more once a wish was refused."""

    breaks = "responder.refusals"
    offended = False

    class Touchy:
        """Takes notice of a refusal."""

        def __init__(self, mutant: TakesOffence, out: ReplySink) -> None:
            self.mutant, self.out = mutant, out

        async def write(self, part: ReplyPart) -> None:
            try:
                await self.out.write(part)
            except CallError:
                self.mutant.offended = True
                raise

    async def respond(self, turn: Turn, out: ReplySink) -> None:
        if self.offended:
            raise ResponderError("it does not talk to us")
        await self.inner.respond(turn, self.Touchy(self, out))


class SaysWishesAloud(ResponderMutant):
    """Reads out what it does not understand."""

    breaks = "responder.unknown"

    async def respond(self, turn: Turn, out: ReplySink) -> None:
        try:
            await self.inner.respond(turn, out)
        finally:
            if turn.text == ABSURDITY:
                await out.write(ReplyText(text=f" {UNHEARD_OF}"))


class ForgetsTheCall(ResponderMutant):
    """Begins every turn anew."""

    breaks = "responder.heard"

    async def respond(self, turn: Turn, out: ReplySink) -> None:
        await self.inner.respond(replace(turn, history=()), out)


class BelievesItWasHeard(ResponderMutant):
    """Goes by what it meant to say."""

    breaks = "responder.heard"

    async def respond(self, turn: Turn, out: ReplySink) -> None:
        meant = tuple(replace(line, heard=None) for line in turn.history)
        await self.inner.respond(replace(turn, history=meant), out)


class TellsEverybody(ResponderMutant):
    """Knows every caller, and talks about them."""

    breaks = "responder.sessions"

    def __init__(self, inner: Responder, context: PluginContext) -> None:
        super().__init__(inner, context)
        self.heard: list[TranscriptLine] = []

    async def respond(self, turn: Turn, out: ReplySink) -> None:
        others = [line for line in self.heard if line not in turn.history]
        for who, words in ((Speaker.USER, turn.text), (Speaker.BOT, "Aha.")):
            self.heard.append(TranscriptLine(timestamp=0, speaker=who, text=words))
        await self.inner.respond(replace(turn, history=(*others, *turn.history)), out)


class ChokesOnHalfALetter(ResponderMutant):
    """Takes it for granted that what was said can be encoded."""

    breaks = "responder.text"

    async def respond(self, turn: Turn, out: ReplySink) -> None:
        turn.text.encode()
        await self.inner.respond(turn, out)


class CannotStop(ResponderMutant):
    """Finishes what it began."""

    breaks = "responder.cancel"

    async def respond(self, turn: Turn, out: ReplySink) -> None:
        with anyio.CancelScope(shield=True):
            await self.inner.respond(turn, out)


class Muddles(ResponderMutant):
    """Answers whoever asked last."""

    breaks = "responder.unmixed"
    out: ReplySink

    async def write(self, part: ReplyPart) -> None:
        """As a sink: to the last caller."""
        await self.out.write(part)

    async def respond(self, turn: Turn, out: ReplySink) -> None:
        self.out = out
        await anyio.sleep(0)
        await self.inner.respond(turn, self)


class LeaksErrors(ResponderMutant):
    """Raises what comes from below, whatever it is."""

    breaks = "responder.errors"

    @classmethod
    def fits(cls, genuine: PluginHarness) -> bool:
        return bool(genuine.troubles)

    async def respond(self, turn: Turn, out: ReplySink) -> None:
        try:
            await self.inner.respond(turn, out)
        except ResponderError as error:
            raise OSError("it went wrong") from error


class EndsQuietly(Meddling):
    """Takes a reply that broke off for a whole one."""

    breaks = "responder.cut"

    async def respond(self, turn: Turn, out: ReplySink) -> None:
        sink = Sink(self, out)
        try:
            await self.inner.respond(turn, sink)
        except ResponderError:
            if not sink.came:
                raise


class WaitsForEver(ResponderMutant):
    """Passes over what it is told about waiting."""

    breaks = "responder.waits"

    @classmethod
    def fits(cls, genuine: PluginHarness) -> bool:
        return isinstance(genuine, ResponderHarness) and genuine.impatient() is not None

    @classmethod
    def attributes(cls, genuine: type[PluginHarness]) -> dict[str, Any]:
        return {"impatient": genuine.spec}


class MissesTheBeginning(ResponderMutant):
    """Cannot bear the end of a call that it never spoke in."""

    breaks = "responder.over"

    def __init__(self, inner: Responder, context: PluginContext) -> None:
        super().__init__(inner, context)
        self.calls: set[str] = set()

    async def respond(self, turn: Turn, out: ReplySink) -> None:
        self.calls.add(turn.call_id)
        await self.inner.respond(turn, out)

    async def call_ended(self, call: EndedCall) -> None:
        await self.inner.call_ended(call)
        self.calls.remove(call.call_id)


class LogsTheTurn(ResponderMutant):
    """Notes what it hears."""

    breaks = "responder.silent"

    async def respond(self, turn: Turn, out: ReplySink) -> None:
        self.context.logger.debug("answering %r", turn.text)
        await self.inner.respond(turn, out)


class QuotesTheTurn(ResponderMutant):
    """Blames what was said."""

    breaks = "responder.silent"

    @classmethod
    def fits(cls, genuine: PluginHarness) -> bool:
        return bool(genuine.troubles)

    async def respond(self, turn: Turn, out: ReplySink) -> None:
        try:
            await self.inner.respond(turn, out)
        except ResponderError as error:
            raise ResponderError(f"no reply to {turn.text!r}") from error


MUTANTS: tuple[type[Mutant], ...] = (
    AddsAQuestion,
    WaitsForTheEnd,
    Crowds,
    HangsUpFirst,
    ActsInAnyOrder,
    TakesOffence,
    SaysWishesAloud,
    ForgetsTheCall,
    BelievesItWasHeard,
    TellsEverybody,
    ChokesOnHalfALetter,
    CannotStop,
    Muddles,
    LeaksErrors,
    EndsQuietly,
    WaitsForEver,
    MissesTheBeginning,
    LogsTheTurn,
    QuotesTheTurn,
    *package_mutants("responder"),
)
