"""What does an author write to have an STT backend proved? A voice, and its vendor's part."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from voicecall.sdk import SttContext
from voicecall_conformance.speech.harness import PluginHarness
from voicecall_conformance.speech.stt.rulebook import STT

SILENCE_SECONDS = 0.5
"""The silence that ends a turn."""
SAID_TEXTS = (
    "I would like to book a table",
    "Thank you very much",
    "What is the weather like today",
)
"""What callers say; a vendor of the suite quotes it when it refuses."""


class SttHarness(PluginHarness):
    """What is behind one STT backend. Register it so that anybody can run the suite::

        [project.entry-points."voicecall.conformance.stt"]
        acme = "voicecall_stt_acme.harness:AcmeHarness"

    A backend that needs no vendor overrides `vendor`, which yields its section, and `speech`. One
    that waits for somebody may override `spec` so that the suite need not wait as long.
    """

    kind = "stt"
    hook_name = "voicecall_stt_backends"
    rules = STT

    partials: ClassVar[bool] = True
    """Whether it tells what is being said while it is said."""
    steers: ClassVar[bool] = False
    """Whether the vendor can be told how to behave; it overrides every method below then."""
    key: ClassVar[str] = "apiKey"
    """The setting that a message about refused credentials names."""

    def context(self, **lent: Any) -> SttContext:
        """What the kernel lends to such a plugin."""
        return SttContext(silence_seconds=SILENCE_SECONDS, **lent)

    @abstractmethod
    async def speech(self, text: str) -> Sequence[bytes]:
        """Frames of 20 ms in the spec's `input_format` in which somebody says `text`; no silence
        after it."""

    def heard(self) -> Sequence[Sequence[bytes]]:
        """The frames that the vendor was sent so far, one list a connection."""
        raise LookupError(f"{type(self).__name__} steers; override `heard`")

    def cut(self, after: int) -> None:
        """The next connection is lost after so many frames; the one after it is well."""
        raise LookupError(f"{type(self).__name__} steers; override `cut`")

    def leave(self, after: int) -> None:
        """The next connection is lost after so many frames, and none is had until `come_back`."""
        raise LookupError(f"{type(self).__name__} steers; override `leave`")

    async def missed(self) -> None:
        """Returns when the vendor that left has refused a connection."""
        raise LookupError(f"{type(self).__name__} steers; override `missed`")

    def come_back(self) -> None:
        """The vendor is well again."""
        raise LookupError(f"{type(self).__name__} steers; override `come_back`")

    def babble(self) -> None:
        """On the next connection the vendor first sends a few messages that cannot be read."""
        raise LookupError(f"{type(self).__name__} steers; override `babble`")

    async def dropped(self) -> None:
        """Returns when the vendor has no connection any more."""
        raise LookupError(f"{type(self).__name__} steers; override `dropped`")
