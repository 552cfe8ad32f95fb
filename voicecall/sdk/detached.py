"""How does an exposure keep a program that may outlive us? Noted, started, found again, ended.

Not imported by `voicecall.sdk`: import it where something is started, not in ``plugin.py``.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import anyio
import anyio.to_thread
import psutil

from voicecall.errors import ExposureError
from voicecall.sdk import processes
from voicecall.sdk.exposure import Marker
from voicecall.sdk.processes import Running

LONGEST_LOG = 1_000_000
"""Bytes; nobody reads what is older."""


class DetachedProcess:
    """One program of an exposure, in a session of its own.

    What must be known of it after a crash stands in its marker before it is started; what it says
    goes to a private file beside the marker, which it can write to also when we are gone.

    Args:
        state_dir: `ExposureContext.state_dir`.
        name: of the marker.
        what: as a message names it, such as ``an acme agent``.
        files: suffixes of more private files, which are gone with it.
    """

    def __init__(self, state_dir: Path, name: str, *, what: str, files: Sequence[str] = ()) -> None:
        self._folder = Path(os.path.abspath(state_dir)) / "exposures"
        self._name = name
        self._what = what
        self._files = (*files, "log")
        self._marker = Marker(state_dir, name)
        self._running: Running | None = None

    def path(self, suffix: str) -> Path:
        """The private file with that suffix; ``log`` is what the program says."""
        return self._folder / f"{self._name}.{suffix}"

    @property
    def noted(self) -> Mapping[str, object]:
        """What the marker says; nothing when there is none."""
        return self._marker.read() or {}

    @property
    def is_alive(self) -> bool:
        """Whether it was started or adopted here, and runs."""
        return self._running is not None and self._running.is_alive

    @property
    def is_owned(self) -> bool:
        """Whether the process that started it, and will end it, is alive."""
        owner = _process(self.noted, "owner", "owner_created")
        return owner is not None and owner.is_alive

    # -- its life

    def start(
        self,
        command: tuple[str, ...],
        environment: Mapping[str, str],
        *,
        purpose: str,
        by_hand: bool,
        remedy: str,
        files: Mapping[str, str] | None = None,
    ) -> None:
        """Note it down and start it, after `clear`.

        Args:
            command: an absolute path, and arguments that hold no secret.
            environment: all of it; a variable is added by which the process is found again.
            purpose: what tells two programs apart; see `adopt`.
            by_hand: whether it is to stay when we end.
            remedy: for a program that cannot be executed.
            files: suffix → text of more private files that it needs.

        Raises:
            ExposureError: it cannot be executed.
        """
        tag = secrets.token_hex(16)
        noted: dict[str, object] = {"tag": tag, "purpose": purpose}
        if not by_hand:
            us = Running.of(os.getpid())
            noted |= {"owner": us.pid, "owner_created": us.created}
        self._marker.write(noted)
        for suffix, text in {"log": "", **(files or {})}.items():
            _write(self.path(suffix), text)
        tagged = {**environment, processes.TAG: tag}
        try:
            running = processes.start(command, tagged, self.path("log"))
        except (OSError, psutil.Error) as error:
            raise ExposureError(
                f"{command[0]!r} cannot be executed: {error}", remedy=remedy
            ) from error
        self._running = running
        self._marker.write({**noted, "pid": running.pid, "created": running.created})

    def note(self, **more: object) -> None:
        """Add to the marker."""
        self._marker.write({**self.noted, **more})

    async def find(self) -> Running | None:
        """The process that the marker is about, if it is alive, whoever started it."""
        noted = self.noted
        tag = noted.get("tag")
        if not isinstance(tag, str):
            return None
        running = _process(noted, "pid", "created")
        if running is not None and await running.has_tag(tag):
            return running
        return await anyio.to_thread.run_sync(processes.tagged, tag)

    async def adopt(self, purpose: str) -> bool:
        """Take over what an earlier process left running; whether it is for the same purpose."""
        self._running = await self.find()
        return self._running is not None and self.noted.get("purpose") == purpose

    async def clear(self) -> bool:
        """End it, whoever started it, and forget it; whether there was anything to forget.

        Raises:
            ExposureError: a process that is alive has it open.
        """
        noted = self._marker.read()
        if noted is None:
            return False
        with anyio.CancelScope(shield=True):
            if noted.get("owner") != os.getpid() and self.is_owned:
                raise ExposureError(
                    f"process {noted['owner']} has {self._what} open",
                    remedy="stop that gateway, or give this one another state directory",
                )
            running = await self.find()
            if running is not None:
                await processes.end(running)
            for suffix in self._files:
                self.path(suffix).unlink(missing_ok=True)
            self._marker.clear()
        self._running = None
        return True

    # -- what it says

    async def said(self) -> str:
        """What the program said lately."""
        try:
            log = anyio.Path(self.path("log"))
            return await log.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""

    async def shorten_log(self) -> None:
        """Throw away more than anybody would read."""
        log = anyio.Path(self.path("log"))
        with suppress(OSError):
            if (await log.stat()).st_size > LONGEST_LOG:
                os.truncate(log, 0)


def _write(path: Path, text: str) -> None:
    """A private file anew."""
    path.unlink(missing_ok=True)
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW
    with os.fdopen(os.open(path, flags, 0o600), "w", encoding="utf-8") as file:
        file.write(text)


def _process(noted: Mapping[str, object], pid: str, created: str) -> Running | None:
    number, since = noted.get(pid), noted.get(created)
    if isinstance(number, int) and isinstance(since, int | float):
        return Running(pid=number, created=since)
    return None
