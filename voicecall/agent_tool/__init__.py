"""How does an agent get a phone? As the tool `voice_call`: a schema, and what carries it out.

::

    from voicecall.agent_tool import VoiceCallTool, tool_schema

    tool = VoiceCallTool()                       # finds the gateway that runs here
    schema = tool_schema("json-schema")          # or another of `FORMATS`
    tool.run({"action": "get_status"})           # {"calls": []}
    await tool.run_async({"action": "end_call", "callId": call_id})

A program that runs a gateway itself gives it as `door`: ``async with local_door(service) as
door: VoiceCallTool(door)``.
"""

from voicecall.agent_tool.actions import ACTIONS, Action, VoiceCall, read_action
from voicecall.agent_tool.budget import HOUR_SECONDS, MAX_CALLS, CallBudget
from voicecall.agent_tool.dialects import (
    DESCRIPTION,
    FORMATS,
    TOOL_NAME,
    flat_schema,
    tool_schema,
    union_schema,
)
from voicecall.agent_tool.tool import VoiceCallTool, run, run_async
from voicecall.remote import RemoteGateway
from voicecall.rpc.door import Door, local_door

__all__ = [
    "ACTIONS",
    "DESCRIPTION",
    "FORMATS",
    "HOUR_SECONDS",
    "MAX_CALLS",
    "TOOL_NAME",
    "Action",
    "CallBudget",
    "Door",
    "RemoteGateway",
    "VoiceCall",
    "VoiceCallTool",
    "flat_schema",
    "local_door",
    "read_action",
    "run",
    "run_async",
    "tool_schema",
    "union_schema",
]
