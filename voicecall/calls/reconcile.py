"""What the carrier says about a call that we lost sight of."""

from __future__ import annotations

import logging

from voicecall.calls import faults
from voicecall.model.carrier_events import CallAnswered, CallEnded, CarrierEvent
from voicecall.model.ids import CarrierCallId
from voicecall.sdk.provider import (
    CallProvider,
    CarrierCall,
    CarrierCallStatus,
    Ended,
    Live,
    Unknown,
)

logger = logging.getLogger(__name__)


async def ask_carrier(provider: CallProvider, call: CarrierCall) -> CarrierCallStatus:
    """What the carrier says of `call`; `Unknown` too when it cannot be asked: timers decide."""
    try:
        return await provider.status(call)
    except Exception as error:
        faults.tell(logger, "a question about a call", error)
        return Unknown()


def missed(status: CarrierCallStatus, call: CarrierCall) -> CarrierEvent | None:
    """What we missed of `call`: its end, or its answer. None: it is as we think, or not known."""
    carrier_id = call.carrier_call_id or CarrierCallId(call.call_id)
    if isinstance(status, Live) and status.answered and not call.answered:
        return CallAnswered(key=f"status:{carrier_id}", carrier_call_id=carrier_id)
    if not isinstance(status, Ended):
        return None
    return CallEnded(
        key=f"status:{carrier_id}",
        carrier_call_id=carrier_id,
        cause=status.cause,
        ended_by=status.ended_by,
        detail=status.detail,
    )
