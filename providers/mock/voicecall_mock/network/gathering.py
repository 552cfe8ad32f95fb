"""What does the person answer to a prompt? Speech, or keys, or nothing in time."""

from __future__ import annotations

import anyio

from voicecall.sdk import Clock

END_OF_SPEECH_SECONDS = 0.5
NEXT_KEY_SECONDS = 1.5
LAST_KEY = "#"


class Gathering:
    """Collects one answer. The simulated recognition hears exactly what was said."""

    def __init__(self, clock: Clock) -> None:
        self.started = anyio.Event()
        self.text: str | None = None
        self.digits = ""
        self._clock = clock
        self._said = anyio.Event()
        self._key = anyio.Event()

    def speaks(self) -> None:
        """The person begins to speak."""
        self.started.set()

    def said(self, text: str) -> None:
        """The person has said `text`."""
        self.text = text
        self._said.set()

    def pressed(self, digit: str) -> None:
        """The person pressed a key."""
        self.digits += digit
        self.started.set()
        self._said.set()
        self._key.set()
        self._key = anyio.Event()

    async def collect(self, timeout_seconds: float) -> None:
        """Wait for a whole answer, at most `timeout_seconds` call seconds for its beginning."""
        with anyio.move_on_after(timeout_seconds / self._clock.scale):
            await self.started.wait()
        if not self.started.is_set():
            return
        await self._said.wait()
        if self.digits:
            await self._more_keys()
        else:
            await self._clock.sleep(END_OF_SPEECH_SECONDS)

    async def _more_keys(self) -> None:
        while not self.digits.endswith(LAST_KEY):
            key = self._key
            with anyio.move_on_after(NEXT_KEY_SECONDS / self._clock.scale) as waiting:
                await key.wait()
            if waiting.cancelled_caught:
                return
