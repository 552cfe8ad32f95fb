"""Where is the network reached? On a loopback port, while it is open."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import httpx
from anyio.abc import SocketAttribute, SocketStream, TaskGroup
from anyio.streams.stapled import MultiListener

from voicecall.sdk import PortInUse
from voicecall_mock.network.api import NetworkApi
from voicecall_mock.network.exchange import Exchange
from voicecall_mock.network.http import serve_http
from voicecall_mock.network.tools import NetworkTools

WEBHOOK_SECONDS = 15.0


@asynccontextmanager
async def serving_network(
    tools: NetworkTools, *, host: str | None = None, port: int | None = None
) -> AsyncIterator[str]:
    """A running network; gives its URL. At the end its live calls are lost.

    Args:
        tools: what it is made with.
        host: where it listens, by default `mock.bind`.
        port: its port, by default `mock.port`; 0 takes a free one.

    Raises:
        PortInUse: somebody else listens there.
    """
    listener = await _listen(
        tools.config.bind if host is None else host,
        tools.config.port if port is None else port,
    )
    number = listener.extra(SocketAttribute.local_port)
    name = str(listener.extra(SocketAttribute.local_address)[0])
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=64)
    async with (
        listener,
        httpx.AsyncClient(timeout=WEBHOOK_SECONDS, limits=limits, trust_env=False) as client,
        _task_group() as tasks,
    ):
        exchange = Exchange(tools, client, tasks)
        tasks.start_soon(serve_http, listener, NetworkApi(exchange).answer, tools.logger)
        try:
            yield f"http://{f'[{name}]' if ':' in name else name}:{number}"
        finally:
            with anyio.CancelScope(shield=True):
                await exchange.shut_down()
            tasks.cancel_scope.cancel()


@asynccontextmanager
async def _task_group() -> AsyncIterator[TaskGroup]:
    """A task group that hands on a single error as it is, also that of its body."""
    try:
        async with anyio.create_task_group() as tasks:
            yield tasks
    except BaseExceptionGroup as group:
        if len(group.exceptions) == 1:
            raise group.exceptions[0] from group.exceptions[0].__cause__
        raise


async def _listen(host: str, port: int) -> MultiListener[SocketStream]:
    try:
        return await anyio.create_tcp_listener(local_host=host, local_port=port, backlog=512)
    except OSError as error:
        raise PortInUse(
            f"the simulated network cannot listen on {host}:{port}: {error.strerror}; "
            "choose another port, or 0 for a free one"
        ) from error
