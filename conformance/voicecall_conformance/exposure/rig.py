"""How does a rule meet an exposure? With a listener of ours beside it, and the double behind it."""

from __future__ import annotations

import stat
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import anyio
import httpx

from voicecall.sdk import ExposureContext, ExposureError, PublicEndpoint, SystemClock
from voicecall_conformance.borrowed import LoopbackHttp
from voicecall_conformance.exposure.crashing import crash
from voicecall_conformance.exposure.harness import ExposureHarness, Mishap
from voicecall_conformance.rules import applies, equal, hold
from voicecall_conformance.speech.rig import AT_ONCE_SECONDS, PluginRig, logging_to
from voicecall_conformance.suites.package import secrets_of
from voicecall_conformance.vendor import RestAnswer, RestRequest, serving

LOOK_SECONDS = 0.02


class ExposureRig(PluginRig):
    """One exposure that is not open, and what is behind it."""

    harness: ExposureHarness
    context: ExposureContext

    def __init__(self, harness: ExposureHarness) -> None:
        super().__init__(harness)
        self.arrived: list[RestRequest] = []
        self.limits = {name: _constant(name) for name in harness.limits}

    def answer(self, request: RestRequest) -> RestAnswer:
        """Our listener: notes what comes."""
        self.arrived.append(request)
        self.wire.append(f"arrived {request.method} {request.path}?{request.query}")
        return RestAnswer(body=b"ok")

    @asynccontextmanager
    async def opened(self, *, by_hand: bool = False) -> AsyncIterator[PublicEndpoint]:
        """The exposure, open."""
        context = replace(self.context, by_hand=by_hand)
        async with self.spec.open(self.config, context) as endpoint:
            self.wire.append(f"open    {endpoint.webhook_url} {endpoint.stream_url}")
            yield endpoint
        self.wire.append("closed")

    async def works(self, live: PublicEndpoint | None = None) -> None:
        """Open another one, look after it, and close it."""
        async with self.opened() as endpoint:
            await endpoint.refresh()

    async def crash(self) -> None:
        """Have it open in a process that is killed."""
        await crash(self.harness, self.section, self.context)
        self.wire.append("crashed")

    @property
    def patience(self) -> float:
        """Real seconds for a start that cannot succeed, while it is hurried."""
        return sum(self.harness.limits.values()) + 2 * AT_ONCE_SECONDS

    async def refused(self, mishap: Mishap) -> ExposureError:
        """Opening must be refused, which a person can do something about, and leave nothing."""
        self.harness.meet(mishap)

        async def open_it() -> None:
            async with self.opened():
                pass

        with anyio.move_on_after(self.patience) as scope:
            error = await self.raises(ExposureError, f"a start that is {mishap}", open_it)
        hold(not scope.cancelled_caught, f"it still waits after {self.patience:g} s")
        self.reads_well("the reason", error.reason)
        hold(bool(error.remedy), f"no remedy: {error}")
        await self.leaves_nothing(f"a start that is {mishap}")
        return error

    # -- what is there

    async def leads_here(self, endpoint: PublicEndpoint) -> None:
        """Both URLs must be handed on to our listener, under its paths."""
        ways = {
            endpoint.webhook_url: self.context.webhook_path,
            endpoint.stream_url: self.context.stream_path,
        }
        for url, path in ways.items():
            wanted = _at(f"http://127.0.0.1:{self.context.port}{path}")
            reached = await self.harness.reaches(url)
            equal(f"where {url} leads to", reached and _at(reached), wanted)

    async def leaves_nothing(self, what: str) -> None:
        """Nothing of the plugin's may be there soon after `what`."""
        with anyio.move_on_after(AT_ONCE_SECONDS):
            while await self.left():
                await anyio.sleep(LOOK_SECONDS)
        equal(f"what is left after {what}", await self.left(), [])

    async def left(self) -> list[str]:
        """What there is of the plugin's."""
        folder = self.context.state_dir / "exposures"
        files = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
        return [*await self.harness.present(), *files]

    async def undisturbed(self, what: str) -> None:
        """All that is somebody else's must be as it was after `what`."""
        equal(f"disturbed by {what}", list(await self.harness.disturbed()), [])

    def open_to_others(self) -> list[Path]:
        """Files that hold a secret and that others can read."""
        folders = [self.context.state_dir, *self.harness.folders()]
        files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
        private = [secret.encode() for secret in secrets_of(self.config)]
        return [
            path
            for path in files
            if stat.S_IMODE(path.stat().st_mode) & 0o077
            and any(secret in path.read_bytes() for secret in private)
        ]

    # -- what does not apply to every one

    def starts(self) -> None:
        """The rule is about what is started."""
        applies(self.harness.starts, "it starts nothing and changes nothing")

    def meets(self, *mishaps: Mishap) -> Sequence[Mishap]:
        """Those of `mishaps` that its start can meet; the rule is about them."""
        self.starts()
        found = [each for each in mishaps if each in self.harness.mishaps]
        applies(bool(found), f"no start of it is {' or '.join(mishaps)}")
        return found

    @contextmanager
    def hurried(self) -> Iterator[None]:
        """The limits on waiting are those of the harness."""
        _limit(self.harness.limits)
        try:
            yield
        finally:
            _limit(self.limits)


def _limit(limits: Mapping[str, float]) -> None:
    for name, seconds in limits.items():
        module, _, constant = name.rpartition(".")
        setattr(import_module(module), constant, seconds)


def _constant(name: str) -> float:
    module, _, constant = name.rpartition(".")
    found: float = getattr(import_module(module), constant)
    return found


def _at(url: str) -> tuple[str, int | None, str]:
    """Host, port and path; the names of this machine are one."""
    parts = urlsplit(url)
    host = "127.0.0.1" if parts.hostname == "localhost" else parts.hostname
    return host or "", parts.port, parts.path


async def until(condition: Callable[[], Awaitable[object]], what: str) -> None:
    """`condition` must come true soon."""
    with anyio.move_on_after(AT_ONCE_SECONDS) as scope:
        while not await condition():
            await anyio.sleep(LOOK_SECONDS)
    hold(not scope.cancelled_caught, what)


@asynccontextmanager
async def exposure_rig(harness: ExposureHarness) -> AsyncIterator[ExposureRig]:
    """`harness`'s exposure, which is not open yet."""
    rig = ExposureRig(harness)
    async with (
        serving(rig.answer) as listener,
        httpx.AsyncClient(verify=False, trust_env=False) as client,
    ):
        harness.port = urlsplit(listener).port or 0
        async with harness.vendor() as rig.section:
            with TemporaryDirectory() as state_dir, logging_to(rig) as logger:
                rig.config = rig.spec.config.model_validate(dict(rig.section))
                rig.context = harness.context(
                    http=LoopbackHttp(client),
                    clock=SystemClock(),
                    logger=logger,
                    state_dir=Path(state_dir),
                )
                yield rig
