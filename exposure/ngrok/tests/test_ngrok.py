"""Is the agent started unseen, understood when it fails, looked after, and told from others?"""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import anyio
import anyio.abc
import httpx
import psutil
import pytest

from voicecall.sdk import (
    ExposureContext,
    ExposureError,
    HttpResponse,
    Marker,
    PublicEndpoint,
    Severity,
    SystemClock,
)
from voicecall_expose_ngrok import fake_ngrok
from voicecall_expose_ngrok.harness import TOKEN, NgrokHarness
from voicecall_expose_ngrok.plugin import NgrokConfig, voicecall_exposures

(SPEC,) = voicecall_exposures()
DEADLINE = 20.0


class NoHttp:
    async def request(self, *args: object, **kwargs: object) -> HttpResponse:
        raise AssertionError("pyngrok asks the agent")


class Rig:
    """The plugin, and the program that plays the agent."""

    def __init__(self, harness: NgrokHarness, context: ExposureContext) -> None:
        self.harness = harness
        self.context = context

    def config(self, **changes: object) -> NgrokConfig:
        return NgrokConfig.model_validate({**self.harness.section(), **changes})

    def opened(
        self, *, by_hand: bool = False, **changes: object
    ) -> AbstractAsyncContextManager[PublicEndpoint]:
        return SPEC.open(self.config(**changes), replace(self.context, by_hand=by_hand))

    async def refused(self, *, by_hand: bool = False, **changes: object) -> ExposureError:
        with pytest.raises(ExposureError) as caught:
            async with self.opened(by_hand=by_hand, **changes):
                pass
        return caught.value

    async def left(self) -> list[str]:
        folder = self.context.state_dir / "exposures"
        files = [path.name for path in folder.iterdir()] if folder.is_dir() else []
        return [*files, *await self.harness.present()]


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    harness = NgrokHarness()
    harness.port = 3334
    context = harness.context(
        http=NoHttp(),
        clock=SystemClock(),
        logger=logging.getLogger("test"),
        state_dir=tmp_path / "state",
    )
    async with harness.vendor():
        with anyio.fail_after(DEADLINE):
            yield Rig(harness, context)


@asynccontextmanager
async def noting_proxy() -> AsyncIterator[tuple[str, list[str]]]:
    """A proxy for https that refuses everything and notes what was wanted."""
    wanted: list[str] = []

    async def refuse(stream: anyio.abc.SocketStream) -> None:
        async with stream:
            wanted.append((await stream.receive()).split(b"\r\n")[0].decode())
            await stream.send(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n")

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = listener.extra(anyio.abc.SocketAttribute.local_port)
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, refuse)
        yield f"http://127.0.0.1:{port}", wanted
        tasks.cancel_scope.cancel()


# -- a start


@pytest.mark.anyio
async def test_the_agent_is_told_of_token_and_domain_unseen(rig: Rig) -> None:
    async with rig.opened(ngrokDomain="Voice.NGROK.app.") as endpoint:
        assert endpoint.webhook_url == "https://voice.ngrok.app/voice/webhook"
        assert endpoint.stream_url == "wss://voice.ngrok.app/voice/stream"
        (agent,) = rig.harness.agents()
        assert agent["token"] == TOKEN
        assert agent["argv"][:5] == ["start", "--none", "--log", "stdout", "--config"]
        config = Path(agent["argv"][5])
        assert stat.S_IMODE(config.stat().st_mode) == 0o600
        assert not any(TOKEN in word for word in psutil.Process(agent["pid"]).cmdline())
    assert await rig.left() == []


