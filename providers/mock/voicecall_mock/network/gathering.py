"""What does the person answer to a prompt? Speech, or keys, or nothing in time."""

from __future__ import annotations

from dataclasses import dataclass

import anyio

from voicecall.sdk import Clock

END_OF_SPEECH_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What counts as an answer.

    Args:
        speech: whether words do.
        keys: whether keys do.
        pause: call seconds without a further key that end it.
        last_key: the key that ends it; ``""``: none.
        most_keys: so many end it.
    """

    speech: bool = True
    keys: bool = True
    pause: float = 1.5
    last_key: str = "#"
    most_keys: int | None = None


ANYTHING = Wanted()


class Gathering:
    """Collects one answer. The simulated recognition hears exactly what was said."""

    def __init__(self, clock: Clock, wanted: Wanted = ANYTHING) -> None:
        self.started = anyio.Event()
        self.text: str | None = None
        self.digits = ""
        self.wanted = wanted
        self._clock = clock
        self._said = anyio.Event()
        self._key = anyio.Event()

    def speaks(self) -> None:
        """The person begins to speak."""
        if self.wanted.speech:
            self.started.set()

    def said(self, text: str) -> None:
        """The person has said `text`."""
        if self.wanted.speech:
            self.text = text
            self._said.set()

    def pressed(self, digit: str) -> None:
        """The person pressed a key."""
        if not self.wanted.keys:
            return
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
        while not self._complete:
            key = self._key
            with anyio.move_on_after(self.wanted.pause / self._clock.scale) as waiting:
                await key.wait()
            if waiting.cancelled_caught:
                return

    @property
    def _complete(self) -> bool:
        most, last = self.wanted.most_keys, self.wanted.last_key
        return len(self.digits) == most or (last != "" and self.digits.endswith(last))
