"""What does a running gateway make of mistakes, strangers, broken parts and a full disk?"""

from __future__ import annotations

import json
import resource
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from voicecall_mock import documents
from voicecall_mock.media import Connected, Mark, Start, read_gateway_frame, write_frame
from voicecall_mock.orders import read_address
from voicecall_mock.webhooks import SIGNATURE_HEADER

BOB, RINGS, GOES = "+15550002222", "+15550003333", "+15550004444"
STAY = {"wait": 3_600_000}
PHONES: dict[str, Any] = {
    BOB: {"answerAfterMs": 100, "steps": [STAY]},
    RINGS: {"answerAfterMs": 3_600_000},
    GOES: {"answerAfterMs": 100, "steps": [{"listen": "Goodbye"}, {"hangUp": True}]},
}

# -- configuration and plugins

MISTAKES = """{
  provider: "mock",
  provider: "mock",
  maxConcurentCalls: 5,
  maxDurationSeconds: "long",
  ringTimeoutMs: -1,
  inboundPolicy: "sometimes",
  gateway: { token: "${NO_SUCH_VARIABLE}" },
  tts: { provider: "tonnes" },
  mock: { phones: { "+15550002222": { steps: [{ sya: "hi" }] } } },
}
"""
WHERE_AND_WHAT = [
    (3, 3, "provider", "twice, on lines 2 and 3"),
    (4, 3, "maxConcurentCalls", "did you mean 'maxConcurrentCalls'?"),
    (5, 23, "maxDurationSeconds", "valid integer"),
    (6, 18, "ringTimeoutMs", "greater than 0"),
    (7, 18, "inboundPolicy", "'disabled', 'allowlist', 'pairing' or 'open'"),
    (8, 21, "gateway.token", "NO_SUCH_VARIABLE is not set"),
    (9, 20, "tts.provider", "did you mean 'tones'?"),
    (10, 49, "steps[0].sya", "voicecall-mock"),
]


def test_eight_kinds_of_mistakes_are_one_report_with_places(new_machine: Any) -> None:
    machine = new_machine()
    machine.configure(MISTAKES)
    ran = machine.run("serve")
    assert (ran.code, ran.out) == (3, "")
    path = machine.root / "voicecall.json5"
    heading, *reports = ran.err.split(f"{path}:")
    assert "8 errors" in heading
    assert len(reports) == len(WHERE_AND_WHAT)
    for report, (line, column, key, words) in zip(reports, WHERE_AND_WHAT, strict=True):
        assert report.startswith(f"{line}:{column}: error: ")
        assert key in report and words in report
    assert "+15550002222" not in ran.err and "Traceback" not in ran.err
    assert not (machine.state / "calls.db").exists()


def test_an_unknown_provider_says_what_to_install(new_machine: Any) -> None:
    machine = new_machine()
    machine.configure(json.dumps({"provider": "acme"}))
    ran = machine.run("call", "-m", "Hello", "--json")
    assert (ran.code, ran.document["error"]["code"]) == (3, "CONFIG")
    assert "provider 'acme' is not installed (installed: mock" in ran.err
    assert "try: pip install voicecall-acme" in ran.err


BROKEN = "import the_library_that_nobody_installed"
FAILING = """
from contextlib import asynccontextmanager

from voicecall.sdk import Section, TtsSpec, hookimpl

@asynccontextmanager
async def opened(config, context):
    raise RuntimeError("the model file is damaged")
    yield

@hookimpl
def voicecall_tts_backends():
    return [TtsSpec(name="failing", summary="for a test", config=Section, open=opened)]
"""


@pytest.fixture
def acme(tmp_path: Path) -> str:
    """Where a distribution lies whose plugins are broken, as an installer unpacks it."""
    info = tmp_path / "acme_voices-1.2.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-voices\nVersion: 1.2\n")
    entries = "[voicecall]\nbroken = acme_broken\nfailing = acme_failing\n"
    (info / "entry_points.txt").write_text(entries)
    (tmp_path / "acme_broken.py").write_text(BROKEN)
    (tmp_path / "acme_failing.py").write_text(FAILING)
    return str(tmp_path)


def test_a_broken_plugin_is_listed_with_its_reason_and_harms_nobody(
    new_machine: Any, acme: str
) -> None:
    machine = new_machine()
    listed = machine.run("plugins", "--json", PYTHONPATH=acme).document["plugins"]
    (broken,) = [each for each in listed if each["broken"]]
    assert (broken["distribution"], broken["version"]) == ("acme-voices", "1.2")
    assert "the_library_that_nobody_installed" in broken["broken"]
    assert machine.run("config", "check", PYTHONPATH=acme).code == 0


