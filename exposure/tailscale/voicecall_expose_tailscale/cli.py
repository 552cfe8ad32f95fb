"""How is `tailscale` called? Through `sh`, in a thread, limited in time, with all that it said."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import anyio
import anyio.to_thread
import sh

from voicecall.sdk import ExposureError

CALL_SECONDS = 10.0
"""Real seconds that one call may take; enabling Funnel blocks until somebody does so."""
GRACE_SECONDS = 0.3
"""Real seconds that a call ends before a limit around it, so that what was said can be told."""
KILL_SECONDS = 2.0
DOWNLOADS = "https://tailscale.com/download"
_MAC_APPLICATION = "/Applications/Tailscale.app/Contents/MacOS/Tailscale"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a call said. `code`: None when it was ended because its time was up."""

    arguments: tuple[str, ...]
    code: int | None
    out: str
    err: str


def found(binary: str | None) -> str:
    """Where the program is.

    Raises:
        ExposureError: nowhere, or it cannot be executed.
    """
    wanted = ("tailscale", _MAC_APPLICATION) if binary is None else (binary,)
    for each in wanted:
        program = shutil.which(os.path.expanduser(each))
        if program is not None:
            return os.path.abspath(program)
    where = "on the PATH" if binary is None else f"at {binary!r}"
    raise ExposureError(
        f"there is no executable tailscale {where}",
        remedy=f"install it ({DOWNLOADS}) or set tailscale.binary",
    )


async def run(program: str, *arguments: str) -> Result:
    """Call it and wait for its end; it is killed when its time is up or we are cancelled.

    Raises:
        ExposureError: it cannot be executed.
    """
    said = _Said()
    call = await _started(program, arguments, said)
    try:
        with anyio.move_on_after(_seconds()) as limit:
            await anyio.to_thread.run_sync(_ended, call, abandon_on_cancel=True)
    except BaseException:
        await _killed(call)
        raise
    if limit.cancelled_caught:
        await _killed(call)
    code = None if limit.cancelled_caught else call.process.exit_code
    return Result(arguments=arguments, code=code, out="".join(said.out), err="".join(said.err))


class _Said:
    def __init__(self) -> None:
        self.out: list[str] = []
        self.err: list[str] = []


async def _started(program: str, arguments: tuple[str, ...], said: _Said) -> Any:
    # In a session of its own it can be killed with all that it started. sh's own `_timeout`
    # kills one process only, and nothing when the waiting thread is abandoned.
    start: Callable[[], Any] = partial(
        sh.Command(program),
        *arguments,
        _bg=True,
        _bg_exc=False,
        _new_session=True,
        _tty_out=False,
        _in=b"",
        _out=said.out.append,
        _err=said.err.append,
        _env=dict(os.environ),
        _ok_code=range(256),
        _decode_errors="replace",
    )
    try:
        with anyio.CancelScope(shield=True):
            return await anyio.to_thread.run_sync(start)
    except (OSError, sh.ForkException, sh.CommandNotFound) as error:
        raise ExposureError(
            f"{program!r} cannot be executed ({type(error).__name__})",
            remedy=f"install it anew ({DOWNLOADS}) or set tailscale.binary",
        ) from error


def _seconds() -> float:
    rest = anyio.current_effective_deadline() - anyio.current_time()
    return max(0.0, min(CALL_SECONDS, rest - GRACE_SECONDS))


async def _killed(call: Any) -> None:
    with anyio.move_on_after(KILL_SECONDS, shield=True):
        with suppress(ProcessLookupError):
            os.killpg(call.pid, signal.SIGKILL)
        await anyio.to_thread.run_sync(_ended, call, abandon_on_cancel=True)


def _ended(call: Any) -> None:
    # By a signal is an error to sh, whatever `_ok_code` says.
    with suppress(sh.ErrorReturnCode):
        call.wait()
