"""How does an MCP client run the phone as a child process? Over stdin and stdout."""

from __future__ import annotations

from mcp.server.stdio import stdio_server

from voicecall.agent_tool import CallBudget
from voicecall.mcp.server import mcp_server
from voicecall.rpc.door import Door


async def serve_stdio(door: Door) -> None:
    """Serve until stdin ends; nothing but the protocol gets to stdout meanwhile."""
    server = mcp_server(door, CallBudget())  # one process is one session of an agent
    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())
