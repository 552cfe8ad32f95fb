"""Which callbacks of ours stand in what a carrier is told while a call goes on?"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from urllib.parse import unquote_plus

from voicecall.sdk import Capability, Instruction, Say, TurnToken
from voicecall_conformance.instructions import GATHER, NEEDS, samples
from voicecall_conformance.rig import Rig
from voicecall_conformance.suites.reply import wanting

SAID = Say(text="Good evening.", turn=TurnToken("turn-8"))
WAYS = 3
"""How often an address may be wrapped: a URL in XML in a form, say."""


async def callbacks_on_the_way(rig: Rig) -> list[str]:
    """What the provider gives out while a call of ours is up: in documents and in commands."""
    requests, replies = len(rig.requests), len(rig.replies)
    for chosen in _deliveries(rig):
        if rig.spec.steers_by_document:
            rig.reply(wanting(rig), chosen)
        if chosen:
            await rig.command(rig.call(), *chosen)
    sent = [f"{each.query} ".encode() + each.body for each in rig.requests[requests:]]
    sent += [each.body for each in rig.replies[replies:]]
    return [url for body in sent for url in callbacks_in(body, rig.urls.base)]


def _deliveries(rig: Rig) -> Iterator[tuple[Instruction, ...]]:
    """What brings a carrier back to us, where the provider can tell it; nothing does too."""
    yield ()
    for each in (SAID, *samples(rig)):
        # Keys have a rule of their own: a carrier may lack a word for them in its documents.
        if NEEDS[type(each)] is not Capability.SEND_DIGITS and rig.declares(NEEDS[type(each)]):
            yield (each,)
    if rig.declares(Capability.NATIVE_SPEECH) and rig.declares(Capability.NATIVE_LISTENING):
        yield (SAID, GATHER)


def callbacks_in(body: bytes, base: str) -> list[str]:
    """The addresses in `body` that begin with `base`, however they are wrapped there."""
    text = body.decode("utf-8", "replace")
    for _ in range(WAYS):
        text = unquote_plus(html.unescape(text.replace("\\/", "/").replace("\\u0026", "&")))
    ends = re.compile(r"[^\s\"'<>\\]*")
    return [f"{base}{_start(ends, rest)}" for rest in text.split(base)[1:]]


def _start(ends: re.Pattern[str], text: str) -> str:
    found = ends.match(text)
    return found[0] if found else ""
