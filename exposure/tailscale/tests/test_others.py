"""Is nothing of anybody else's ever touched, whatever there is and whatever is done?"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicecall.sdk import ExposureContext, ExposureError
from voicecall_expose_tailscale import daemon
from voicecall_expose_tailscale.endpoint import opened, removed
from voicecall_expose_tailscale.plugin import FUNNEL_PORTS, TailscaleConfig
from voicecall_expose_tailscale.testing import FakeTailscale

HOST, OLD = "box.tail1234.ts.net", "old.tail1234.ts.net"
PATHS = ["/", "/voice", "/voice/webhook", "/voice/webhook/", "/voice/stream", "/app"]
TARGETS = ["http://127.0.0.1:9999", "http://127.0.0.1:33340/voice/webhook", "text:hello"]
OURS = "http://127.0.0.1:3334/"

ports = st.sampled_from(FUNNEL_PORTS)
mounts = st.tuples(ports, st.sampled_from(PATHS), st.sampled_from(TARGETS), st.booleans())
modes: st.SearchStrategy[Literal["serve", "funnel"]] = st.sampled_from(["serve", "funnel"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Something that we do, and what somebody else does meanwhile."""

    what: str
    mode: Literal["serve", "funnel"]
    port: int
    meanwhile: tuple[int, str, str, bool] | None


steps = st.builds(
    Step,
    what=st.sampled_from(["gateway", "crash", "by hand", "remove"]),
    mode=modes,
    port=ports,
    meanwhile=st.none() | mounts,
)


class World:
    """A Tailscale, a state directory, and everybody else's idea of what is theirs."""

    def __init__(self, folder: Path) -> None:
        self.fake = FakeTailscale(folder)
        self.context = ExposureContext(
            http=None,  # type: ignore[arg-type]
            clock=None,  # type: ignore[arg-type]
            logger=logging.getLogger("test"),
            state_dir=folder / "state",
            host="127.0.0.1",
            port=3334,
            webhook_path="/voice/webhook",
            stream_path="/voice/stream",
        )

    def somebody_mounts(self, mount: tuple[int, str, str, bool]) -> None:
        port, path, target, funnel = mount
        config = self.fake.config
        used = config.get("TCP", {}).get(str(port), {"HTTPS": True})
        busy = any(str(port) in each["TCP"] for each in config.get("Foreground", {}).values())
        if used.get("HTTPS") and not busy:
            self.fake.put(path, target, port=port, funnel=funnel)

    def theirs(self) -> dict[str, Any]:
        """All that is not ours; of ports that are not ours alone also whether they are open."""
        config = self.fake.config
        web = {
            at: {
                path: handler
                for path, handler in server["Handlers"].items()
                if not handler.get("Proxy", "").startswith(OURS)
            }
            for at, server in config.get("Web", {}).items()
        }
        shared = {at for at, found in web.items() if found}
        alone = {at.rpartition(":")[2] for at in config.get("Web", {})} - {
            at.rpartition(":")[2] for at in shared
        }
        return {
            "web": {at: found for at, found in web.items() if found},
            "funnel": {at for at in config.get("AllowFunnel", {}) if at in shared},
            "tcp": {at: how for at, how in config.get("TCP", {}).items() if at not in alone},
            "foreground": config.get("Foreground"),
        }

    def markers(self) -> dict[Path, bytes]:
        folder = self.context.state_dir / "exposures"
        return {path: path.read_bytes() for path in folder.glob("*.json")}

    async def do(self, step: Step) -> None:
        config = TailscaleConfig(mode=step.mode, port=step.port, binary=str(self.fake.program))
        if step.what == "remove":
            await removed(config, self.context)
            return
        context = replace(self.context, by_hand=step.what == "by hand")
        async with opened(config, context) as live:
            if step.meanwhile is not None:
                self.somebody_mounts(step.meanwhile)
                before = self.theirs()
                try:
                    await live.refresh()
                except ExposureError:
                    assert self.theirs()["web"]
                assert self.theirs() == before
            left, noted = self.fake.config, self.markers()
        if step.what == "crash":
            # As if nobody had closed it.
            self.fake.set(config=left)
            for path, text in noted.items():
                path.write_bytes(text)
                path.chmod(0o600)


@contextmanager
def world(foreign: list[tuple[int, str, str, bool]], reserved: dict[str, Any]) -> Iterator[World]:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        it = World(Path(folder))
        it.fake.set(config=json.loads(json.dumps(reserved)))
        for mount in foreign:
            it.somebody_mounts(mount)
        patch.setattr(daemon, "run", it.fake.run)
        yield it


reserved = st.fixed_dictionaries(
    {},
    optional={
        "TCP": st.just({"10000": {"TCPForward": "127.0.0.1:22"}}),
        "Foreground": st.just({"a": {"TCP": {"8443": {"HTTPS": True}}, "Web": {}}}),
        "Web": st.just({f"{OLD}:443": {"Handlers": {"/voice/webhook": {"Text": "old"}}}}),
    },
)


@settings(max_examples=60, deadline=None)
@given(st.lists(mounts, max_size=3), reserved, st.lists(steps, min_size=1, max_size=4))
def test_whatever_we_do_everybody_elses_things_stay(
    foreign: list[tuple[int, str, str, bool]], reserved: dict[str, Any], done: list[Step]
) -> None:
    with world(foreign, reserved) as it:

        async def main() -> None:
            for step in done:
                before = it.theirs()
                try:
                    await it.do(step)
                except ExposureError as error:
                    assert error.remedy
                if step.meanwhile is None:
                    assert it.theirs() == before
            # In the end nothing of ours is there either.
            it.context.state_dir.mkdir(exist_ok=True)
            await removed(TailscaleConfig(binary=str(it.fake.program)), it.context)
            await clear(it)

        anyio.run(main)
        assert not [each for each in it.fake.serving.mounts if each.target.startswith(OURS)]
        assert it.markers() == {}
        for call in it.fake.calls:
            assert "reset" not in call
            assert "off" not in call or any(each.startswith("--set-path=/") for each in call)


async def clear(it: World) -> None:
    """The next start of a gateway, wherever it can start."""
    for port in FUNNEL_PORTS:
        try:
            await it.do(Step(what="gateway", mode="serve", port=port, meanwhile=None))
        except ExposureError:
            continue
