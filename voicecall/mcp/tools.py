"""Which tools does an MCP client see? One a method of the table, and `voice_call`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mcp_types import Tool, ToolAnnotations

from voicecall.agent_tool import DESCRIPTION, TOOL_NAME, flat_schema
from voicecall.rpc.methods import METHODS, Method

PREFIX = "voicecall_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What a method does to the world, as a client that asks before it acts wants to know.

    Args:
        title: for people.
        reads: changes nothing.
        destroys: cannot be taken back.
        repeats: the same again changes nothing more.
        outside: reaches people, not only the gateway.
    """

    title: str
    reads: bool = False
    destroys: bool = False
    repeats: bool = False
    outside: bool = False


EFFECTS: dict[str, Effect] = {
    "voicecall.initiate": Effect(title="Place a call", destroys=True, outside=True),
    "voicecall.start": Effect(title="Place a call to a number", destroys=True, outside=True),
    "voicecall.continue": Effect(title="Say and wait for the answer", outside=True),
    "voicecall.continue.start": Effect(title="Say, and ask for the answer later", outside=True),
    "voicecall.continue.result": Effect(title="Answer to what was said", reads=True),
    "voicecall.speak": Effect(title="Say", outside=True),
    "voicecall.dtmf": Effect(title="Press keys", destroys=True, outside=True),
    "voicecall.end": Effect(title="Hang up", destroys=True, repeats=True, outside=True),
    "voicecall.status": Effect(title="Look at calls", reads=True),
    "voicecall.history": Effect(title="Last calls", reads=True),
    "voicecall.latency": Effect(title="How long people waited", reads=True),
    "voicecall.policy.explain": Effect(title="What policy says of a number", reads=True),
    "voicecall.doNotCall.add": Effect(title="Never call a number again", repeats=True),
    "health": Effect(title="Whether the gateway works", reads=True),
}
"""Method → effect, of the methods that agents get."""

NOT_FOR_AGENTS = frozenset(
    {
        "voicecall.reload",
        "voicecall.doNotCall.list",
        "voicecall.doNotCall.remove",
        "voicecall.pairing.list",
        "voicecall.pairing.approve",
        "voicecall.pairing.revoke",
    }
)
"""Methods that are the operator's: whatever an agent is talked into, it lets nobody call or be
called who could not before."""


DIALLING = frozenset({"voicecall.initiate", "voicecall.start"})


def tool_name(method: str) -> str:
    """`method` as a tool: clients take letters, digits, ``_`` and ``-`` only."""
    return PREFIX + method.removeprefix("voicecall.").replace(".", "_")


METHOD_OF_TOOL: dict[str, Method[Any]] = {
    tool_name(name): method for name, method in METHODS.items() if name in EFFECTS
}
"""Methods of the table by their tools' names."""


def all_tools() -> list[Tool]:
    """The tools, in the order of the table; `voice_call` last."""
    return [*(_tool(name, method) for name, method in METHOD_OF_TOOL.items()), _voice_call()]


def _tool(name: str, method: Method[Any]) -> Tool:
    effect = EFFECTS[method.name]
    return Tool(
        name=name,
        title=effect.title,
        description=_description(method),
        input_schema=method.params.model_json_schema(by_alias=True),
        # At the root of a union, too: some clients refuse the whole list without the type.
        output_schema={"type": "object", **method.result.model_json_schema(by_alias=True)},
        annotations=ToolAnnotations(
            title=effect.title,
            read_only_hint=effect.reads,
            destructive_hint=effect.destroys,
            idempotent_hint=effect.repeats or effect.reads,
            open_world_hint=effect.outside,
        ),
    )


def _description(method: Method[Any]) -> str:
    if method.name in DIALLING:
        return f"{method.summary} It rings a real phone and costs money: ask the user first."
    return method.summary


def _voice_call() -> Tool:
    return Tool(
        name=TOOL_NAME,
        title="Phone",
        description=DESCRIPTION,
        input_schema=flat_schema(),
        annotations=ToolAnnotations(
            title="Phone",
            read_only_hint=False,
            destructive_hint=True,
            idempotent_hint=False,
            open_world_hint=True,
        ),
    )
