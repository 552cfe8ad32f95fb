"""How does MCP come in over HTTP? At ``/mcp``, past the same doorkeeper as everything else.

Every request stands alone (streamable HTTP without sessions), so nothing is lost by a restart
and nothing has to be thrown out at the end. The library, which takes a second to load, is loaded
by the first request, beside the calls that run. No request is a session, so how many calls agents
may ask for is counted over an hour, for all who have the gateway's token together.
"""

from __future__ import annotations

import json
import logging
from importlib import import_module
from typing import Any

import anyio
from anyio import to_thread
from anyio.abc import TaskGroup, TaskStatus

from voicecall.agent_tool import HOUR_SECONDS, CallBudget
from voicecall.rpc.auth import Doorkeeper
from voicecall.rpc.door import LocalDoor
from voicecall.rpc.methods import RpcContext
from voicecall.web.asgi import AsgiApp, Receive, Scope, Send, knock_of
from voicecall.web.mcp_body import MAX_BODY_BYTES, NoMessage, message_body, once_more

logger = logging.getLogger(__name__)

PATH = "/mcp"

_NOT_INSTALLED = "MCP is not installed here; install 'voicecall[mcp]' and restart the gateway"


class McpDoor:
    """Serves ``/mcp`` and passes everything else on.

    Args:
        app: takes what is not ours.
        context: what the gateway's doors share.
        doorkeeper: decides who may come in.
        tasks: owns what serves requests.
    """

    def __init__(
        self, app: AsgiApp, *, context: RpcContext, doorkeeper: Doorkeeper, tasks: TaskGroup
    ) -> None:
        self._app = app
        self._context = context
        self._doorkeeper = doorkeeper
        self._tasks = tasks
        self._budget = CallBudget(within_seconds=HOUR_SECONDS)
        self._opening = anyio.Lock()
        self._served: AsgiApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a connection."""
        if scope["type"] != "http" or scope["path"].rstrip("/") != PATH:
            await self._app(scope, receive, send)
            return
        refusal = self._doorkeeper.refuse(knock_of(scope))
        if refusal is not None:
            more = {"WWW-Authenticate": "Bearer"} if refusal.status == 401 else {}
            await _refuse(send, refusal.status, refusal.code, refusal.message, **more)
        elif scope["method"] != "POST":
            await _refuse(send, 405, "METHOD_NOT_ALLOWED", "only POST is served", Allow="POST")
        else:
            await self._serve(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._opening:
            if self._served is None:
                try:
                    self._served = await self._opened()
                except ImportError:
                    logger.warning("somebody asked for MCP, which cannot be loaded", exc_info=True)
                    await _refuse(send, 501, "UNAVAILABLE", _NOT_INSTALLED)
                    return
        try:
            body = await message_body(receive)
        except NoMessage as error:
            await _answer(send, error.status, error.as_json())
            return
        if body is not None:
            await self._served(scope, once_more(body, receive), send)

    async def _opened(self) -> AsgiApp:
        await to_thread.run_sync(import_module, "voicecall.mcp.server")
        from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

        from voicecall.mcp.server import mcp_server

        logging.getLogger("sse_starlette").setLevel(logging.WARNING)  # DEBUG has whole answers
        manager = StreamableHTTPSessionManager(
            mcp_server(LocalDoor(self._context), self._budget),
            stateless=True,
            max_request_body_size=MAX_BODY_BYTES,
        )
        await self._tasks.start(_running, manager)
        return manager.handle_request


async def _running(manager: Any, *, task_status: TaskStatus[None]) -> None:
    async with manager.run():
        task_status.started()
        await anyio.sleep_forever()


async def _refuse(send: Send, status: int, code: str, message: str, **headers: str) -> None:
    body = json.dumps({"error": {"code": code, "message": message}}).encode()
    await _answer(send, status, body, **headers)


async def _answer(send: Send, status: int, body: bytes, **headers: str) -> None:
    fields = {
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        **headers,
    }
    lines = [(name.lower().encode(), value.encode()) for name, value in fields.items()]
    await send({"type": "http.response.start", "status": status, "headers": lines})
    await send({"type": "http.response.body", "body": body})
