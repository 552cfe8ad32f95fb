"""Whom do the caller's keys concern? Whoever waits for an answer, the responder, or nobody."""

from __future__ import annotations

from typing import Protocol

from voicecall.calls.control import CallControl
from voicecall.calls.facts import Said
from voicecall.calls.keypad import Keypad
from voicecall.calls.line import Heard
from voicecall.calls.native import NativeLine
from voicecall.calls.opt_out import OptOut
from voicecall.calls.tools import CallTools
from voicecall.calls.waiting import Answer
from voicecall.model.call import Speaker
from voicecall.model.ids import TurnToken


class Asker(Protocol):
    """Who may want keys."""

    @property
    def native(self) -> NativeLine | None:
        """The carrier's voice, where it speaks for us."""
        ...

    @property
    def waiter(self) -> Answer | None:
        """The turn that waits for the caller's answer."""
        ...

    @property
    def has_responder(self) -> bool:
        """Whether somebody answers this caller."""
        ...

    def is_outdated(self, turn: TurnToken) -> bool:
        """Whether `turn` is not what is listened to now, or was before the question."""
        ...

    async def heard(self, heard: Heard) -> None:
        """The caller said something."""
        ...


class Keys:
    """The keys of one call.

    Args:
        call: the call.
        tools: what calls are made with.
        opt_out: what the offered key means.
        asker: who may want them.
    """

    def __init__(self, call: CallControl, tools: CallTools, opt_out: OptOut, asker: Asker) -> None:
        self._tools = tools
        self._opt_out = opt_out
        self._asker = asker
        self._keypad = Keypad(call, tools.clock, self._answered)
        self._call = call

    def clear(self) -> None:
        """What was pressed belongs to no answer any more."""
        self._keypad.clear()

    def pressed(self, digits: str, turn: TurnToken | None) -> None:
        """Keys answer a waiting turn when they belong to it, or the stream brought them.

        What the stream brought while nobody waits is a turn for the responder, like words. A
        document carrier has collected the whole answer; elsewhere keys come one at a time.
        """
        asker = self._asker
        if asker.waiter or not self._opt_out.by_key(digits):
            self._answer(digits, turn)
        if turn is not None and asker.native is not None:
            asker.native.keyed(turn)

    def _answer(self, digits: str, turn: TurnToken | None) -> None:
        asker = self._asker
        for_responder = turn is None and asker.has_responder
        if turn is not None and asker.is_outdated(turn):
            return
        if not (asker.waiter or for_responder):
            return
        if turn is not None and self._tools.steers_by_document:
            self._answered(digits)
        else:
            self._keypad.press(digits)

    def _answered(self, keys: str) -> None:
        asker = self._asker
        if asker.waiter is not None:
            self._call.post(Said(speaker=Speaker.USER, text=keys))
            asker.waiter.settle(Heard(text=keys))
        elif asker.has_responder:
            self._call.spawn(asker.heard, Heard(text=keys))
