"""Is a public URL that drifts, or leads elsewhere, noticed in time, and told once?"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest
import trio.testing

from voicecall.errors import ConfigError, ExposureError
from voicecall.reachability import Reachability, refuse_private
from voicecall.sdk.clock import SystemClock
from voicecall.sdk.exposure import PublicEndpoint
from voicecall.sdk.sink import PublicUrlChanged
from voicecall.web.prober import Reached
from voicecall.webhooks.origin import PublicUrls


class Tunnel(PublicEndpoint):
    """A tunnel whose host the test changes; None: it is down."""

    def __init__(self) -> None:
        self.host: str | None = "one.example"
        self.hangs = False

    @property
    def webhook_url(self) -> str:
        return f"https://{self.host}/voice/webhook"

    @property
    def stream_url(self) -> str:
        return f"wss://{self.host}/voice/stream"

    async def refresh(self) -> None:
        if self.hangs:
            await anyio.sleep_forever()
        if self.host is None:
            raise ExposureError("the tunnel is down", remedy="start it")


class World:
    """One watch over one tunnel, in virtual time."""

    def __init__(self, *, proving: bool = True) -> None:
        self.tunnel = Tunnel()
        self.urls = PublicUrls(self.tunnel.webhook_url, self.tunnel.stream_url)
        self.found: list[str] = []
        self.probed: list[tuple[float, str]] = []
        self.changes: list[PublicUrlChanged] = []
        self.watch = Reachability(
            self.tunnel,
            self.urls,
            self if proving else None,
            clock=SystemClock(),
            required=False,
            moved=self._moved,
        )

    async def faults(self, urls: PublicUrls) -> list[str]:
        self.probed.append((anyio.current_time(), urls.webhook()))
        return list(self.found)

    async def _moved(self, change: PublicUrlChanged) -> None:
        self.changes.append(change)


def virtually(main: Callable[[World], Awaitable[None]], **options: Any) -> World:
    world = World(**options)

    async def run() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(world.watch.watch)
            await main(world)
            tasks.cancel_scope.cancel()

    clock = trio.testing.MockClock(autojump_threshold=0)
    anyio.run(run, backend="trio", backend_options={"clock": clock})
    return world


def test_acceptance_45_a_url_that_changes_is_noticed_within_thirty_seconds_and_followed() -> None:
    async def main(world: World) -> None:
        await anyio.sleep(61)
        world.tunnel.host = "two.example"
        await anyio.sleep(30)
        assert world.urls.webhook("status", a="1") == (
            "https://two.example/voice/webhook/status?a=1"
        )
        assert world.urls.stream("t") == "wss://two.example/voice/stream/t"
        assert world.urls.former is not None
        assert world.urls.former.webhook() == "https://one.example/voice/webhook"

    world = virtually(main)
    (change,) = world.changes
    assert (change.former, change.current) == (
        "https://one.example/voice/webhook",
        "https://two.example/voice/webhook",
    )
    assert world.watch.verdict.changes == 1
    assert world.watch.verdict.url == change.current
    assert world.probed[-1][1] == change.current


def test_a_good_url_is_proved_every_minute_and_a_bad_one_every_ten_seconds(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def main(world: World) -> None:
        await anyio.sleep(119)
        assert [when - world.probed[0][0] for when, _ in world.probed] == [0, 60]
        assert world.watch.verdict.reached is Reached.YES
        world.found = ["nobody answers"]
        await anyio.sleep(35)
        assert str(world.watch.verdict.reached) == "unreachable"
        assert world.watch.verdict.problem == "nobody answers"
        assert len(world.probed) == 6
        world.found = []
        await anyio.sleep(10)
        assert world.watch.verdict.reached is Reached.YES

    with caplog.at_level(logging.INFO):
        virtually(main)
    told = [record.message for record in caplog.records]
    assert told == ["carriers may not reach us: nobody answers", "carriers reach us again"]


def test_a_tunnel_that_is_down_or_hangs_is_told_and_taken_up_again() -> None:
    async def main(world: World) -> None:
        await anyio.sleep(5)
        world.tunnel.host = None
        await anyio.sleep(10)
        assert world.watch.verdict.problem == "the tunnel is down; start it"
        world.tunnel.host, world.tunnel.hangs = "one.example", True
        await anyio.sleep(25)
        assert world.watch.verdict.problem == "the exposure did not answer within 10 s"
        world.tunnel.hangs = False
        await anyio.sleep(25)
        assert world.watch.verdict.reached is Reached.YES

    assert virtually(main).changes == []


def test_a_url_that_shall_not_be_proved_is_followed_nevertheless() -> None:
    async def main(world: World) -> None:
        await anyio.sleep(1)
        world.tunnel.host = "two.example"
        await anyio.sleep(30)

    world = virtually(main, proving=False)
    assert (len(world.changes), world.probed) == (1, [])
    assert world.watch.verdict.reached is Reached.UNCHECKED


def test_a_start_that_needs_the_url_waits_for_a_young_name_and_then_gives_up() -> None:
    async def main() -> None:
        world = World()
        world.found = ["the name one.example does not resolve"]
        began = anyio.current_time()
        with pytest.raises(ExposureError, match="does not resolve; mend it, or set reachability"):
            await world.watch.require()
        assert 20 <= anyio.current_time() - began <= 30
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(world.watch.require)
            await anyio.sleep(3)
            world.found = []
        assert world.watch.verdict.reached is Reached.YES

    clock = trio.testing.MockClock(autojump_threshold=0)
    anyio.run(main, backend="trio", backend_options={"clock": clock})


def test_a_url_that_is_private_as_it_is_written_is_refused_with_a_remedy() -> None:
    with pytest.raises(ConfigError, match="no carrier reaches; set publicUrl to the name"):
        refuse_private("https://10.0.0.7/voice/webhook")
    refuse_private("https://voice.example.com/voice/webhook")
