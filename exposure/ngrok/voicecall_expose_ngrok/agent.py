"""How does one agent live? Noted down, started, looked after, ended or left, forgotten."""

from __future__ import annotations

import os
from contextlib import suppress

import anyio
import psutil

from voicecall.sdk import ExposureContext, ExposureError
from voicecall_expose_ngrok import faults, process, said
from voicecall_expose_ngrok.api import AgentApi
from voicecall_expose_ngrok.process import Running
from voicecall_expose_ngrok.settled import Files, Purpose

START_SECONDS = 10.0
"""Real seconds from the start until ngrok's service has let the agent in."""
LOOK_SECONDS = 0.05
LONGEST_LOG = 1_000_000
"""Bytes; nobody reads what is older."""


class Agent:
    """One ngrok agent of ours.

    Its marker is written before it is started; what it says goes to a private file, which it can
    write to also when we are gone.

    Args:
        purpose: what it is for.
        context: lent by the kernel.
        name: of the marker.
    """

    def __init__(self, purpose: Purpose, context: ExposureContext, *, name: str) -> None:
        self._purpose = purpose
        self._context = context
        self._files = Files(context.state_dir, name)
        self._running: Running | None = None
        self._api: AgentApi | None = None
        self.url = ""
        """``https://HOST``, once it is up."""

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._running is not None and self._running.is_alive

    async def start(self, program: str) -> None:
        """Start it anew and have our listener made public.

        Raises:
            ExposureError: it does not get anywhere; nothing is left of it.
        """
        await clear(self._files)
        try:
            await self._start(program)
        except BaseException:
            await clear(self._files)
            raise

    async def adopt(self) -> bool:
        """Take over what an earlier process left running for the same purpose, if it still runs."""
        noted = self._files.marker.read() or {}
        self._running = await find(noted, self._files)
        base = noted.get("api")
        if self._running is None or noted.get("purpose") != self._purpose.noted:
            return False
        if not isinstance(base, str):
            return False
        self._api = AgentApi(base, self._purpose.token)
        return True

    async def look(self) -> None:
        """Make `url` true again; an endpoint that is gone from the agent is made again.

        Raises:
            Unanswered: the agent has no answer.
            ExposureError: the endpoint cannot be made.
        """
        if self._api is None:
            raise faults.Unanswered("no ngrok agent is running", remedy="it is started anew")
        await self._shorten()
        found = await self._api.public_url()
        if found is None:
            found = await self._api.make(self._purpose.upstream, self._purpose.domain)
        self.url = found

    async def clear(self) -> bool:
        """End and forget it; whether there was anything to forget.

        Raises:
            ExposureError: a process that is alive has it open.
        """
        self._running = self._api = None
        return await clear(self._files)

    async def reason(self) -> str:
        """The last thing it complained about."""
        return faults.plain(said.heard(await self._read()).complaint, self._purpose.token)

    async def _start(self, program: str) -> None:
        files, us = self._files, Running.of(os.getpid())
        noted: dict[str, object] = {"config": str(files.config), "purpose": self._purpose.noted}
        if not self._context.by_hand:
            noted |= {"owner": us.pid, "owner_created": us.created}
        files.marker.write(noted)
        files.make(self._purpose.token)
        call = (program, "start", "--none", "--log", "stdout", "--config", str(files.config))
        try:
            running = process.start(call, _environment(), files.log)
        except (OSError, psutil.Error) as error:
            raise ExposureError(
                f"{program!r} cannot be executed: {error}",
                remedy="install ngrok anew, or set tunnel.ngrokPath",
            ) from error
        self._running = running
        noted |= {"pid": running.pid, "created": running.created}
        files.marker.write(noted)
        self._api = AgentApi(await self._connected(), self._purpose.token)
        self.url = await self._api.make(self._purpose.upstream, self._purpose.domain)
        files.marker.write({**noted, "api": self._api.base, "url": self.url})

    async def _connected(self) -> str:
        """Wait until ngrok has let it in; where its API is."""
        with anyio.move_on_after(START_SECONDS):
            while True:
                ended = not self.is_alive
                now = said.heard(await self._read())
                if ended or now.is_final:
                    raise faults.of_start(now.complaint, self._purpose.token)
                if now.connected and now.api is not None:
                    return now.api
                await anyio.sleep(LOOK_SECONDS)
        last = await self.reason() or "it said nothing"
        raise ExposureError(
            f"ngrok is not connected after {START_SECONDS:g} s: {last}",
            remedy="run `ngrok diagnose` to check the network (TCP port 443 to ngrok's service), "
            "and `ngrok update` for the newest agent",
        )

    async def _read(self) -> str:
        """What it said lately."""
        try:
            return await anyio.Path(self._files.log).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""

    async def _shorten(self) -> None:
        """It logs every request; more than anybody would read is thrown away."""
        log = anyio.Path(self._files.log)
        with suppress(OSError):
            if (await log.stat()).st_size > LONGEST_LOG:
                os.truncate(log, 0)


async def find(noted: dict[str, object], files: Files) -> Running | None:
    """The agent that a marker is about, if it is alive.

    The path of its configuration, in our state directory, stands on its command line: neither
    another process that has the id by now, nor another ngrok, has that.
    """
    running = _process(noted, "pid", "created")
    if running is not None:
        alive = running.is_alive and running.has_argument(str(files.config))
        return running if alive else None
    return await process.with_argument(str(files.config)) if noted else None


async def clear(files: Files) -> bool:
    """End and forget the agent of these files, whoever started it; whether there was anything.

    Raises:
        ExposureError: a process that is alive has it open.
    """
    noted = files.marker.read()
    if noted is None:
        return False
    with anyio.CancelScope(shield=True):
        if noted.get("owner") != os.getpid() and is_owned(noted):
            raise ExposureError(
                f"process {noted['owner']} has an ngrok agent open",
                remedy="stop that gateway, or give this one another state directory",
            )
        running = await find(noted, files)
        if running is not None:
            await process.end(running)
        files.clear()
    return True


def is_owned(noted: dict[str, object]) -> bool:
    """Whether the process that started it, and will end it, is alive."""
    owner = _process(noted, "owner", "owner_created")
    return owner is not None and owner.is_alive


def _process(noted: dict[str, object], pid: str, created: str) -> Running | None:
    number, since = noted.get(pid), noted.get(created)
    if isinstance(number, int) and isinstance(since, int | float):
        return Running(pid=number, created=since)
    return None


def _environment() -> dict[str, str]:
    """Ours without ngrok's own variables, which could overrule its configuration."""
    return {name: value for name, value in os.environ.items() if not name.startswith("NGROK_")}
