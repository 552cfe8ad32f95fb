"""What does the person at a phone do? The steps of its script, one after the other."""

from __future__ import annotations

import difflib
import logging
import re
from typing import Protocol

import anyio

from voicecall.sdk import Clock, VoicecallError
from voicecall_mock.config import Backend, Phone, Step
from voicecall_mock.network.ears import Ears, Hearing
from voicecall_mock.network.journal import Journal
from voicecall_mock.network.line import PhoneLine
from voicecall_mock.network.sound import tone
from voicecall_mock.network.studio import Studio

KEY_SECONDS = 0.15
BEEP_HERTZ = 1000.0
BEEP_SECONDS = 0.4
UNDERSTANDING_SECONDS = 1.0
"""How long, in real seconds, a person thinks about words before answering anyway."""
CLOSE_ENOUGH = 0.75
"""How alike (0..1) recognised and expected words must be."""


class PhoneEvents(Protocol):
    """Who notices what happens at a phone: its call."""

    def phone_speaks(self) -> None:
        """The person begins to speak."""
        ...

    def phone_said(self, text: str) -> None:
        """The person has said `text`."""
        ...

    def phone_pressed(self, digit: str) -> None:
        """The person pressed a key."""
        ...

    def phone_beeped(self) -> None:
        """The tone of an answering machine has sounded."""
        ...

    def phone_hung_up(self) -> None:
        """The person hung up."""
        ...

    def phone_dropped(self, what: str) -> None:
        """The ``stream`` or the whole ``network`` is lost."""
        ...


class Person:
    """Somebody at an answered phone.

    Args:
        voice: what the person speaks with.
        call: is told what happens.
    """

    def __init__(
        self,
        phone: Phone,
        *,
        voice: Backend,
        line: PhoneLine,
        ears: Ears,
        journal: Journal,
        studio: Studio,
        clock: Clock,
        call: PhoneEvents,
        logger: logging.Logger,
    ) -> None:
        self.speaking = False
        self._phone = phone
        self._voice = voice
        self._line = line
        self._ears = ears
        self._journal = journal
        self._studio = studio
        self._clock = clock
        self._call = call
        self._logger = logger
        self._listened = 0

    async def run(self) -> None:
        """Do every step, then stay on the line in silence."""
        for step in self._phone.script:
            await self._do(step)

    async def _do(self, step: Step) -> None:
        match step.kind:
            case "listen":
                await self._listen(step)
            case "say":
                await self._say(step.say or "")
            case "interrupt":
                await self._interrupt(step)
            case "press":
                await self._press(step.press or "")
            case "wait":
                await self._clock.sleep((step.wait or 0) / 1000)
            case "beep":
                await self._beep()
            case "hang_up":
                self._call.phone_hung_up()
            case "drop":
                self._call.phone_dropped(step.drop or "stream")

    async def _listen(self, step: Step) -> None:
        if step.listen is not True and self._ears.speaking is not None:
            # Their answer may follow without a pause upon what was interrupted.
            self._listened = min(self._listened, len(self._ears.hearings) - 1)
        with anyio.move_on_after(step.timeout_ms / 1000 / self._clock.scale) as waiting:
            while True:
                hearing = await self._ears.speech(self._listened)
                await hearing.ended.wait()
                self._listened += 1
                if step.listen is True:
                    await self._understand(hearing)
                    break
                if await self._is_expected(hearing, step.listen or ""):
                    break
        if waiting.cancelled_caught:
            wanted = "anything" if step.listen is True else repr(step.listen)
            self._journal.add("phone", "note", f"waited in vain to hear {wanted}")

    async def _understand(self, hearing: Hearing) -> None:
        """People take in what was said before they answer, if that does not take too long."""
        with anyio.move_on_after(UNDERSTANDING_SECONDS):
            await hearing.recognised.wait()

    async def _is_expected(self, hearing: Hearing, expected: str) -> bool:
        await hearing.recognised.wait()
        return sounds_like(hearing.text or "", expected)

    async def _interrupt(self, step: Step) -> None:
        with anyio.move_on_after(step.timeout_ms / 1000 / self._clock.scale):
            while self._ears.speaking is None:
                await self._ears.speech(len(self._ears.hearings))
        heard_for = 0.0
        if self._ears.speaking is not None:
            heard_for = self._line.seconds - self._ears.speaking.at
        await self._clock.sleep(step.after_ms / 1000 - heard_for)
        await self._say(step.interrupt or "")

    async def _say(self, text: str) -> None:
        """Speak; what the other side began to say before that does not count as its answer."""
        try:
            audio = await self._studio.speak(self._voice, text)
        except VoicecallError as error:
            self._logger.error("a phone cannot speak", extra={"error": error.message})
            self._journal.add("phone", "note", f"could not speak: {error.message}")
            return
        self._listened = len(self._ears.hearings)
        self._journal.add("phone", "said", text)
        self.speaking = True
        self._call.phone_speaks()
        try:
            await self._line.from_phone.play_through(audio)
        finally:
            self.speaking = False
        self._call.phone_said(text)

    async def _press(self, digits: str) -> None:
        self._journal.add("phone", "pressed", digits)
        for digit in digits:
            self._call.phone_pressed(digit)
            await self._clock.sleep(KEY_SECONDS)

    async def _beep(self) -> None:
        """Sound the tone; only what is said from here on is a message."""
        self._journal.add("phone", "note", "beep")
        await self._line.from_phone.play_through(tone(BEEP_HERTZ, BEEP_SECONDS))
        self._listened = len(self._ears.hearings) - (self._ears.speaking is not None)
        self._call.phone_beeped()


def sounds_like(heard: str, expected: str) -> bool:
    """Whether `heard` is, or contains, about the words of `expected`."""
    said, wanted = _words(heard), _words(expected)
    alike = difflib.SequenceMatcher(None, said, wanted).ratio()
    return f" {wanted} " in f" {said} " or alike >= CLOSE_ENOUGH


def _words(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))
