"""What does Telnyx know about a call? Asked after a restart, or when its order was lost.

A call's own resource says only that it lives. Why it ended, and whether it was answered, stands
among its events; a call whose id we never learnt is found by the state that it was dialled with
(developers.telnyx.com: *List call events*, *List all active calls for given connection*).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from voicecall.sdk import (
    CallId,
    CarrierCall,
    CarrierCallGone,
    CarrierCallId,
    CarrierCallStatus,
    CarrierRejected,
    Clock,
    EndCause,
    Ended,
    Live,
    Unknown,
)
from voicecall_telnyx import endings
from voicecall_telnyx.client_state import ClientState, read_state
from voicecall_telnyx.rest import RestApi

UNTOLD = "it ended while nobody listened, and Telnyx does not tell why"
NEWS_PAUSES_SECONDS = (0.5, 1.0)
"""Before Telnyx is asked again why a call ended: its webhook may still be on its way, and its
events are found a moment late."""
_DEEP = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A live call, by the state that it was dialled with."""

    carrier_call_id: CarrierCallId
    state: ClientState


class Lookup:
    """Asks about calls.

    Args:
        api: is asked.
        connection_id: the application that places our calls.
        clock: between two questions.
    """

    def __init__(self, api: RestApi, connection_id: str, clock: Clock) -> None:
        self._api = api
        self._connection_id = connection_id
        self._clock = clock

    async def find(self, call_id: CallId) -> Found | None:
        """The live call that was dialled for `call_id`.

        Raises:
            CarrierError: Telnyx could not be asked.
        """
        try:
            path = f"/connections/{quote(self._connection_id, safe='')}/active_calls"
            calls = await self._api.get(path, **{"page[size]": "250"})
        except CarrierRejected:
            return None
        for each in calls if isinstance(calls, list) else ():
            state = read_state(each.get("client_state")) if isinstance(each, dict) else None
            if state is not None and state.call == call_id:
                return Found(carrier_call_id=CarrierCallId(each["call_control_id"]), state=state)
        return None

    async def status(self, call: CarrierCall) -> CarrierCallStatus:
        """What became of `call`.

        Raises:
            CarrierError: Telnyx could not be asked.
        """
        if call.carrier_call_id is None:
            found = await self.find(call.call_id)
            return Unknown() if found is None else Live(answered=found.state.up)
        try:
            known = await self._api.call(call.carrier_call_id)
        except CarrierCallGone:
            await self._clock.sleep(sum(NEWS_PAUSES_SECONDS))
            return _ended_untold(call)
        state = read_state(known.get("client_state"))
        if known.get("is_alive") is True:
            answered = call.answered or (state is not None and state.up)
            return Live(answered=answered or await self._event(known, "call.answered") is not None)
        payload = await self._end(known)
        if payload is None:
            return _ended_untold(call)
        return Ended(
            cause=endings.cause_of(payload, state),
            ended_by=endings.ended_by(payload),
            detail=endings.detail_of(payload),
        )

    async def _end(self, known: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """How a leg ended, when that is told soon enough."""
        payload = await self._event(known, "call.hangup")
        for pause in NEWS_PAUSES_SECONDS:
            if payload is not None:
                break
            await self._clock.sleep(pause)
            payload = await self._event(known, "call.hangup")
        return payload

    async def _event(self, known: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
        """The payload of an event of a leg; None when there is none, or Telnyx keeps none."""
        leg_id = known.get("call_leg_id")
        if not isinstance(leg_id, str):
            return None
        try:
            events = await self._api.get(
                "/call_events", **{"filter[leg_id]": leg_id, "filter[name]": name}
            )
        except CarrierRejected:
            return None
        for event in events if isinstance(events, list) else ():
            if isinstance(event, dict) and event.get("name") == name:
                return _payload(event.get("metadata"), _DEEP) or {}
        return None


def _payload(data: object, deep: int) -> Mapping[str, Any] | None:
    """The part of an event's metadata that has a call's id, wherever it stands."""
    if not isinstance(data, dict) or deep == 0:
        return None
    if "call_control_id" in data:
        return data
    parts = (_payload(part, deep - 1) for part in data.values())
    return next((part for part in parts if part is not None), None)


def _ended_untold(call: CarrierCall) -> Ended:
    cause = EndCause.COMPLETED if call.answered else EndCause.FAILED
    return Ended(cause=cause, detail=UNTOLD)
