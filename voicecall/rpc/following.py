"""How does whoever asked for a call get its outcome? By following its events to the end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from voicecall.errors import GatewayUnreachable, VoicecallError
from voicecall.rpc.door import Door
from voicecall.rpc.wire import JsonObject

OnEvent = Callable[[JsonObject], Awaitable[None]]

FRUITLESS_LOOKS = 3
"""How often a stream of events may break off without news before we give up."""


async def place_and_follow(door: Door, wish: Mapping[str, object], on_event: OnEvent) -> JsonObject:
    """`voicecall.initiate` with `wait`, and every event of the call on the way.

    Args:
        door: the gateway.
        wish: parameters of `voicecall.initiate`; `wait` is taken as given.
        on_event: gets each event once, in order, beginning with ``created``.

    Raises:
        VoicecallError: the call was not placed, or its end cannot be learned; then the message
            has its id.
    """
    placed = await door.call("voicecall.initiate", {**wish, "wait": False})
    call_id = str(placed["callId"])
    try:
        ended = await _followed(door, call_id, on_event)
    except VoicecallError as error:
        raise GatewayUnreachable(
            f"call {call_id} was placed, but how it ended is not known ({error.message}); "
            "ask for its status"
        ) from error
    return placed | {name: ended[name] for name in ("call", "summary") if name in ended}


async def _followed(door: Door, call_id: str, on_event: OnEvent) -> JsonObject:
    seen = fruitless = 0
    while fruitless < FRUITLESS_LOOKS:
        fruitless += 1
        async with door.events(call_id) as events:
            async for event in events:
                if event["type"] == "call":
                    return event
                number = int(str(event["number"]))
                if 0 < number <= seen:
                    continue
                seen, fruitless = max(seen, number), 0
                await on_event(event)
    raise GatewayUnreachable("the gateway breaks off its reports")
