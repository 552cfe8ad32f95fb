"""How does anybody prove the responder? `voicecall conformance responder:http`, with a service."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace

from voicecall.sdk import PressDigits, ResponderSpec, TransferCall
from voicecall_conformance import (
    ABSURDITY,
    ERRAND,
    FAREWELL,
    TURNS,
    UNHEARD_OF,
    ResponderHarness,
    RestAnswer,
    RestRequest,
    Streamed,
    StreamingVendor,
    Trouble,
    sentences,
)

WISHES: Mapping[str, Mapping[str, object]] = {
    ERRAND: {"press": "12#", "transferTo": "+15550003333"},
    ABSURDITY: {UNHEARD_OF: True},
}
TOKEN = "the-token-of-the-service"
LINES = "application/x-ndjson"
REFUSALS = {
    Trouble.CREDENTIALS: RestAnswer(status=401),
    Trouble.RATE: RestAnswer(status=429),
    Trouble.BROKEN: RestAnswer(status=503),
    Trouble.REFUSED: RestAnswer(
        body=f"{TURNS[1]}? No, {TOKEN}!\n".encode(), headers={"content-type": LINES}
    ),
}


class HttpHarness(ResponderHarness):
    """A web service that answers in lines, one a sentence."""

    name = "http"
    module = "voicecall_responder_http.plugin"
    troubles = frozenset({*REFUSALS, Trouble.LOST})
    errand = (PressDigits(digits="12#"), TransferCall(to="+15550003333"))
    invents = True
    steers = True
    sees_drops = True

    def __init__(self) -> None:
        self._service = StreamingVendor(self._answer)
        self._told = ""

    @asynccontextmanager
    async def vendor(self) -> AsyncIterator[Mapping[str, object]]:
        """The service."""
        async with self._service.serving() as url:
            yield {"url": f"{url}/turns", "token": TOKEN}

    def _answer(self, request: RestRequest) -> Streamed:
        turn = json.loads(request.body)
        self._told = json.dumps(turn, ensure_ascii=False)
        return Streamed(pieces=_lines(turn["text"]), kind=LINES)

    def fail(self, trouble: Trouble) -> None:
        """Refuse, or hang up, once."""
        self._service.fail(REFUSALS.get(trouble))

    def told(self) -> str:
        """The last request."""
        return self._told

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
        self._service.stall()

    async def stalled(self) -> None:
        """Until it does."""
        await self._service.stalled()

    def go_on(self) -> None:
        """Send the rest."""
        self._service.go_on()

    async def dropped(self) -> None:
        """Until the connection is closed from the other side."""
        await self._service.dropped()

    def cut(self) -> None:
        """Hang up after the next first sentence."""
        self._service.cut()


def _lines(text: str) -> list[bytes]:
    if text == FAREWELL:
        return [_line(say="Goodbye, then.", end=True)]
    first, second = sentences(text)
    return [_line(say=f"{first} ", more=True), _line(say=second, **WISHES.get(text, {}))]


def _line(**fields: object) -> bytes:
    return json.dumps(fields).encode() + b"\n"
