"""What does an author write to have a TTS backend proved? Its vendor, played in a few methods."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from voicecall.sdk import TtsSpec
from voicecall_conformance.speech.harness import PluginHarness
from voicecall_conformance.speech.tts.rulebook import TTS

SPOKEN_TEXT = "Good morning, this is the dentist. Your appointment is tomorrow at ten o'clock."
"""What most rules have spoken; a vendor of the suite quotes it when it refuses."""


class TtsHarness(PluginHarness):
    """What is behind one TTS backend. Register it so that anybody can run the suite::

        [project.entry-points."voicecall.conformance.tts"]
        acme = "voicecall_tts_acme.testing:AcmeHarness"

    A backend that needs no vendor overrides `vendor` alone, which yields its section.
    """

    kind = "tts"
    hook_name = "voicecall_tts_backends"
    rules = TTS

    exact: ClassVar[bool] = True
    """Whether one text sounds the same every time, sample by sample; else it is as long."""
    steers: ClassVar[bool] = False
    """Whether the vendor can be told how to deliver; it overrides every method below then."""
    key: ClassVar[str] = "apiKey"
    """The setting that a message about refused credentials names."""

    def asked(self) -> Sequence[str] | None:
        """The texts that the vendor was asked for so far; None where there is no vendor."""
        return None

    def made(self) -> bytes | None:
        """All audio that the vendor made so far, as it was made; None where there is no vendor.

        Only what it means to send: not what `stall` and `cut` kept back.
        """
        return None

    def impatient(self) -> TtsSpec | None:
        """The spec with every wait for the vendor shortened to less than a second; None: it waits
        for nobody. With a vendor that steers only."""
        return None

    def ragged(self) -> None:
        """The next utterance is delivered in pieces of odd sizes, some of a single byte."""
        raise LookupError(f"{type(self).__name__} steers; override `ragged`")

    def stall(self) -> None:
        """The next utterance's first audio is delivered, and the rest after `go_on`."""
        raise LookupError(f"{type(self).__name__} steers; override `stall`")

    def ignore(self) -> None:
        """The next utterance is taken, and all of its audio is delivered after `go_on`."""
        raise LookupError(f"{type(self).__name__} steers; override `ignore`")

    async def stalled(self) -> None:
        """Returns when the vendor has begun to deliver and waits."""
        raise LookupError(f"{type(self).__name__} steers; override `stalled`")

    def go_on(self) -> None:
        """The vendor delivers the rest to whoever still listens."""
        raise LookupError(f"{type(self).__name__} steers; override `go_on`")

    async def dropped(self) -> None:
        """Returns when the vendor, which goes on, sees that nobody listens any more."""
        raise LookupError(f"{type(self).__name__} steers; override `dropped`")

    def cut(self) -> None:
        """The next utterance's connection is lost in the middle of the audio."""
        raise LookupError(f"{type(self).__name__} steers; override `cut`")
