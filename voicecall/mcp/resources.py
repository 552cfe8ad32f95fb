"""How does an MCP client read a call? As the resource ``voicecall://calls/{callId}``, in JSON."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, unquote

from mcp.shared.exceptions import MCPError
from mcp_types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    ListResourcesResult,
    ListResourceTemplatesResult,
    ReadResourceResult,
    Resource,
    ResourceTemplate,
    TextResourceContents,
)

from voicecall.config.hiding import hiding
from voicecall.errors import VoicecallError
from voicecall.rpc.door import Door
from voicecall.rpc.wire import JsonObject

RECENT = 50
"""How many calls are listed; older ones are read by their id."""

_ROOT = "voicecall://calls/"
_JSON = "application/json"

TEMPLATES = ListResourceTemplatesResult(
    resource_templates=[
        ResourceTemplate(
            name="call",
            title="A call",
            uri_template=f"{_ROOT}{{callId}}",
            description="A call, live or ended: its state, transcript and timings.",
            mime_type=_JSON,
        )
    ]
)


async def recent_calls(door: Door) -> ListResourcesResult:
    """The last calls, newest first.

    Raises:
        MCPError: the gateway could not be asked.
    """
    answer: dict[str, Any] = await _asked(door, "voicecall.history", {"limit": RECENT})
    return ListResourcesResult(resources=[_listed(call) for call in answer["calls"]])


async def read_call(door: Door, uri: str) -> ReadResourceResult:
    """The call that `uri` names.

    Raises:
        MCPError: no call has this URI, or the gateway could not be asked.
    """
    call_id = unquote(uri.removeprefix(_ROOT)) if uri.startswith(_ROOT) else ""
    answer = await _asked(door, "voicecall.status", {"callId": call_id}) if call_id else {}
    if not answer.get("found"):
        raise MCPError(INVALID_PARAMS, "Resource not found")
    text = json.dumps(answer["call"], ensure_ascii=False, indent=1)
    return ReadResourceResult(contents=[TextResourceContents(uri=uri, mime_type=_JSON, text=text)])


async def _asked(door: Door, method: str, params: JsonObject) -> JsonObject:
    try:
        return await door.call(method, params)
    except VoicecallError as error:
        raise MCPError(INTERNAL_ERROR, hiding.secrets(error.message)) from error


def _listed(call: dict[str, Any]) -> Resource:
    outbound = call["direction"] == "outbound"
    other = call.get("to" if outbound else "from") or "unknown"
    return Resource(
        uri=_ROOT + quote(call["callId"], safe=""),
        name=call["callId"],
        title=f"Call {'to' if outbound else 'from'} {other}: {call['state']}",
        mime_type=_JSON,
    )
