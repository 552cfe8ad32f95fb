"""`voicecall serve`: run the gateway until SIGTERM or SIGINT, then drain; twice: leave at once."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import anyio
from anyio.abc import TaskStatus

from voicecall import __version__
from voicecall.cli.exit_codes import Exit
from voicecall.cli.loading import load_enabled, log_to_stderr, ready_state_dir
from voicecall.cli.options import Options, Parser
from voicecall.cli.output import Output, complain
from voicecall.config.loader import LoadedConfig
from voicecall.runtime import Running, running


def arguments(parser: Parser) -> None:
    """What it takes: only what every command takes."""


def run(options: Options) -> int:
    """Do it."""
    log_to_stderr(os.environ.get("VOICECALL_LOG", "INFO"))
    state = ready_state_dir(options)
    return anyio.run(_serve, load_enabled(options), state, Output(as_json=options.json))


async def _serve(loaded: LoadedConfig, state: Path, output: Output) -> int:
    stop = anyio.Event()
    async with anyio.create_task_group() as tasks:
        await tasks.start(_watch_signals, stop)
        async with running(loaded, state_dir=state) as gateway:
            _announce(output, gateway)
            await stop.wait()
        tasks.cancel_scope.cancel()
    return Exit.OK


async def _watch_signals(stop: anyio.Event, *, task_status: TaskStatus[None]) -> None:
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        task_status.started()
        async for _ in signals:
            if stop.is_set():
                complain("leaving at once; calls that are still up are taken up by the next start")
                os._exit(Exit.INTERRUPTED)  # draining is shielded; what is stored is safe
            complain("draining; a second signal leaves at once")
            stop.set()


def _announce(output: Output, gateway: Running) -> None:
    shown = {
        "ready": True,
        "version": __version__,
        "gateway": gateway.gateway.url,
        "public": gateway.public.url,
    }
    output.result(
        shown,
        f"voicecall {__version__} is ready: gateway {gateway.gateway.url}, "
        f"webhooks {gateway.public.url}",
    )
