"""How does anybody prove the responder? `voicecall conformance responder:scripted`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from voicecall.sdk import PressDigits, TransferCall
from voicecall_conformance import ERRAND, FAREWELL, TURNS, ResponderHarness, sentences

KEYS, NUMBER = "12#", "+15550003333"


class ScriptedHarness(ResponderHarness):
    """A script that has an answer to whatever is asked."""

    name = "scripted"
    module = "voicecall_responder_scripted.plugin"
    errand = (PressDigits(digits=KEYS), TransferCall(to=NUMBER))

    @asynccontextmanager
    async def vendor(self) -> AsyncIterator[Mapping[str, object]]:
        """The script."""
        lines: list[Mapping[str, object]] = [
            {"match": text, "say": " ".join(sentences(text))} for text in TURNS
        ]
        errand = {
            "match": ERRAND,
            "say": " ".join(sentences(ERRAND)),
            "press": KEYS,
            "transferTo": NUMBER,
        }
        farewell = {"match": FAREWELL, "say": "Goodbye, then.", "end": True}
        yield {"lines": [*lines, errand, farewell], "afterwards": "repeat"}
