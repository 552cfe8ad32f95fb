"""What do the carrier's reports mean for a conversation, beside the record of the call?"""

from __future__ import annotations

import logging
from typing import Protocol

import anyio

from voicecall.calls.control import CallControl
from voicecall.calls.conversation import Conversation
from voicecall.calls.line import Heard
from voicecall.calls.native import NativeLine
from voicecall.calls.tools import CallTools
from voicecall.model.carrier_events import (
    CarrierEvent,
    DigitsPressed,
    NothingHeard,
    SpeechEnded,
    SpeechHeard,
    StreamChange,
    StreamChanged,
)

logger = logging.getLogger(__name__)


class Talking(CallControl, Protocol):
    """The call that talks."""

    conversation: Conversation


class CarrierEar:
    """Hears for one call what its carrier heard, said and did.

    Args:
        call: the call.
        tools: what calls are made with.
    """

    def __init__(self, call: Talking, tools: CallTools) -> None:
        self._call = call
        self._tools = tools
        self._backchannels = {_plain(text) for text in tools.settings.turns.backchannels}
        self._reply_scope = anyio.CancelScope()

    def hear(self, event: CarrierEvent) -> None:
        """Do what `event` calls for."""
        conversation = self._call.conversation
        native = conversation.native
        match event:
            case SpeechEnded(turn=turn, complete=complete) if native is not None:
                native.spoken(turn, complete=complete)
            case NothingHeard(turn=turn) if native is not None:
                native.listened(turn)
            case SpeechHeard() if native is not None:
                self._caller_spoke(event, native)
            case SpeechHeard(text=text, is_final=False):
                conversation.seems_to_say(text)
            case DigitsPressed(digits=digits, turn=turn):
                if native is not None:
                    native.interrupted(turn)
                conversation.keys.pressed(digits, turn)
            case StreamChanged(change=StreamChange.FAILED):
                conversation.stream_failed()
        if not self._tools.steers_by_document:
            # Nobody comes for instructions when a listening turn is over.
            conversation.listen_again()

    def _caller_spoke(self, event: SpeechHeard, native: NativeLine) -> None:
        text = event.text.strip()
        if self._call.conversation.is_stale(event.turn):
            logger.info("stale answer ignored")
            return
        if native.audible and (not text or _plain(text) in self._backchannels):
            return
        if event.is_final:
            self._caller_said(Heard(text=text, turn=event.turn, transcript_at=self._wall()), native)
        else:
            native.interrupted(event.turn)
            self._call.conversation.seems_to_say(text)

    def _caller_said(self, heard: Heard, native: NativeLine) -> None:
        conversation = self._call.conversation
        conversation.answers(heard.turn)
        if conversation.takes(heard):
            self._reply_scope.cancel()
            self._reply_scope = anyio.CancelScope()
            self._call.spawn(self._reply_in, self._reply_scope, heard)
        native.listened(heard.turn)

    async def _reply_in(self, scope: anyio.CancelScope, heard: Heard) -> None:
        with scope:
            await self._call.conversation.reply(heard)

    def _wall(self) -> float:
        return self._tools.clock.wall()


def _plain(text: str) -> str:
    return text.strip(" .,!?").casefold()
