"""`voicecall serve`: run the gateway until SIGTERM or SIGINT, then drain; twice: leave at once.

SIGHUP reads the configuration again, unless it tells that our terminal is gone; then we drain.
"""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

import anyio
from anyio.abc import TaskStatus

from voicecall import __version__
from voicecall.cli import service_manager
from voicecall.cli.exit_codes import Exit
from voicecall.cli.loading import load_enabled, log_format, log_to_stderr, ready_state_dir
from voicecall.cli.options import Options, Parser
from voicecall.cli.output import Output, complain
from voicecall.config.loader import LoadedConfig
from voicecall.errors import VoicecallError
from voicecall.runtime import Running, running

logger = logging.getLogger(__name__)


def arguments(parser: Parser) -> None:
    """What it takes: only what every command takes."""


def run(options: Options) -> int:
    """Do it."""
    log_to_stderr(os.environ.get("VOICECALL_LOG", "INFO"))
    state = ready_state_dir(options)
    loaded = load_enabled(options)
    reread = partial(load_enabled, options, loaded.registry)
    return anyio.run(_serve, loaded, state, Output(as_json=options.json), reread)


async def _serve(
    loaded: LoadedConfig, state: Path, output: Output, reread: Callable[[], LoadedConfig]
) -> int:
    stop = anyio.Event()
    reloader = _Reloader(stop)
    starting = anyio.CancelScope()

    def give_up() -> None:
        if reloader.gateway is None:
            starting.cancel()

    async with anyio.create_task_group() as tasks:
        await tasks.start(_watch_signals, stop, give_up)
        await tasks.start(reloader.watch)
        with starting:
            async with running(loaded, state_dir=state, reread=reread) as gateway:
                reloader.gateway = gateway
                _announce(output, gateway)
                await stop.wait()
        tasks.cancel_scope.cancel()
    return Exit.OK


async def _watch_signals(
    stop: anyio.Event, give_up: Callable[[], None], *, task_status: TaskStatus[None]
) -> None:
    """At the first signal set `stop`, and `give_up` a start; at the second leave at once."""
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        task_status.started()
        async for _ in signals:
            if stop.is_set():
                complain("leaving at once; calls that are still up are taken up by the next start")
                os._exit(Exit.INTERRUPTED)  # draining is shielded; what is stored is safe
            complain("draining; a second signal leaves at once")
            service_manager.stopping()
            stop.set()
            give_up()


class _Reloader:
    """Reloads at every SIGHUP; one that comes before the gateway is ready changes nothing.

    Args:
        stop: set when the terminal that we were started from was closed.
    """

    def __init__(self, stop: anyio.Event) -> None:
        self.gateway: Running | None = None
        self._stop = stop
        self._in_terminal = _has_terminal()

    async def watch(self, *, task_status: TaskStatus[None]) -> None:
        with anyio.open_signal_receiver(signal.SIGHUP) as signals:
            task_status.started()
            async for _ in signals:
                if self._in_terminal and not _has_terminal():
                    service_manager.stopping()
                    self._stop.set()
                elif self.gateway is not None and not self._stop.is_set():
                    await self._reload(self.gateway)

    async def _reload(self, gateway: Running) -> None:
        service_manager.reloading()
        try:
            changed = await gateway.reload()
        except VoicecallError as error:
            _note(
                f"not reloaded, the old configuration stays in force: {error.message}", failed=True
            )
        else:
            _note(f"reloaded: {', '.join(changed) or 'nothing has changed'}")
        finally:
            if not self._stop.is_set():
                service_manager.ready(_status(gateway))


def _note(text: str, *, failed: bool = False) -> None:
    """Tell whoever started us; as a log line where programs read stderr."""
    if log_format() == "json":
        logger.log(logging.ERROR if failed else logging.INFO, text)
    else:
        complain(text)


def _has_terminal() -> bool:
    """Whether somebody sits in front of us."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


def _announce(output: Output, gateway: Running) -> None:
    shown = {
        "ready": True,
        "version": __version__,
        "gateway": gateway.gateway.url,
        "public": gateway.public.url,
    }
    output.result(shown, f"voicecall {__version__} is ready: {_status(gateway)}")
    service_manager.ready(_status(gateway))


def _status(gateway: Running) -> str:
    return f"gateway {gateway.gateway.url}, webhooks {gateway.public.url}"
