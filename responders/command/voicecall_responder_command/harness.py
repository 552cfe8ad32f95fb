"""How does anybody prove the responder? `voicecall conformance responder:command`."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio

from voicecall.sdk import PressDigits, TransferCall
from voicecall_conformance import (
    ABSURDITY,
    ERRAND,
    FAREWELL,
    UNHEARD_OF,
    ResponderHarness,
    Trouble,
    sentences,
)

LOOK_SECONDS = 0.01
WISHES = {
    ERRAND: {"press": "12#", "transferTo": "+15550003333"},
    ABSURDITY: {UNHEARD_OF: True},
}
PROGRAM = """
import json, os, sys, time
folder, wishes, farewell, first, second = sys.argv[1:]
wishes = json.loads(wishes)

def told(wish):
    try:
        os.unlink(os.path.join(folder, wish))
    except FileNotFoundError:
        return False
    return True

def say(**fields):
    print(json.dumps(fields), flush=True)

for line in sys.stdin:
    with open(os.path.join(folder, "told"), "w") as told_file:
        told_file.write(line)
    text = json.loads(line)["text"]
    if told("broken"):
        sys.exit(3)
    if told("refused"):
        print("I would rather not", flush=True)
        continue
    if text == farewell:
        say(say="Goodbye, then.", end=True)
        continue
    say(say=first.replace("TEXT", text) + " ", more=True)
    if told("cut"):
        sys.exit(0)
    if told("stall"):
        open(os.path.join(folder, "stalled"), "w").close()
        while not told("go-on"):
            time.sleep(0.01)
    say(say=second.replace("TEXT", text), **wishes.get(text, {}))
"""


class CommandHarness(ResponderHarness):
    """A program that is steered by files."""

    name = "command"
    module = "voicecall_responder_command.plugin"
    troubles = frozenset({Trouble.BROKEN, Trouble.REFUSED})
    errand = (PressDigits(digits="12#"), TransferCall(to="+15550003333"))
    invents = True
    steers = True
    folder: Path

    @asynccontextmanager
    async def vendor(self) -> AsyncIterator[Mapping[str, object]]:
        """The program."""
        with TemporaryDirectory() as folder:
            self.folder = Path(folder)
            texts = (json.dumps(WISHES), FAREWELL, *sentences("TEXT"))
            argv = [sys.executable, "-c", PROGRAM, folder, *texts]
            yield {"argv": argv, "env": {"TOKEN": "the-token-of-the-program"}}

    def fail(self, trouble: Trouble) -> None:
        """End, or write what is no reply."""
        self._wish(trouble)

    def told(self) -> str:
        """The last line that it read."""
        told = self.folder / "told"
        return told.read_text(encoding="utf-8") if told.exists() else ""

    def stall(self) -> None:
        """Wait after the next first sentence."""
        for left in ("stalled", "go-on"):
            (self.folder / left).unlink(missing_ok=True)
        self._wish("stall")

    async def stalled(self) -> None:
        """Until it does."""
        while not (self.folder / "stalled").exists():
            await anyio.sleep(LOOK_SECONDS)

    def go_on(self) -> None:
        """Write the rest."""
        self._wish("go-on")

    def cut(self) -> None:
        """End after the next first sentence."""
        self._wish("cut")

    def _wish(self, what: str) -> None:
        (self.folder / what).touch()
