"""What a test lends to the responder, what it asks, and where the reply goes."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from voicecall.sdk import (
    CallId,
    CallMode,
    Direction,
    HttpResponse,
    PolicyRefused,
    ReplyPart,
    ReplyText,
    Responder,
    ResponderContext,
    Speaker,
    SystemClock,
    TranscriptLine,
    TransferCall,
    Turn,
)
from voicecall_responder_model.config import ModelConfig
from voicecall_responder_model.double.server import KEY, Scripted, VendorDouble, vendor_double
from voicecall_responder_model.plugin import voicecall_responders

PATIENCE = 30
NAMES = {
    "chat": "openai/gpt-4o-mini",
    "responses": "openai/gpt-5.6-luna",
    "messages": "anthropic/claude-haiku-4-5",
}
BOB = "+15550002222"


class NoHttp:
    async def request(self, *args: object, **kwargs: object) -> HttpResponse:
        raise AssertionError("the responder has connections of its own")


class Reply:
    """Keeps the parts and says when the first one came; `denied` numbers are refused."""

    def __init__(self, *denied: str) -> None:
        self.parts: list[ReplyPart] = []
        self.begun = anyio.Event()
        self.denied = denied

    async def write(self, part: ReplyPart) -> None:
        if isinstance(part, TransferCall) and part.to in self.denied:
            raise PolicyRefused("+1900•••0123 is not called", reason="policy.destination")
        self.parts.append(part)
        self.begun.set()

    @property
    def text(self) -> str:
        return "".join(part.text for part in self.parts if isinstance(part, ReplyText)).strip()

    @property
    def actions(self) -> list[ReplyPart]:
        return [part for part in self.parts if not isinstance(part, ReplyText)]


class Bench:
    """A responder at work: `double` is the vendor, `ask` has a turn answered."""

    def __init__(self, double: VendorDouble, responder: Responder, model: str) -> None:
        self.double = double
        self.responder = responder
        self.model = model

    def turn(self, text: str = "hello", **values: Any) -> Turn:
        return make_turn(text, **{"model": self.model, **values})

    async def ask(self, text: str = "hello", *denied: str, **values: Any) -> Reply:
        reply = Reply(*denied)
        try:
            await self.responder.respond(self.turn(text, **values), reply)
        finally:
            assert self.double.refused == []
        return reply


def make_turn(text: str = "hello", **values: Any) -> Turn:
    fields: dict[str, Any] = {
        "call_id": CallId("one"),
        "number": 1,
        "text": text,
        "direction": Direction.INBOUND,
        "mode": CallMode.CONVERSATION,
        "from_number": BOB,
        "to_number": "+15550001111",
        "history": (),
        "session_key": BOB,
        "model": NAMES["chat"],
    }
    return Turn(**fields | values)


def make_lines(*lines: tuple[str, str] | tuple[str, str, str]) -> tuple[TranscriptLine, ...]:
    """Lines as (speaker, text) or (speaker, text, what was heard of it)."""
    return tuple(
        TranscriptLine(timestamp=0, speaker=Speaker(who), text=text, heard=cut[0] if cut else None)
        for who, text, *cut in lines
    )


Opened = Callable[..., AbstractAsyncContextManager[Bench]]


@asynccontextmanager
async def open_bench(
    *script: Scripted, api: str = "chat", state_dir: Path, **options: Any
) -> AsyncIterator[Bench]:
    (spec,) = voicecall_responders()
    name = NAMES[api]
    context = ResponderContext(
        http=NoHttp(),
        clock=SystemClock(),
        logger=logging.getLogger("voicecall.plugin.model"),
        state_dir=state_dir,
        models=(name,),
    )
    with anyio.fail_after(PATIENCE):
        async with vendor_double(*script) as (double, origin):
            base = origin if api == "messages" else f"{origin}/v1"
            section = {"apiKey": KEY, "baseUrl": base, **options}
            if api != "messages":
                section["api"] = api
            config = ModelConfig.model_validate(section)
            async with spec.open(config, context) as responder:
                yield Bench(double, responder, name)


@pytest.fixture
def opened(tmp_path: Path) -> Opened:
    """Opens the responder as the gateway does: ``opened(script, api="chat", ...)``."""

    def opening(*script: Scripted, **options: Any) -> AbstractAsyncContextManager[Bench]:
        return open_bench(*script, **{"state_dir": tmp_path, **options})

    return opening


@pytest.fixture(scope="session")
def lines() -> Callable[..., tuple[TranscriptLine, ...]]:
    """Makes transcripts."""
    return make_lines


@pytest.fixture(scope="session")
def turn_of() -> Callable[..., Turn]:
    """Makes turns: ``turn_of("hello", history=...)``."""
    return make_turn
