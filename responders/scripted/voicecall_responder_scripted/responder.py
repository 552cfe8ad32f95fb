"""How does a script answer a turn? With what its line says, then with what it does."""

from __future__ import annotations

from collections.abc import Iterator

from voicecall.sdk import (
    EndCall,
    PressDigits,
    ReplyPart,
    ReplySink,
    ReplyText,
    Responder,
    TransferCall,
    Turn,
)
from voicecall_responder_scripted.config import ScriptedConfig, ScriptLine
from voicecall_responder_scripted.script import Script

MOST_CALLS = 1000
"""Calls whose place in the script is remembered."""


class ScriptedResponder(Responder):
    """Follows one script in every call, each call at its own pace.

    Args:
        config: the script.
    """

    def __init__(self, config: ScriptedConfig) -> None:
        self._script = Script(
            config.lines, repeat=config.afterwards == "repeat", most_calls=MOST_CALLS
        )
        self._end_afterwards = config.afterwards == "end"

    async def respond(self, turn: Turn, out: ReplySink) -> None:
        """Push the next line; nothing when none is left that fits."""
        line = self._script.next(turn.call_id, turn.text)
        if line is not None:
            for part in _parts(line):
                await out.write(part)
        elif self._end_afterwards:
            await out.write(EndCall())


def _parts(line: ScriptLine) -> Iterator[ReplyPart]:
    if line.say.strip():
        yield ReplyText(text=line.say)
    if line.press:
        yield PressDigits(digits=line.press)
    if line.transfer_to:
        yield TransferCall(to=line.transfer_to)
    if line.end:
        yield EndCall()
