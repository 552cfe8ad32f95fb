"""Do mounts come, stay and go as they should, and does every failure say what to do?"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import anyio
import pytest

from voicecall.sdk import ExposureContext, ExposureError, Marker, Severity
from voicecall_expose_tailscale.endpoint import cleared, opened, removed
from voicecall_expose_tailscale.findings import findings
from voicecall_expose_tailscale.plugin import TailscaleConfig
from voicecall_expose_tailscale.serving import Mount
from voicecall_expose_tailscale.testing import FakeTailscale

Config = Callable[..., TailscaleConfig]
HOST = "box.tail1234.ts.net"
WEBHOOK = "http://127.0.0.1:3334/voice/webhook"
STREAM = "http://127.0.0.1:3334/voice/stream"
THEIRS = "http://127.0.0.1:9999/app"

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("in_process")]


def ours(port: int = 443, host: str = HOST) -> set[Mount]:
    return {
        Mount(host=host, port=port, path="/voice/webhook", target=WEBHOOK),
        Mount(host=host, port=port, path="/voice/stream", target=STREAM),
    }


def changes(fake: FakeTailscale) -> list[str]:
    return [" ".join(call) for call in fake.calls if "status" not in call]


def markers(context: ExposureContext) -> list[str]:
    return sorted(path.name for path in (context.state_dir / "exposures").glob("*"))


async def test_the_port_443_is_not_written_and_serve_stays_within_the_network(
    fake: FakeTailscale, context: ExposureContext, config: Config
) -> None:
    async with opened(config(mode="serve"), context) as live:
        assert live.webhook_url == f"https://{HOST}/voice/webhook"
        assert fake.serving.mounts == ours()
        assert not fake.serving.is_funnel(HOST, 443)
    assert fake.config == {}


FAILURES = [
    ({"mode": "stopped"}, "is stopped", "tailscale up"),
    ({"mode": "needs_login"}, "nobody is logged in", "https://login.tailscale.com/a/0123456789ab"),
    ({"mode": "machine_auth"}, "waits for approval", "admin/machines"),
    ({"mode": "funnel_off_exit0"}, "not enabled", "login.tailscale.com/f/funnel.node=nodeid"),
    ({"mode": "no_https"}, "HTTPS certificates", "tailscale.com/s/https"),
    ({"mode": "policy"}, "access policy", "tailscale.com/s/no-funnel"),
    ({"mode": "denied"}, "may not change", "--operator="),
    ({"mode": "daemon_down"}, "daemon does not answer", "systemctl start tailscaled"),
    ({"busy": 4}, "another program keeps changing", "try again"),
    ({"version": "1.50.1-t1"}, "too old", "1.52"),
]


@pytest.mark.parametrize(
    ("state", "reason", "remedy"), FAILURES, ids=[str(each[0]) for each in FAILURES]
)
async def test_a_failure_says_why_and_what_to_do_and_leaves_nothing(
    fake: FakeTailscale,
    context: ExposureContext,
    config: Config,
    state: dict[str, object],
    reason: str,
    remedy: str,
) -> None:
    fake.set(**state)
    with pytest.raises(ExposureError, match=reason) as caught:
        async with opened(config(), context):
            pass
    assert caught.value.remedy is not None
    assert re.search(remedy, caught.value.remedy)
    assert fake.config == {}
    assert markers(context) == []


async def test_a_change_that_another_client_prevents_is_tried_three_times_more(
    fake: FakeTailscale, context: ExposureContext, config: Config
) -> None:
    fake.set(busy=3)
    async with opened(config(), context):
        assert fake.serving.mounts == ours()


async def test_a_daemon_that_starts_is_waited_for(
    fake: FakeTailscale, context: ExposureContext, config: Config
) -> None:
    fake.set(mode="starting")

    async def run_it() -> None:
        while not fake.calls:
            await anyio.sleep(0.01)
        fake.set(mode="ok")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run_it)
        async with opened(config(), context):
            assert fake.serving.mounts == ours()


async def test_a_port_with_somebody_elses_mount_is_refused_by_its_name(
    fake: FakeTailscale, context: ExposureContext, config: Config
) -> None:
    fake.put("/app", THEIRS)
    before = fake.config
    with pytest.raises(ExposureError, match=f"somebody else's https://{HOST}/app") as caught:
        async with opened(config(), context):
            pass
    assert "443, 8443 or 10000" in str(caught.value.remedy)
    assert fake.config == before
    assert changes(fake) == []


async def test_our_own_path_with_another_target_is_somebody_elses(
    fake: FakeTailscale, context: ExposureContext, config: Config
) -> None:
    fake.put("/voice/webhook", THEIRS)
    with pytest.raises(ExposureError, match="/voice/webhook"):
        async with opened(config(), context):
            pass
    assert changes(fake) == []


@pytest.mark.parametrize(
    "served",
    [
        {"TCP": {"443": {"TCPForward": "127.0.0.1:22"}}},
        {"TCP": {"443": {"HTTP": True}}},
        {"Foreground": {"session": {"TCP": {"443": {"HTTPS": True}}}}},
        {"Web": {"old.tail1234.ts.net:443": {"Handlers": {"/": {"Text": "hello"}}}}},
    ],
)
async def test_a_port_that_is_used_in_another_way_is_refused(
    fake: FakeTailscale, context: ExposureContext, config: Config, served: dict[str, object]
) -> None:
    fake.set(config=served)
    with pytest.raises(ExposureError, match="port 443 of Tailscale has somebody else's"):
        async with opened(config(), context):
            pass
    assert fake.config == served


async def test_a_mount_that_is_gone_is_put_back(
    fake: FakeTailscale, context: ExposureContext, config: Config
) -> None:
    async with opened(config(), context) as live:
        fake.off(min(ours()))
        await live.refresh()
        assert fake.serving.mounts == ours()
        assert fake.serving.is_funnel(HOST, 443)
    assert fake.config == {}


async def test_a_funnel_that_was_switched_off_is_switched_on_while_the_port_is_only_ours(
    fake: FakeTailscale, context: ExposureContext, config: Config
) -> None:
    async with opened(config(), context) as live:
        fake.put("/voice/webhook", WEBHOOK, funnel=False)
        assert not fake.serving.is_funnel(HOST, 443)
        await live.refresh()
        assert fake.serving.is_funnel(HOST, 443)


async def test_a_later_serve_of_somebody_else_on_our_port_is_reported_and_left_alone(
    fake: FakeTailscale, context: ExposureContext, config: Config
) -> None:
    async with opened(config(), context) as live:
        theirs = fake.put("/app", THEIRS, funnel=False)
        for _ in range(2):
            with pytest.raises(ExposureError, match="/app"):
                await live.refresh()
        assert not fake.serving.is_funnel(HOST, 443)
        fake.off(theirs)
        await live.refresh()
        assert fake.serving.is_funnel(HOST, 443)
        fake.put("/app", THEIRS, funnel=False)
    assert fake.serving.mounts == {theirs}


async def test_a_mount_that_somebody_has_led_elsewhere_is_his(
    fake: FakeTailscale, context: ExposureContext, config: Config
) -> None:
    async with opened(config(), context) as live:
        theirs = fake.put("/voice/webhook", THEIRS, funnel=True)
        with pytest.raises(ExposureError, match="/voice/webhook"):
            await live.refresh()
    assert fake.serving.mounts == {theirs}
    assert fake.serving.is_funnel(HOST, 443)


async def test_a_machine_that_is_renamed_changes_both_urls(
    fake: FakeTailscale, context: ExposureContext, config: Config
) -> None:
    async with opened(config(), context) as live:
        fake.set(name="new.tail1234.ts.net")
        await live.refresh()
        assert live.webhook_url == "https://new.tail1234.ts.net/voice/webhook"
        assert live.stream_url == "wss://new.tail1234.ts.net/voice/stream"
        assert fake.serving.mounts > ours(host="new.tail1234.ts.net")
    # Under its old name the command line cannot reach them; they are remembered for later.
    assert fake.serving.mounts == ours()
    fake.set(name=HOST)
    async with opened(config(), context):
        pass
    assert fake.config == {}
    assert markers(context) == []


async def test_a_tailscale_that_is_stopped_meanwhile_is_reported(
    fake: FakeTailscale, context: ExposureContext, config: Config
) -> None:
    async with opened(config(), context) as live:
        fake.set(mode="stopped")
        with pytest.raises(ExposureError, match="is stopped"):
            await live.refresh()
        fake.set(mode="ok")
        await live.refresh()


async def test_what_cannot_be_taken_away_is_taken_away_by_the_next_start(
    fake: FakeTailscale,
    context: ExposureContext,
    config: Config,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with opened(config(), context):
        fake.set(mode="denied")
    assert "still serves what is ours" in caplog.text
    fake.set(mode="ok")
    async with opened(config(port=10000), context):
        assert fake.serving.mounts == ours(10000)
    assert fake.config == {}


async def test_what_is_made_by_hand_stays_and_serves_a_gateway_until_it_is_removed(
    fake: FakeTailscale, context: ExposureContext, by_hand: ExposureContext, config: Config
) -> None:
    async with opened(config(), by_hand) as live:
        made = live.webhook_url
    assert fake.serving.mounts == ours()
    before = changes(fake)
    async with opened(config(), context) as live:
        await live.refresh()
        assert live.webhook_url == made
    assert changes(fake) == before
    assert markers(context) == ["tailscale-by-hand.json"]
    assert await removed(config(mode="off"), context)
    assert fake.config == {}
    assert not await removed(config(mode="off"), context)
    assert markers(context) == []


async def test_a_gateway_gives_back_what_was_made_by_hand_as_it_was(
    fake: FakeTailscale, context: ExposureContext, by_hand: ExposureContext, config: Config
) -> None:
    async with opened(config(mode="serve"), replace(by_hand, port=4444)):
        pass
    before = fake.config
    async with opened(config(mode="funnel"), context):
        assert fake.serving.mounts == ours()
        assert fake.serving.is_funnel(HOST, 443)
    assert fake.config == before


async def test_a_gateway_gives_back_the_mode_of_what_it_only_used(
    fake: FakeTailscale, context: ExposureContext, by_hand: ExposureContext, config: Config
) -> None:
    async with opened(config(mode="serve"), by_hand):
        pass
    before = fake.config
    async with opened(config(mode="funnel"), context):
        assert fake.serving.is_funnel(HOST, 443)
    assert fake.config == before
    assert markers(context) == ["tailscale-by-hand.json"]


async def test_what_a_gateway_has_open_can_be_kept_by_hand_but_not_changed(
    fake: FakeTailscale, context: ExposureContext, by_hand: ExposureContext, config: Config
) -> None:
    async with opened(config(), context):
        with pytest.raises(ExposureError, match="a gateway's"):
            async with opened(config(mode="serve"), by_hand):
                pass
        assert fake.serving.is_funnel(HOST, 443)
        async with opened(config(), by_hand):
            pass
    assert fake.serving.mounts == ours()
    assert await removed(config(), context)
    assert fake.config == {}


async def test_a_second_exposure_by_hand_that_fails_leaves_the_first(
    fake: FakeTailscale, context: ExposureContext, by_hand: ExposureContext, config: Config
) -> None:
    async with opened(config(port=8443), by_hand):
        pass
    fake.set(mode="funnel_off_exit0")
    with pytest.raises(ExposureError, match="not enabled"):
        async with opened(config(port=10000), by_hand):
            pass
    assert fake.serving.mounts == ours(8443)
    fake.set(mode="ok")
    assert await removed(config(), context)
    assert fake.config == {}


async def test_taking_away_works_without_the_right_to_funnel(
    fake: FakeTailscale, context: ExposureContext, config: Config
) -> None:
    async with opened(config(), context):
        fake.set(mode="policy")
    assert fake.config == {}


async def test_what_is_looked_at_beforehand_changes_nothing(
    fake: FakeTailscale, context: ExposureContext, config: Config
) -> None:
    async def found() -> list[tuple[Severity, str]]:
        return [(each.severity, each.message) for each in await findings(config(), context)]

    ((severity, message),) = await found()
    assert severity is Severity.OK
    assert f"https://{HOST}/voice/webhook is for everybody" in message
    for mode, told in [
        ("needs_login", "nobody is logged in"),
        ("no_https", "HTTPS certificates"),
        ("policy", "does not allow Funnel"),
        ("daemon_down", "daemon does not answer"),
    ]:
        fake.set(mode=mode)
        assert any(each is Severity.ERROR and told in said for each, said in await found())
    fake.set(mode="ok")
    fake.put("/app", THEIRS)
    assert any("somebody else's" in said and "/app" in said for _, said in await found())
    assert changes(fake) == []


async def test_what_was_left_and_what_was_made_by_hand_is_told(
    fake: FakeTailscale, context: ExposureContext, by_hand: ExposureContext, config: Config
) -> None:
    async with opened(config(port=10000), by_hand):
        pass
    async with opened(config(port=8443), context):
        told = [each.message for each in await findings(config(), context)]
    assert sum("was left by a gateway" in each for each in told) == 2
    assert sum("was exposed by hand" in each for each in told) == 2


@pytest.mark.parametrize("port", [3334, 4444])
async def test_funnel_is_not_switched_for_somebody_who_came_to_the_port_meanwhile(
    fake: FakeTailscale,
    context: ExposureContext,
    by_hand: ExposureContext,
    config: Config,
    port: int,
) -> None:
    async with opened(config(mode="serve"), replace(by_hand, port=port)):
        pass
    before = fake.serving.mounts
    async with opened(config(mode="funnel"), context):
        theirs = fake.put("/app", THEIRS, funnel=True)
    assert fake.serving.mounts == {*before, theirs}
    assert fake.serving.is_funnel(HOST, 443)


async def test_what_a_killed_gateway_left_goes_though_tailscale_is_not_in_force(
    fake: FakeTailscale, context: ExposureContext, by_hand: ExposureContext, config: Config
) -> None:
    async with opened(config(), by_hand):
        pass
    left = Marker(context.state_dir, "tailscale-by-hand")
    Marker(context.state_dir, "tailscale").write(left.read() or {})
    left.clear()
    fake.put("/app", THEIRS)
    assert await cleared(config(mode="off"), context)
    assert fake.serving.mounts == {Mount(host=HOST, port=443, path="/app", target=THEIRS)}
    assert markers(context) == []
    assert not await cleared(config(mode="off"), context)
