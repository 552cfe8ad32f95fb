"""How is a TTS backend proved whose vendor is asked over HTTP? With a double that is ready-made."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import accumulate, cycle, takewhile
from typing import ClassVar

from voicecall_conformance.speech.harness import Trouble
from voicecall_conformance.speech.streamed import Streamed, StreamingVendor
from voicecall_conformance.speech.tts.harness import TtsHarness
from voicecall_conformance.vendor import RestAnswer, RestRequest

PIECE_BYTES = (3200,)
RAGGED_BYTES = (1, 3, 159, 1601)


class HttpTtsHarness(TtsHarness):
    """One POST an utterance, whose answer is streamed. Say what your vendor's looks like::

    class AcmeHarness(HttpTtsHarness):
        name = "acme"
        module = "voicecall_tts_acme.plugin"
        refusals = {Trouble.CREDENTIALS: RestAnswer(status=401)}
    """

    refusals: ClassVar[Mapping[Trouble, RestAnswer]]
    """How it refuses, by trouble; a lost connection need not be named."""
    content_type: ClassVar[str] = "application/octet-stream"
    """Of the audio."""
    troubles = frozenset(Trouble)
    steers = True

    def __init_subclass__(cls, **kwargs: object) -> None:
        """Derive `troubles` from `refusals`."""
        super().__init_subclass__(**kwargs)
        if hasattr(cls, "refusals"):
            cls.troubles = frozenset({*cls.refusals, Trouble.LOST})

    def __init__(self) -> None:
        self._double = StreamingVendor(self._answer)
        self._texts: list[str] = []
        self._sizes: Sequence[int] = PIECE_BYTES

    @abstractmethod
    def section(self, url: str) -> Mapping[str, object]:
        """The plugin's section that leads to `url`, with a key that the vendor accepts."""

    @abstractmethod
    def text_of(self, request: RestRequest) -> str | RestAnswer:
        """The text that `request` wants spoken; a refusal when the vendor would not accept it."""

    @abstractmethod
    def sound(self, text: str) -> bytes:
        """The audio of `text` as the vendor sends it: another for every text, 15 to 300 ms a
        letter, at least 200 ms in all."""

    @asynccontextmanager
    async def vendor(self) -> AsyncIterator[Mapping[str, object]]:
        """The double, and a section that leads to it."""
        async with self._double.serving() as url:
            yield self.section(url)

    def _answer(self, request: RestRequest) -> Streamed | RestAnswer:
        text = self.text_of(request)
        if isinstance(text, RestAnswer):
            return text
        self._texts.append(text)
        sizes, self._sizes = self._sizes, PIECE_BYTES
        return Streamed(pieces=list(_cut(self.sound(text), sizes)), kind=self.content_type)

    def fail(self, trouble: Trouble) -> None:
        """Refuse the next request."""
        self._double.fail(self.refusals.get(trouble))

    def asked(self) -> Sequence[str]:
        """The texts of accepted requests."""
        return self._texts

    def made(self) -> bytes:
        """The sound of each."""
        return b"".join(map(self.sound, self._texts))

    def ragged(self) -> None:
        """Cut the next audio oddly."""
        self._sizes = RAGGED_BYTES

    def stall(self) -> None:
        """Wait after the next audio's first piece."""
        self._double.stall()

    def ignore(self) -> None:
        """Wait before it."""
        self._double.stall(after=0)

    async def stalled(self) -> None:
        """Until it does."""
        await self._double.stalled()

    def go_on(self) -> None:
        """Send the rest."""
        self._double.go_on()

    async def dropped(self) -> None:
        """Until the connection is closed from the other side."""
        await self._double.dropped()

    def cut(self) -> None:
        """Close the connection after the next audio's first piece."""
        self._double.cut()


def _cut(audio: bytes, sizes: Sequence[int]) -> Iterator[bytes]:
    edges = [*takewhile(lambda edge: edge < len(audio), accumulate(cycle(sizes))), len(audio)]
    for start, end in zip([0, *edges], edges, strict=False):
        yield audio[start:end]
