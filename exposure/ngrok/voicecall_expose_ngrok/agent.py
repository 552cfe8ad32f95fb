"""How does one agent live? Noted down, started, looked after, ended or left, forgotten."""

from __future__ import annotations

import os
from pathlib import Path

import anyio
import yaml

from voicecall.sdk import ExposureContext, ExposureError
from voicecall.sdk.detached import DetachedProcess
from voicecall_expose_ngrok import faults, said
from voicecall_expose_ngrok.api import AgentApi
from voicecall_expose_ngrok.settled import Purpose

START_SECONDS = 10.0
"""Real seconds from the start until ngrok's service has let the agent in."""
LOOK_SECONDS = 0.05
CONFIG = "yml"
"""Suffix of the agent's configuration, which keeps the token off the command line."""


def process(state_dir: Path, name: str) -> DetachedProcess:
    """The agent of the marker `name`, whoever started it."""
    return DetachedProcess(state_dir, name, what="an ngrok agent", files=(CONFIG,))


class Agent:
    """One ngrok agent of ours.

    Args:
        purpose: what it is for.
        context: lent by the kernel.
        name: of the marker.
    """

    def __init__(self, purpose: Purpose, context: ExposureContext, *, name: str) -> None:
        self._purpose = purpose
        self._context = context
        self._process = process(context.state_dir, name)
        self._api: AgentApi | None = None
        self.url = ""
        """``https://HOST``, once it is up."""

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._process.is_alive

    async def start(self, program: str) -> None:
        """Start it anew and have our listener made public.

        Raises:
            ExposureError: it does not get anywhere; nothing is left of it.
        """
        await self.clear()
        try:
            await self._start(program)
        except BaseException:
            await self.clear()
            raise

    async def adopt(self) -> bool:
        """Take over what an earlier process left running for the same purpose, if it still runs."""
        base = self._process.noted.get("api")
        if not await self._process.adopt(self._purpose.noted) or not isinstance(base, str):
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
        await self._process.shorten_log()
        found = await self._api.public_url()
        if found is None:
            found = await self._api.make(self._purpose.upstream, self._purpose.domain)
        self.url = found

    async def clear(self) -> bool:
        """End and forget it; whether there was anything to forget.

        Raises:
            ExposureError: a process that is alive has it open.
        """
        self._api = None
        return await self._process.clear()

    async def reason(self) -> str:
        """The last thing it complained about."""
        return faults.plain(said.heard(await self._process.said()).complaint, self._purpose.token)

    async def _start(self, program: str) -> None:
        process = self._process
        config = str(process.path(CONFIG))
        process.start(
            (program, "start", "--none", "--log", "stdout", "--config", config),
            _environment(),
            purpose=self._purpose.noted,
            by_hand=self._context.by_hand,
            remedy="install ngrok anew, or set tunnel.ngrokPath",
            files={CONFIG: _configuration(self._purpose.token)},
        )
        self._api = AgentApi(await self._connected(), self._purpose.token)
        self.url = await self._api.make(self._purpose.upstream, self._purpose.domain)
        process.note(api=self._api.base, url=self.url)

    async def _connected(self) -> str:
        """Wait until ngrok has let it in; where its API is."""
        with anyio.move_on_after(START_SECONDS):
            while True:
                ended = not self.is_alive
                now = said.heard(await self._process.said())
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


def _configuration(token: str) -> str:
    """What it reads at its start. Source: https://ngrok.com/docs/agent/config/v3"""
    settings = {"version": "3", "agent": {"authtoken": token}}
    return str(yaml.safe_dump(settings, sort_keys=False))


def _environment() -> dict[str, str]:
    """Ours without ngrok's own variables, which could overrule its configuration."""
    return {name: value for name, value in os.environ.items() if not name.startswith("NGROK_")}
