"""Does the network behave when things go wrong? Retries, disorder, restarts, bad frames."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from voicecall.sdk import (
    CallAnswered,
    CallEnded,
    CallRinging,
    CarrierAuthFailed,
    CarrierCall,
    CarrierRejected,
    CarrierUnreachable,
    Direction,
    Ended,
    Live,
    OpenStream,
    Severity,
    StreamChange,
    StreamChanged,
    StreamToken,
    new_call_id,
)

pytestmark = pytest.mark.anyio

NUMBER = "+15550001111"
BUSY = {NUMBER: {"outcome": "busy"}}
SILENT = {NUMBER: {"steps": []}}


def delivery(request: Any) -> str:
    return str(json.loads(request.body)["deliveryId"])


async def test_a_webhook_is_delivered_again_when_the_gateway_was_away(world: Any) -> None:
    async with world(phones=BUSY) as gateway:
        gateway.statuses = [503, 500]
        with anyio.fail_after(20):
            await gateway.place(NUMBER)
            await gateway.until(CallEnded)
    assert len({delivery(request) for request in gateway.requests}) == 1
    assert len(gateway.requests) == 3


async def test_a_webhook_that_is_refused_is_not_sent_again(world: Any) -> None:
    async with world(phones={NUMBER: {"outcome": "reject"}}) as gateway:
        gateway.statuses = [401]
        with anyio.fail_after(20):
            await gateway.place(NUMBER)
            await gateway.until(CallEnded)
    assert len(gateway.requests) == 2
    assert "CallRinging" not in gateway.kinds()


async def test_chaos_repeats_and_reorders_but_loses_nothing(world: Any) -> None:
    chaos = {"duplicate": 1.0, "reorder": 1.0, "delayMs": 10_000, "seed": 7}
    phones = {NUMBER: {"outcome": "reject", "answerAfterMs": 0}}
    async with world(phones=phones, chaos=chaos) as gateway:
        with anyio.fail_after(20):
            calls = [await gateway.place(NUMBER) for _ in range(8)]
            for call in calls:
                for kind in (CallRinging, CallEnded):
                    await gateway.until(kind, lambda e, c=call: e.call_id == c.call_id)
            for call in calls:
                await gateway.provider.hang_up(call)
            while len(gateway.requests) < 32:
                await anyio.lowlevel.checkpoint()
    assert len({event.key for event in gateway.events}) == 16
    assert len({delivery(request) for request in gateway.requests}) > 16
    order = [(e.call_id, type(e).__name__) for e in gateway.events]
    first = {call.call_id: next(kind for c, kind in order if c == call.call_id) for call in calls}
    assert "CallEnded" in first.values()


async def test_one_order_is_dialled_once_however_often_it_arrives(world: Any) -> None:
    async with world(phones=SILENT) as gateway:
        call_id = new_call_id()
        with anyio.fail_after(20):
            placed = [await gateway.place(NUMBER, call_id=call_id) for _ in range(3)]
            await gateway.provider.hang_up(placed[0])
            placed.append(await gateway.place(NUMBER, call_id=call_id))
            ledger = await gateway.ask_network("GET", "/v1/ledger")
    (entry,) = ledger
    assert {call.carrier_call_id for call in placed} == {entry["id"]}
    assert (entry["orderId"], entry["received"], entry["dialled"]) == (call_id, 4, 1)


async def test_a_call_outlives_the_gateway_and_serves_its_successor(
    bench: Any, tmp_path: Path
) -> None:
    with anyio.fail_after(20):
        async with bench.network(tmp_path) as url, bench.doors() as gateway:
            section = bench.section(networkUrl=url, phones=SILENT)
            gateway.answer = lambda event: [gateway.open_stream()]
            async with bench.provider(gateway, section, tmp_path) as provider:
                gateway.provider = provider
                call = await gateway.place(NUMBER)
                await gateway.until(StreamChanged)
            async with bench.provider(gateway, section, tmp_path) as provider:
                gateway.provider = provider
                assert await provider.status(call) == Live(answered=True)
                await provider.command(call, [gateway.open_stream()])
                await gateway.until(StreamChanged, lambda e: e.change is StreamChange.STOPPED)
                while len(gateway.streams) < 2:
                    await anyio.lowlevel.checkpoint()
                await provider.hang_up(call)
                ended = await gateway.until(CallEnded)
                (entry,) = await gateway.ask_network("GET", "/v1/ledger")
    assert ended.call_id == call.call_id
    assert entry["dialled"] == 1


async def test_a_gateway_registers_again_at_a_network_that_was_restarted(
    bench: Any, tmp_path: Path
) -> None:
    with anyio.fail_after(20):
        async with bench.doors() as gateway:
            async with bench.network(tmp_path) as url:
                section = bench.section(networkUrl=url, phones=BUSY)
                opened = bench.provider(gateway, section, tmp_path)
                gateway.provider = await opened.__aenter__()
            port = int(url.rpartition(":")[2])
            async with bench.network(tmp_path, port=port):
                await gateway.place(NUMBER)
                await gateway.until(CallEnded)
                await opened.__aexit__(None, None, None)


async def test_only_who_registered_first_may_use_a_gateways_name(
    bench: Any, tmp_path: Path
) -> None:
    with anyio.fail_after(20):
        async with bench.network(tmp_path) as url, bench.doors() as gateway:
            first = bench.section(networkUrl=url, secret="first")
            async with bench.provider(gateway, first, tmp_path):
                other = bench.section(networkUrl=url, secret="second")
                with pytest.raises(CarrierAuthFailed):
                    async with bench.provider(gateway, other, tmp_path):
                        pass


async def test_a_gateway_with_another_time_scale_is_told_so(bench: Any, tmp_path: Path) -> None:
    with anyio.fail_after(20):
        async with bench.network(tmp_path) as url, bench.doors() as gateway:
            section = bench.section(networkUrl=url, scale=3.0)
            with pytest.raises(CarrierRejected, match="timeScale"):
                async with bench.provider(gateway, section, tmp_path):
                    pass


async def test_a_network_that_is_not_there_is_named_with_the_remedy(
    bench: Any, tmp_path: Path
) -> None:
    with anyio.fail_after(20):
        async with bench.doors() as gateway:
            section = bench.section(networkUrl="http://127.0.0.1:9")
            with pytest.raises(CarrierUnreachable, match="mock serve"):
                async with bench.provider(gateway, section, tmp_path):
                    pass


async def test_who_we_are_at_the_network_is_kept_private(world: Any, tmp_path: Path) -> None:
    async with world() as gateway:
        kept = tmp_path / "mock-network.json"
        assert kept.stat().st_mode & 0o777 == 0o600
        (finding,) = await gateway.provider.check()
    assert finding.severity is Severity.OK


async def test_a_call_that_the_network_never_saw_is_over(world: Any) -> None:
    async with world() as gateway:
        lost = CarrierCall(
            call_id=new_call_id(),
            carrier_call_id=None,
            secret="",
            direction=Direction.OUTBOUND,
            answered=False,
        )
        with anyio.fail_after(20):
            assert isinstance(await gateway.provider.status(lost), Ended)
            await gateway.provider.hang_up(lost)


async def test_a_call_is_found_by_our_id_when_the_networks_is_not_known(world: Any) -> None:
    async with world(phones=SILENT) as gateway:
        with anyio.fail_after(20):
            call = await gateway.place(NUMBER)
            await gateway.until(CallAnswered)
            unnamed = CarrierCall(
                call_id=call.call_id,
                carrier_call_id=None,
                secret="",
                direction=Direction.OUTBOUND,
                answered=True,
            )
            assert await gateway.provider.status(unnamed) == Live(answered=True)


async def test_a_number_that_is_none_is_rejected_before_it_rings(world: Any) -> None:
    async with world() as gateway:
        with anyio.fail_after(20), pytest.raises(CarrierRejected):
            await gateway.place("112")


@pytest.mark.parametrize(
    "frame", ["no json", '{"event":"clear","streamId":"another"}', '{"event":"dance"}']
)
async def test_a_gateway_that_breaks_the_protocol_loses_its_stream(world: Any, frame: str) -> None:
    async with world(phones=SILENT) as gateway:
        gateway.answer = lambda event: (
            [gateway.open_stream()] if isinstance(event, CallAnswered) else []
        )
        gateway.on_stream = lambda stream: stream.send_raw(frame)
        with anyio.fail_after(20):
            await gateway.place(NUMBER)
            failed = await gateway.until(StreamChanged, lambda e: e.change is StreamChange.FAILED)
            await gateway.streams[0].closed.wait()
    assert failed.detail


async def test_a_stream_that_cannot_be_opened_is_told(world: Any) -> None:
    async with world(phones=SILENT) as gateway:
        nowhere = OpenStream(url="ws://127.0.0.1:9/x", token=StreamToken("x"))
        gateway.answer = lambda event: [nowhere] if isinstance(event, CallAnswered) else []
        with anyio.fail_after(20):
            call = await gateway.place(NUMBER)
            await gateway.until(StreamChanged, lambda e: e.change is StreamChange.FAILED)
            assert await gateway.provider.status(call) == Live(answered=True)


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/v1/calls/MC1", {}, 401),
        ("DELETE", "/v1/calls/MC1", {"authorization": "Basic eDp5"}, 401),
        (
            "POST",
            "/v1/calls",
            {"authorization": "Basic !!", "content-type": "application/json"},
            401,
        ),
        ("POST", "/v1/dial", {"content-type": "text/plain"}, 415),
        ("POST", "/v1/dial", {"content-type": "application/json"}, 422),
        ("GET", "/v1/calls/MC1/lines", {}, 404),
        ("GET", "/v1/calls/MC1/lines?after=x", {}, 422),
        ("GET", "/elsewhere", {}, 404),
    ],
)
async def test_a_wrong_request_gets_a_status_that_fits(
    world: Any, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    async with world() as gateway, httpx.AsyncClient(trust_env=False) as client:
        url = gateway.network_url + path
        with anyio.fail_after(20):
            answer = await client.request(method, url, headers=headers, content=b"{}")
    assert answer.status_code == status
    assert answer.json()["message"]


async def test_what_is_not_http_only_costs_its_own_connection(world: Any) -> None:
    async with world() as gateway:
        port = int(gateway.network_url.rpartition(":")[2])
        with anyio.fail_after(20):
            async with await anyio.connect_tcp("127.0.0.1", port) as stream:
                await stream.send(b"\x16\x03\x01 hello\r\n\r\n")
                with pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
                    await stream.receive()
            assert await gateway.ask_network("GET", "/v1/ledger") == []
