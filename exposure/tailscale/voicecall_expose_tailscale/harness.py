"""What is behind the exposure `tailscale` in conformance tests? A program that plays it."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar
from urllib.parse import urlsplit

import httpx

from voicecall.sdk import Marker
from voicecall_conformance import ExposureHarness, Mishap
from voicecall_expose_tailscale.fake_tailscale import NAME
from voicecall_expose_tailscale.record import BY_HAND, GATEWAY
from voicecall_expose_tailscale.testing import FakeTailscale

ENDPOINT = "voicecall_expose_tailscale.endpoint"
THEIRS = "http://127.0.0.1:9/theirs"


class TailscaleHarness(ExposureHarness):
    """A Tailscale that is connected to nobody, with Funnel."""

    name = "tailscale"
    module = "voicecall_expose_tailscale.plugin"
    drifts = True
    forwards = True
    limits: ClassVar[Mapping[str, float]] = {
        f"{ENDPOINT}.OPEN_SECONDS": 3.0,
        f"{ENDPOINT}.CLOSE_SECONDS": 9.0,
    }

    mode = "funnel"
    public_port = 8443

    @asynccontextmanager
    async def vendor(self) -> AsyncIterator[Mapping[str, object]]:
        """The program in a directory of its own."""
        with TemporaryDirectory() as folder:
            self._tailscale = FakeTailscale(Path(folder))
            self._before: dict[str, object] = {}
            try:
                yield {
                    "mode": self.mode,
                    "port": self.public_port,
                    "binary": str(self._tailscale.program),
                }
            finally:
                for pid in self._tailscale.blocked():
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)

    # -- what the double tells

    async def reaches(self, url: str) -> str | None:
        """The longest mount that holds the path, which is replaced by the target's."""
        parts, serving = urlsplit(url), self._tailscale.serving
        host, port = parts.hostname or "", parts.port or 443
        if host != self._tailscale.host or serving.is_funnel(host, port) != (self.mode == "funnel"):
            return None
        fitting = [
            each
            for each in serving.mounts
            if (each.host, each.port) == (host, port)
            and f"{parts.path}/".startswith(f"{each.path.rstrip('/')}/")
        ]
        if not fitting:
            return None
        mount = max(fitting, key=lambda each: len(each.path))
        return mount.target + parts.path[len(mount.path.rstrip("/")) :]

    async def present(self) -> Sequence[str]:
        """Mounts that lead to our listener, and calls that do not end."""
        mounts = [
            str(each)
            for each in self._tailscale.serving.mounts
            if each.host == self._tailscale.host and f"{self.local_url}/" in each.target
        ]
        return [*mounts, *(f"process {pid}" for pid in self._tailscale.blocked())]

    async def started(self) -> int:
        """Calls that changed something, or would have."""
        return sum("status" not in call for call in self._tailscale.calls)

    async def command_lines(self) -> Sequence[str]:
        """All of them."""
        return [" ".join(call) for call in self._tailscale.calls]

    # -- what the double is told

    def meet(self, mishap: Mishap | None) -> None:
        """Tell it, or take the program away."""
        modes = {Mishap.REFUSED: "denied", Mishap.HANGS: "funnel_off_block"}
        self._tailscale.set(mode=modes.get(mishap, "ok") if mishap else "ok")
        self._tailscale.program.chmod(0o600 if mishap is Mishap.MISSING else 0o700)

    async def die(self) -> None:
        """Somebody takes our mounts away."""
        for mount in self._tailscale.serving.mounts:
            if f"{self.local_url}/" in mount.target:
                self._tailscale.off(mount)

    async def drift(self) -> None:
        """The machine is renamed."""
        self._tailscale.set(name="other.tail1234.ts.net")

    async def send(self, url: str, body: bytes) -> None:
        """To where it leads, as the daemon would."""
        target, query = await self.reaches(url), urlsplit(url).query
        async with httpx.AsyncClient(trust_env=False) as client:
            await client.post(f"{target}?{query}", content=body)

    # -- what is somebody else's

    async def intrude(self, state_dir: Path) -> None:
        """Other mounts, at our paths on other ports, and markers that seem to be about them."""
        self._tailscale.put(self.webhook_path, THEIRS, port=443)
        self._tailscale.put("/", "text:hello", port=443)
        self._tailscale.put(self.webhook_path, THEIRS, port=10000, funnel=True)
        self._before = self._tailscale.config
        theirs = {"host": NAME, "port": 443, "path": self.webhook_path, "before": None}
        target = f"{self.local_url}{self.webhook_path}"
        for name in (GATEWAY, BY_HAND):
            noted = {"made": [{**theirs, "target": target}], "funnels": []}
            Marker(state_dir, name).write(noted)

    async def disturbed(self) -> Sequence[str]:
        """Ports that are no longer as they were."""
        now = self._tailscale.config
        return [
            f"{what} of port {port}"
            for what in ("TCP", "Web", "AllowFunnel")
            for port in (443, 10000)
            if _about(self._before, what, port) != _about(now, what, port)
        ]


def _about(config: Mapping[str, object], what: str, port: int) -> dict[str, object]:
    found = config.get(what, {})
    assert isinstance(found, dict)
    return {key: value for key, value in found.items() if key.rpartition(":")[2] == str(port)}