@pytest.mark.anyio
async def test_ngroks_own_variables_do_not_reach_the_agent(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NGROK_AUTHTOKEN", "another")
    async with rig.opened():
        (agent,) = rig.harness.agents()
        assert "NGROK_AUTHTOKEN" not in psutil.Process(agent["pid"]).environ()
        assert agent["token"] == TOKEN


@pytest.mark.anyio
@pytest.mark.parametrize("believed", [True, False])
async def test_only_the_bypass_believes_the_agents_headers(rig: Rig, believed: bool) -> None:
    async with rig.opened(allowNgrokFreeTierLoopbackBypass=believed) as endpoint:
        assert endpoint.forwards_from_loopback is believed


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("mode", "reason", "remedy"),
    [
        ("refused", "ERR_NGROK_107", "your-authtoken"),
        ("malformed", "ERR_NGROK_105", "copy the whole authtoken"),
        ("sessions", "ERR_NGROK_108", "stop another one"),
        ("in-use", "ERR_NGROK_334", "another tunnel.ngrokDomain"),
        ("broken", "answered 500", "status.ngrok.com"),
    ],
)
async def test_every_failure_has_its_reason_and_remedy_and_no_token(
    rig: Rig, caplog: pytest.LogCaptureFixture, mode: str, reason: str, remedy: str
) -> None:
    caplog.set_level(logging.DEBUG)
    rig.harness.behave(mode)
    error = await rig.refused(ngrokDomain="voice.ngrok.app")
    assert reason in error.reason
    assert remedy in str(error.remedy)
    assert TOKEN not in f"{error!r}{error.__cause__!r}{caplog.text}"
    assert await rig.left() == []


@pytest.mark.anyio
async def test_without_a_token_nothing_is_started(rig: Rig) -> None:
    error = await rig.refused(ngrokAuthToken=None)
    assert "NGROK_AUTHTOKEN" in str(error.remedy)
    assert rig.harness.agents() == []


# -- the program