@pytest.mark.parametrize(
    ("command", "name", "reason"),
    [
        (("config", "check"), "broken", "the_library_that_nobody_installed"),
        (("serve",), "failing", "the model file is damaged"),
    ],
)
def test_who_needs_a_broken_plugin_is_told_which_and_why(
    new_machine: Any, acme: str, command: tuple[str, ...], name: str, reason: str
) -> None:
    machine = new_machine({"tts": {"provider": name}})
    ran = machine.run(*command, PYTHONPATH=acme)
    assert (ran.code, ran.out) == (3, "")
    assert f"'{name}'" in ran.err and "acme-voices 1.2" in ran.err and reason in ran.err
    assert "Traceback" not in ran.err


# -- strangers on the public port


async def slow_post(url: httpx.URL, headers: dict[str, str]) -> int:
    """The status for a body that begins and does not go on."""
    lines = [f"POST {url.path} HTTP/1.1", f"host: {url.netloc.decode()}", "content-length: 9"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    async with await anyio.connect_tcp(url.host, url.port or 80) as stream:
        await stream.send("\r\n".join([*lines, "", "{"]).encode())
        return int((await stream.receive()).split()[1])


@pytest.mark.anyio
async def test_strangers_get_their_status_and_the_live_call_notices_nothing(
    start: Any, webhook: Any
) -> None:
    changes = {"mock": {"phones": PHONES}, "limits": {"bodyTimeoutMs": 200}}
    async with start(changes) as gateway, httpx.AsyncClient() as stranger:
        call_id = await gateway.call("Hello")
        await gateway.until_state(call_id, "active")
        before = await gateway.service.find(call_id)
        network, public = read_address(gateway.state_dir), gateway.running.public.url
        carrier_id = before.carrier_ids[0]
        letter = webhook(network, public, "call.ended", carrier_id, cause="completed")
        forged = {**letter["headers"], SIGNATURE_HEADER: f"t=1,v1={'0' * 64}"}
        altered = letter["content"].replace(b"completed", b"busy")
        url = letter["url"]
        assert [
            (await stranger.post(url, content=b"x" * 10_000_000, headers=forged)).status_code,
            await slow_post(httpx.URL(url), forged),
            (await stranger.post(url, content=letter["content"])).status_code,
            (await stranger.post(url, content=letter["content"], headers=forged)).status_code,
            (await stranger.post(url, content=altered, headers=letter["headers"])).status_code,
        ] == [413, 408, 401, 401, 401]
        await gateway.service.speak(call_id, "Still here")
        record = await gateway.service.find(call_id)
        assert record.state.is_answered and not record.state.is_terminal
        assert (await stranger.post(**letter)).status_code == 200
        assert (await gateway.until_over(call_id)).state == "completed"


# -- media sockets


async def offered_stream(gateway: Any, webhook: Any) -> tuple[str, str, str]:
    """A call whose phone we are: our id, the carrier's, and the URL of its stream."""
    call_id = await gateway.call("Hello", to=RINGS)
    carrier_id = (await gateway.service.find(call_id)).carrier_ids[0]
    network, public = read_address(gateway.state_dir), gateway.running.public.url
    letter = webhook(network, public, "call.answered", carrier_id, wants_instructions=True)
    async with httpx.AsyncClient() as client:
        answer = await client.post(**letter)
    (stream,) = documents.read(answer.content)
    return call_id, carrier_id, stream.url


async def refusal(url: str) -> int:
    with pytest.raises(InvalidStatus) as refused:
        await connect(url)
    return int(refused.value.response.status_code)


async def play(socket: ClientConnection) -> None:
    """The phone's side of a stream: every mark is reached at once."""
    async for text in socket:
        frame = read_gateway_frame(text)
        if isinstance(frame, Mark):
            await socket.send(write_frame(frame))


RING_ON = {"mock": {"phones": PHONES}, "ringTimeoutMs": 3_600_000}


@pytest.mark.anyio
async def test_only_a_fresh_token_of_the_same_call_opens_a_stream(start: Any, webhook: Any) -> None:
    async with start(RING_ON) as gateway:
        call_id, carrier_id, url = await offered_stream(gateway, webhook)
        other_id, _, other_url = await offered_stream(gateway, webhook)
        base, token = url.rsplit("/", 1)
        assert await refusal(base) == 404
        assert await refusal(f"{base}/{token[:-1]}") == 403
        async with connect(url) as socket:
            await socket.send(write_frame(Start(stream_id="S1", call_id=carrier_id)))
            await gateway.until_state(call_id, "active")
            assert await refusal(url) == 403
        async with connect(other_url) as socket:
            await socket.send(write_frame(Start(stream_id="S2", call_id=carrier_id)))
            with pytest.raises(ConnectionClosed) as closed:
                await socket.recv()
            assert closed.value.rcvd.code == 1008
        assert await refusal(other_url) == 403
        assert (await gateway.service.find(other_id)).state == "answered"
        assert gateway.running.counters.sessions == 1


@pytest.mark.anyio
async def test_an_expired_token_opens_nothing(start: Any, webhook: Any) -> None:
    async with start({**RING_ON, "limits": {"streamTokenMs": 1}}) as gateway:
        _, _, url = await offered_stream(gateway, webhook)
        assert await refusal(url) == 403
        assert gateway.running.counters.sessions == 0


MALFORMED: tuple[str | bytes, ...] = (
    "not json",
    b"\x00\xff\xfe",
    "[" * 5000,
    "{}",
    '{"event":"media"}',
    '{"event":"media","streamId":"S1","payload":"!!!"}',
    '{"event":"media","streamId":"another","payload":"AAAA"}',
    '{"event":"start","streamId":"S1","callId":"again"}',
    '{"event":"explode","streamId":"S1"}',
)


@pytest.mark.anyio
async def test_acceptance_27_malformed_frames_are_counted_and_the_call_goes_on(
    start: Any, webhook: Any
) -> None:
    async with start(RING_ON) as gateway:
        call_id, carrier_id, url = await offered_stream(gateway, webhook)
        async with connect(url) as socket, anyio.create_task_group() as tasks:
            for frame in MALFORMED[:5]:
                await socket.send(frame)
            await socket.send(write_frame(Connected()))
            await socket.send(write_frame(Start(stream_id="S1", call_id=carrier_id)))
            for frame in MALFORMED:
                await socket.send(frame)
            tasks.start_soon(play, socket)
            await gateway.until_state(call_id, "active")
            await gateway.service.speak(call_id, "Still here")
            await gateway.service.end(call_id)
            tasks.cancel_scope.cancel()
        record = await gateway.service.find(call_id)
        assert record.state == "hangup-bot"
        assert [line.text for line in record.transcript] == ["Hello", "Still here"]
        assert gateway.running.counters.malformed_frames == 5 + len(MALFORMED)


# -- a full disk


def leave_room(server: Any, size: int) -> None:
    """Files of `server` may grow to `size` bytes; -1: without end."""
    _, most = resource.prlimit(server.popen.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.popen.pid, resource.RLIMIT_FSIZE, (size, most))


def lines(server: Any, call_id: str) -> list[str]:
    return [line["text"] for line in server.find(call_id)["transcript"]]


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="limits of others: Linux only")
def test_on_a_full_disk_new_calls_are_refused_and_running_ones_go_on(new_machine: Any) -> None:
    machine = new_machine({"mock": {"phones": PHONES, "record": False}})
    with machine.serving() as server:
        calls = [
            server.client.call("voicecall.initiate", {"to": number, "message": "Hello"})["callId"]
            for number in (BOB, GOES)
        ]
        stays, goes = [server.until_state(call_id, "listening") for call_id in calls]
        leave_room(server, 0)
        ran = machine.run("call", "-t", BOB, "-m", "Hello", "--json")
        assert (ran.code, "the disk" in ran.document["error"]["message"]) == (1, True), ran
        for call, words in ((stays, "Hold the line"), (goes, "Goodbye")):
            spoken = machine.run("speak", "--call-id", call["callId"], "-m", words)
            assert spoken.code == 0, spoken
        machine.eventually(lambda: "Hold the line" in machine.heard(stays["providerCallId"]))
        machine.eventually(lambda: "Goodbye" in machine.heard(goes["providerCallId"]))
        ledger = httpx.get(f"{machine.network.url}/v1/ledger").json()
        assert [entry["orderId"] for entry in ledger] == calls
        leave_room(server, -1)
        for call, words in ((stays, "Hold the line"), (goes, "Goodbye")):
            machine.eventually(lambda id=call["callId"], said=words: said in lines(server, id))
        assert server.until_state(goes["callId"], "hangup-user")
        assert machine.run("call", "-t", GOES, "-m", "Goodbye").code == 0
        assert machine.run("end", "--call-id", stays["callId"]).code == 0
        assert server.find(stays["callId"])["state"] == "hangup-bot"
        assert "Traceback" not in server.errors
