"""What if no gateway runs? `call` and `start` run one for the length of the command.

It runs in a thread with an event loop of its own, and the command uses it over HTTP as it
would use any other; so there is one way of placing and following calls.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from voicecall.cli.client import GatewayClient, NobodyListens
from voicecall.cli.discovery import find_gateway, is_elsewhere
from voicecall.cli.options import Options


class Reached:
    """A gateway that answered. `owned`: it runs in this process and ends with the command."""

    __slots__ = ("client", "owned")

    def __init__(self, client: GatewayClient, *, owned: bool) -> None:
        self.client = client
        self.owned = owned


@contextmanager
def any_gateway(options: Options) -> Iterator[Reached]:
    """The gateway that runs, else one of our own.

    Raises:
        GatewayError: one is named or runs, and does not answer as it should; no second one is
            started then.
        ConfigError, PluginError, PortInUse: our own cannot start.
    """
    client = _running(options)
    if client is not None:
        yield Reached(client, owned=False)
        return
    with _own_gateway(options) as client:
        yield Reached(client, owned=True)


def _running(options: Options) -> GatewayClient | None:
    try:
        client = find_gateway(options)
        client.call("health")
    except NobodyListens:
        if is_elsewhere(options):
            raise
        return None
    return client


@contextmanager
def _own_gateway(options: Options) -> Iterator[GatewayClient]:
    import signal

    from anyio.from_thread import start_blocking_portal

    from voicecall.cli.loading import load_enabled, log_to_stderr, ready_state_dir
    from voicecall.runtime import running

    log_to_stderr(os.environ.get("VOICECALL_LOG", "WARNING"))
    state = ready_state_dir(options)
    loaded = load_enabled(options)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(running(loaded, state_dir=state)) as gateway,
    ):
        try:
            yield find_gateway(options)
        except KeyboardInterrupt:
            gateway.drain_seconds = 0
            raise