@pytest.mark.anyio
async def test_one_on_the_path_needs_no_configuration(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{rig.harness.folder}{os.pathsep}{os.environ['PATH']}")
    async with rig.opened(ngrokPath=None):
        assert len(rig.harness.agents()) == 1


@pytest.mark.anyio
@pytest.mark.parametrize("consent", [True, False])
async def test_it_is_downloaded_with_consent_only(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, consent: bool
) -> None:
    async with noting_proxy() as (proxy, wanted):
        for name in ("https_proxy", "HTTPS_PROXY"):
            monkeypatch.setenv(name, proxy)
        path = tmp_path / "bin" / "ngrok"
        error = await rig.refused(ngrokPath=str(path), allowDownload=consent)
    assert wanted == (["CONNECT bin.ngrok.com:443 HTTP/1.0"] if consent else [])
    assert ("could not be downloaded" if consent else "is not allowed") in error.reason
    assert ("install it yourself" if consent else "tunnel.allowDownload") in str(error.remedy)
    assert not list((tmp_path / "bin").iterdir()) if consent else not path.parent.exists()
    assert await rig.left() == []


# -- looking after it


@pytest.mark.anyio
async def test_an_agent_that_is_long_silent_is_started_anew(rig: Rig) -> None:
    async with rig.opened() as endpoint:
        before = endpoint.webhook_url
        rig.harness.behave(fake_ngrok.MUTE)
        for _ in range(2):
            with pytest.raises(ExposureError, match="does not answer: it answered 503"):
                await endpoint.refresh()
        assert len(rig.harness.agents()) == 1
        rig.harness.behave("")
        await endpoint.refresh()
        assert endpoint.webhook_url == before
        rig.harness.behave(fake_ngrok.MUTE)
        for _ in range(2):
            with pytest.raises(ExposureError, match="does not answer"):
                await endpoint.refresh()
        with pytest.raises(ExposureError):
            await endpoint.refresh()
        rig.harness.behave("")
        await endpoint.refresh()
        assert endpoint.webhook_url != before
        assert len(await rig.harness.present()) == 1
    assert await rig.left() == []


@pytest.mark.anyio
async def test_an_endpoint_that_somebody_removed_is_made_again(rig: Rig) -> None:
    async with rig.opened() as endpoint:
        (agent,) = rig.harness.agents()
        api = f"http://127.0.0.1:{agent['port']}/api/endpoints"
        async with httpx.AsyncClient(trust_env=False) as client:
            await client.delete(f"{api}/voicecall")
            assert (await client.get(api)).json()["endpoints"] == []
            await endpoint.refresh()
            (shown,) = (await client.get(api)).json()["endpoints"]
        assert shown["upstream"] == {"url": "http://127.0.0.1:3334"}
        assert endpoint.webhook_url.startswith(shown["url"])
        assert len(rig.harness.agents()) == 1


# -- what is left by others


@pytest.mark.anyio
async def test_a_leftover_is_found_by_its_tag_when_its_id_was_not_noted(rig: Rig) -> None:
    async with rig.opened(by_hand=True):
        pass
    marker = Marker(rig.context.state_dir, "ngrok-by-hand")
    noted = marker.read() or {}
    marker.write({name: noted[name] for name in ("tag", "purpose")})
    assert await rig.harness.present() == [f"process {noted['pid']}"]
    assert await removed(rig)
    assert await rig.left() == []


@pytest.mark.anyio
async def test_what_a_killed_gateway_left_goes_though_ngrok_is_not_in_force(rig: Rig) -> None:
    assert SPEC.clear is not None
    async with rig.opened(by_hand=True):
        pass
    by_hand = Marker(rig.context.state_dir, "ngrok-by-hand")
    ours = Marker(rig.context.state_dir, "ngrok")
    ours.write({**(by_hand.read() or {}), "owner": os.getppid(), "owner_created": 1.0})
    by_hand.clear()
    assert await SPEC.clear(NgrokConfig(), rig.context)
    assert (await rig.harness.present(), ours.read()) == ([], None)
    assert not await SPEC.clear(NgrokConfig(), rig.context)


@pytest.mark.anyio
async def test_a_living_gateways_agent_is_left_alone(rig: Rig) -> None:
    async with rig.opened() as endpoint:
        marker = Marker(rig.context.state_dir, "ngrok")
        noted = marker.read() or {}
        other = psutil.Process(os.getppid())
        marker.write({**noted, "owner": other.pid, "owner_created": other.create_time()})
        error = await rig.refused()
        assert f"process {other.pid} has an ngrok agent open" in error.reason
        found = await SPEC.check(rig.config(), rig.context)
        assert any("an agent of a gateway runs" in each.message for each in found)
        marker.write(noted)
        await endpoint.refresh()
        assert len(rig.harness.agents()) == 1


@pytest.mark.anyio
async def test_by_hand_there_is_one_and_a_gateway_for_something_else_has_its_own(rig: Rig) -> None:
    async with rig.opened(by_hand=True) as by_hand:
        pass
    error = await rig.refused(by_hand=True, ngrokDomain="other.ngrok.app")
    assert "voicecall expose --mode off" in str(error.remedy)
    async with rig.opened(ngrokDomain="other.ngrok.app") as endpoint:
        assert endpoint.webhook_url != by_hand.webhook_url
    assert len(await rig.harness.present()) == 1
    assert await removed(rig)


@pytest.mark.anyio
async def test_a_gateway_starts_its_own_when_the_one_by_hand_ends(rig: Rig) -> None:
    async with rig.opened(by_hand=True) as by_hand:
        pass
    async with rig.opened() as endpoint:
        assert endpoint.webhook_url == by_hand.webhook_url
        await rig.harness.die()
        await endpoint.refresh()
        assert endpoint.webhook_url != by_hand.webhook_url
    assert await rig.left() == []


@pytest.mark.anyio
async def test_check_tells_of_program_version_token_name_and_leftover(rig: Rig) -> None:
    async with rig.opened():
        marker = Marker(rig.context.state_dir, "ngrok")
        marker.write({**(marker.read() or {}), "owner_created": 1.0})
        found = await SPEC.check(rig.config(ngrokAuthToken=None), rig.context)
    told = [(each.severity, each.message) for each in found]
    assert told[0] == (Severity.OK, f"{rig.harness.program} is ngrok version 3.30.0")
    assert told[1][0] is Severity.ERROR
    assert told[2] == (
        Severity.WARNING,
        "ngrok chooses the public name, which can be another one at every start",
    )
    assert told[3][0] is Severity.WARNING
    assert "left over from a gateway that was killed" in told[3][1]
    assert TOKEN not in str(found)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("program", "severity", "told"),
    [
        ("echo ngrok version 3.3.1", Severity.WARNING, "3.16 is needed"),
        ("echo nonsense", Severity.WARNING, "3.16 is needed"),
    ],
)
async def test_an_agent_that_is_too_old_is_told(
    rig: Rig, program: str, severity: Severity, told: str
) -> None:
    rig.harness.program.write_text(f"#!/bin/sh\n{program}\n")
    found = await SPEC.check(rig.config(), rig.context)
    assert found[0].severity is severity
    assert told in found[0].message


async def removed(rig: Rig) -> bool:
    assert SPEC.remove is not None
    return await SPEC.remove(rig.config(), rig.context)
