"""How is a call followed to its end, even when the stream breaks off in between?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from voicecall.cli.client import GatewayClient
from voicecall.errors import CallNotFound, GatewayUnreachable

MAX_LOST_STREAMS = 20


def follow(
    client: GatewayClient, call_id: str, show: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    """Give every event of the call to `show`, each once, until it has ended.

    Returns:
        ``call`` and, if the gateway told how it went, ``summary``.

    Raises:
        CallNotFound: the gateway does not know the call.
        GatewayError: it went away, or ended the stream again and again.
    """
    seen = 0
    for _ in range(MAX_LOST_STREAMS):
        with client.events(call_id) as events:
            for event in events:
                if event["type"] == "call":
                    return {name: event[name] for name in ("call", "summary") if name in event}
                number = int(event["number"])
                if number == 0 or number > seen:
                    seen = max(seen, number)
                    show(event)
        call = look_up(client, call_id)
        if "endedAt" in call:
            return {"call": call}
    raise GatewayUnreachable(
        f"the gateway at {client.url} ended the event stream {MAX_LOST_STREAMS} times; "
        f"look again with 'voicecall status --call-id {call_id}'"
    )


def look_up(client: GatewayClient, call_id: str) -> dict[str, Any]:
    """The call as it is now.

    Raises:
        CallNotFound: the gateway does not know it.
    """
    answer: dict[str, Any] = client.call("voicecall.status", {"callId": call_id})
    if not answer.get("found"):
        raise CallNotFound(call_id)
    call: dict[str, Any] = answer["call"]
    return call
