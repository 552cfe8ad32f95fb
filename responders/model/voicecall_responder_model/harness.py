"""How does anybody prove the responder? `voicecall conformance responder:model`, with a double."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace

import anyio

from voicecall.sdk import PressDigits, ResponderSpec, TransferCall
from voicecall_conformance import (
    ABSURDITY,
    ERRAND,
    FAREWELL,
    TURNS,
    UNHEARD_OF,
    ResponderHarness,
    Trouble,
    sentences,
)
from voicecall_responder_model.double.dialects import Fields, Said
from voicecall_responder_model.double.server import KEY, Scripted, VendorDouble, serving

PIECE_BYTES = 197
FIRST_SENTENCE = 2
"""Events until the first sentence was sent: who speaks, and the sentence."""
NUMBER = "+15550003333"
KNOWN = (*TURNS, ERRAND, ABSURDITY, FAREWELL)
TOOLS = {
    ERRAND: [("send_digits", '{"digits": "12#"}'), ("transfer_call", '{"to": "the workshop"}')],
    ABSURDITY: [(UNHEARD_OF, "{}")],
}
TROUBLES = {
    Trouble.CREDENTIALS: Scripted(status=401, fault={"code": "invalid_api_key", "message": KEY}),
    Trouble.RATE: Scripted(status=429, fault={"code": "rate_limit_exceeded", "message": KEY}),
    Trouble.REFUSED: Scripted(status=400, fault={"code": "invalid_value", "message": KEY}),
    Trouble.BROKEN: Scripted(status=503, fault={"type": "server_error", "message": KEY}),
    Trouble.LOST: Scripted(cut_after=0),
}


class Model(VendorDouble):
    """A model that knows the answer. Its trouble lasts for one turn, however often it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.trouble: Trouble | None = None
        self.troubled = ""
        self.stalls: int | None = None
        self.cuts: int | None = None

    def next_script(self, body: Fields) -> Scripted:
        """The reply to the last thing that the caller said."""
        said = [each["content"] for each in body["messages"] if each["role"] == "user"][-1]
        text = next(text for text in KNOWN if text in str(said))
        if self.trouble is not None and self.troubled in ("", text):
            self.troubled = text
            return TROUBLES[self.trouble]
        if text == FAREWELL:
            return Scripted(said=Said(tokens=("Goodbye, then.",), tools=[("end_call", "{}")]))
        if body["messages"][-1]["role"] == "tool":
            return Scripted(said=Said(tokens=("That cannot be done.",)))
        first, second = sentences(text)
        reply = Scripted(
            size=PIECE_BYTES, said=Said(tokens=(f"{first} ", second), tools=TOOLS.get(text, ()))
        )
        reply = replace(reply, stall_after=self.stalls, cut_after=self.cuts)
        self.stalls = self.cuts = None
        return reply


class ModelHarness(ResponderHarness):
    """OpenAI's chat completions on this machine."""

    name = "model"
    module = "voicecall_responder_model.plugin"
    models = ("openai/gpt-4o-mini",)
    troubles = frozenset(TROUBLES)
    errand = (PressDigits(digits="12#"), TransferCall(to=NUMBER))
    invents = True
    steers = True
    sees_drops = True
    double: Model

    @asynccontextmanager
    async def vendor(self) -> AsyncIterator[Mapping[str, object]]:
        """The double, and a section that leads to it."""
        self.double = Model()
        async with serving(self.double) as origin:
            server = {"apiKey": KEY, "baseUrl": f"{origin}/v1", "api": "chat"}
            yield {**server, "transfers": {"the workshop": NUMBER}}

    def fail(self, trouble: Trouble) -> None:
        """Refuse the next turn, or hang up."""
        self.double.trouble, self.double.troubled = trouble, ""

    def told(self) -> str:
        """The last request, as far as it is the conversation."""
        asked = self.double.asked
        return json.dumps(asked[-1]["messages"], ensure_ascii=False) if asked else ""

    def impatient(self) -> ResponderSpec:
        """The spec, for whoever waits a moment."""
        spec: ResponderSpec = self.spec()
        hasty = {"timeout_seconds": 0.3}
        return replace(
            spec,
            open=lambda config, context: spec.open(config.model_copy(update=hasty), context),
        )

    def stall(self) -> None:
        """Wait after the next first sentence."""
        double = self.double
        double.go_on, double.stalled, double.hung_up = (anyio.Event() for _ in range(3))
        double.stalls = FIRST_SENTENCE

    async def stalled(self) -> None:
        """Until it does."""
        await self.double.stalled.wait()

    def go_on(self) -> None:
        """Send the rest."""
        self.double.go_on.set()

    async def dropped(self) -> None:
        """Until the connection is closed from the other side."""
        await self.double.hung_up.wait()

    def cut(self) -> None:
        """Hang up after the next first sentence."""
        self.double.cuts = FIRST_SENTENCE
