"""Does every wanted event reach its receiver, signed, once it can?"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from pydantic import ValidationError
from standardwebhooks import Webhook, WebhookVerificationError

from voicecall.sdk import (
    CallEvent,
    CallFinished,
    CallGreeted,
    CallId,
    CallState,
    CarrierUnreachable,
    HttpResponse,
    PublicUrlChanged,
    SinkContext,
    SystemClock,
)
from voicecall_sink_webhooks.outbox import Delivery, Outbox
from voicecall_sink_webhooks.plugin import WebhooksConfig, voicecall_event_sinks
from voicecall_sink_webhooks.schedule import PAUSES, given_up, next_attempt

CALL = CallId("8f0c1a52-6b0e-4a55-9d1e-0f6f2a7c9b11")
SECRET = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVoxMjM0NTY="
OLD_SECRET = "whsec_" + "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


@dataclass
class Receiver:
    """Answers the next posts with `answers`, then with 204."""

    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.got]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    state = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            state.got.append(({name.lower(): v for name, v in self.headers.items()}, body))
            status, headers = state.answers.pop(0) if state.answers else (204, {})
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}/hooks"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield state
    server.shutdown()
    server.server_close()
    thread.join()


class Http:
    """The lent client; `settled` counts the exchanges that are over."""

    def __init__(self) -> None:
        self.settled = 0
        self.changed = anyio.Event()

    async def request(self, method: str, url: str, **given: Any) -> HttpResponse:
        try:
            async with httpx.AsyncClient(trust_env=False) as client:
                answer = await client.request(
                    method, url, headers=given["headers"], content=given["content"]
                )
        except httpx.HTTPError as error:
            raise CarrierUnreachable("not reachable") from error
        finally:
            self.settled += 1
            self.changed.set()
            self.changed = anyio.Event()
        return HttpResponse(
            status=answer.status_code,
            headers={name.lower(): value for name, value in answer.headers.items()},
            body=answer.content,
        )

    async def after(self, exchanges: int) -> None:
        with anyio.fail_after(20):
            while self.settled < exchanges:
                await self.changed.wait()


class Refusing:
    async def request(self, *args: object, **kwargs: object) -> HttpResponse:
        raise CarrierUnreachable("no public address")


class Shown:
    def event(self, event: CallEvent) -> Mapping[str, object]:
        name = "finished" if isinstance(event, CallFinished) else "greeted"
        return {"type": name, "callId": event.call_id, "number": event.number}

    async def call(self, call_id: CallId) -> Mapping[str, object] | None:
        return {"callId": call_id, "state": "completed"}


class SetClock(SystemClock):
    """A wall clock that tests set."""

    def __init__(self) -> None:
        super().__init__()
        self.time = 1_800_000_000.0

    def wall(self) -> float:
        return self.time


def context(state_dir: Path, http: Http, clock: SetClock | None = None) -> SinkContext:
    return SinkContext(
        http=http,
        public_http=Refusing(),
        clock=clock or SystemClock(),
        logger=logging.getLogger("voicecall.plugin.webhooks"),
        state_dir=state_dir,
        showing=Shown(),
    )


def greeted(number: int = 1) -> CallGreeted:
    return CallGreeted(call_id=CALL, number=number, at=1_800_000_000.25)


def finished(number: int = 2) -> CallFinished:
    return CallFinished(call_id=CALL, number=number, at=1_800_000_000.25, state=CallState.COMPLETED)


def sink_of(url: str, lent: SinkContext, **section: object) -> AbstractAsyncContextManager[Any]:
    (spec,) = voicecall_event_sinks()
    given = {"url": url, "secret": SECRET, "allowPrivateNetwork": True, **section}
    return spec.open(WebhooksConfig.model_validate(given), lent)


def test_the_end_of_a_call_arrives_with_the_whole_call_and_a_valid_signature(
    tmp_path: Path, receiver: Receiver
) -> None:
    async def main() -> None:
        http = Http()
        async with sink_of(receiver.url, context(tmp_path, http), oldSecret=OLD_SECRET) as sink:
            await sink.write(greeted())
            await sink.write(finished())
            await http.after(1)

    anyio.run(main)
    (headers, body), *others = receiver.got
    assert not others
    for secret in (SECRET, OLD_SECRET):
        assert Webhook(secret).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body + b" ", headers)
    assert json.loads(body) == {
        "type": "voicecall.call.finished",
        "timestamp": "2027-01-15T08:00:00.250000Z",
        "data": {
            "type": "finished",
            "callId": CALL,
            "number": 2,
            "call": {"callId": CALL, "state": "completed"},
        },
    }


@pytest.mark.parametrize(("events", "posted"), [(["public-url"], 1), (["*"], 1), (["line"], 0)])
def test_a_tunnel_that_moved_is_told_to_whoever_wants_to_know(
    tmp_path: Path, receiver: Receiver, events: list[str], posted: int
) -> None:
    urls = {"former": "https://a.example/hook", "current": "https://b.example/hook"}

    async def main() -> None:
        http = Http()
        async with sink_of(receiver.url, context(tmp_path, http), events=events) as sink:
            sink.public_url_changed(PublicUrlChanged(**urls, at=1_800_000_000.25))
            await http.after(posted)

    anyio.run(main)
    assert [json.loads(body) for _, body in receiver.got] == posted * [
        {
            "type": "voicecall.public-url",
            "timestamp": "2027-01-15T08:00:00.250000Z",
            "data": {"type": "public-url", **urls, "at": 1_800_000_000_250},
        }
    ]


def test_a_failed_delivery_is_tried_again_under_the_same_id_when_it_is_due(
    tmp_path: Path, receiver: Receiver
) -> None:
    receiver.answers = [(500, {}), (302, {"location": receiver.url})]

    async def main() -> None:
        clock = SetClock()
        for attempt in (1, 2, 3):  # a gateway that is started anew for each of them
            http = Http()
            async with sink_of(receiver.url, context(tmp_path, http, clock)) as sink:
                if attempt == 1:
                    await sink.write(finished())
                await http.after(1)
            clock.time += PAUSES[attempt - 1] * 1.2
        async with sink_of(receiver.url, context(tmp_path, Http(), clock)):
            """Nothing is left to deliver."""

    anyio.run(main)
    assert len(receiver.got) == 3
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1
    assert len({body for _, body in receiver.got}) == 1


def test_a_receiver_that_is_busy_says_when() -> None:
    busy = HttpResponse(status=503, headers={"retry-after": "7200"}, body=b"")
    rude = HttpResponse(status=400, headers={"retry-after": "7200"}, body=b"")
    assert next_attempt(1, 0.0, busy) == 7200
    assert next_attempt(1, 0.0, rude) < 10
    assert next_attempt(1, 0.0, None) < 10


def test_a_delivery_is_given_up_after_about_three_days() -> None:
    assert 2.5 < sum(PAUSES) / 86400 < 4
    assert not given_up(len(PAUSES))
    assert given_up(len(PAUSES) + 1)


def test_a_receiver_that_is_gone_gets_nothing_more(tmp_path: Path, receiver: Receiver) -> None:
    receiver.answers = [(410, {})]

    async def main() -> None:
        http = Http()
        async with sink_of(receiver.url, context(tmp_path, http)) as sink:
            await sink.write(finished(2))
            await http.after(1)
            await sink.write(finished(3))
            await sink.deliver_due()

    anyio.run(main)
    assert len(receiver.got) == 1


def test_what_waits_for_a_silent_receiver_is_bounded(
    tmp_path: Path, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        clock = SetClock()
        async with sink_of("http://127.0.0.1:9/", context(tmp_path, Http(), clock), maxWaiting=2):
            """Opened once, so that the outbox is there."""
        outbox = Outbox(tmp_path / "sink-webhooks.db", receiver.url)
        for number in (1, 2, 3):
            waiting = Delivery(id=f"call.{number}", body=b"{}", due=clock.time)
            lost = await outbox.add(waiting, most=2)
        assert lost == 1
        left = await outbox.next()
        assert left is not None and left.id == "call.2"
        outbox.close()

    anyio.run(main)


def test_a_private_address_is_not_posted_to_unless_that_is_wanted(
    tmp_path: Path, receiver: Receiver
) -> None:
    async def main() -> None:
        lent = context(tmp_path, Http())
        async with sink_of(receiver.url, lent, allowPrivateNetwork=False) as sink:
            await sink.write(finished())
            await sink.deliver_due()

    anyio.run(main)
    assert not receiver.got


@pytest.mark.parametrize(
    ("section", "named"),
    [
        ({"url": "ftp://example.com/"}, "http or https"),
        ({"url": "https://me:pw@example.com/"}, "no user"),
        ({"url": "https://example.com/", "secret": "hush"}, "whsec_"),
        ({"url": "https://example.com/", "secret": "whsec_c2hvcnQ="}, "24 to 64"),
        ({"url": "https://example.com/", "events": ["over"]}, "finished"),
    ],
)
def test_a_bad_entry_says_what_is_wanted(section: dict[str, object], named: str) -> None:
    with pytest.raises(ValidationError, match=named) as refused:
        WebhooksConfig.model_validate({"secret": SECRET, **section})
    assert "hush" not in str(refused.value.errors(include_input=False))
