"""Does a collector get the trace of a call, whole and with the right times?"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import anyio
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from pydantic import ValidationError

from voicecall.sdk import (
    CallEvent,
    CallFinished,
    CallGreeted,
    CallId,
    CallState,
    CarrierCallId,
    HttpResponse,
    SinkContext,
    SystemClock,
    WebhookHandled,
)
from voicecall_sink_otel.plugin import OtelConfig, voicecall_event_sinks
from voicecall_sink_otel.spans import call_span

CALL = CallId("8f0c1a52-6b0e-4a55-9d1e-0f6f2a7c9b11")
T = 1_800_000_000_000

ENDED: dict[str, Any] = {
    "callId": CALL,
    "providerCallId": "CA1",
    "provider": "mock",
    "direction": "outbound",
    "state": "completed",
    "from": "+15550001111",
    "to": "+15550002222",
    "startedAt": T,
    "answeredAt": T + 3000,
    "endedAt": T + 9000,
    "transcript": [{"speaker": "user", "text": "a secret word"}],
    "turns": [
        {
            "number": 1,
            "speechEndedAt": T + 5000,
            "transcriptAt": T + 5200,
            "replyStartedAt": T + 5300,
            "firstAudioAt": T + 5400,
            "firstHeardAt": T + 5600,
            "latencyMs": 600,
        }
    ],
    "metadata": {"mode": "conversation"},
}


class NoHttp:
    async def request(self, *args: object, **kwargs: object) -> HttpResponse:
        raise AssertionError("the exporter has a client of its own")


class Shown:
    def event(self, event: CallEvent) -> Mapping[str, object]:
        raise AssertionError("a trace is made of the call")

    async def call(self, call_id: CallId) -> Mapping[str, object] | None:
        return ENDED


@pytest.fixture
def collector() -> Iterator[tuple[str, list[tuple[dict[str, str], bytes]]]]:
    got: list[tuple[dict[str, str], bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            got.append(({"path": self.path, **self.headers}, body))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", got
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_call_that_ended_is_one_trace_under_its_own_id(
    tmp_path: Path, collector: tuple[str, list[tuple[dict[str, str], bytes]]]
) -> None:
    endpoint, got = collector
    (spec,) = voicecall_event_sinks()
    context = SinkContext(
        http=NoHttp(),
        public_http=NoHttp(),
        clock=SystemClock(),
        logger=logging.getLogger("test"),
        state_dir=tmp_path,
        showing=Shown(),
    )
    config = OtelConfig.model_validate({"endpoint": endpoint, "headers": {"x-token": "t0ken"}})

    async def main() -> None:
        async with spec.open(config, context) as sink:
            for carrier_id in ("CA1", "CA2"):
                sink.webhook_handled(
                    WebhookHandled(
                        carrier_call_id=CarrierCallId(carrier_id),
                        kinds=("CallAnswered",),
                        at=T / 1000 + 3,
                        seconds=0.004,
                    )
                )
            await sink.write(CallGreeted(call_id=CALL, number=3, at=T / 1000))
            await sink.write(
                CallFinished(call_id=CALL, number=9, at=T / 1000, state=CallState.COMPLETED)
            )

    anyio.run(main)
    ((headers, body),) = got
    assert headers["path"] == "/v1/traces"
    assert headers["x-token"] == "t0ken"
    (resource,) = ExportTraceServiceRequest.FromString(body).resource_spans
    spans = {span.name: span for span in resource.scope_spans[0].spans}
    assert len(resource.scope_spans[0].spans) == len(spans) == 7
    steps = {"hearing", "reply", "speech"}
    assert set(spans) == {"call outbound", "dial", "webhook", "turn", *steps}
    assert spans["webhook"].end_time_unix_nano == (T + 3004) * 1_000_000
    assert {span.trace_id.hex() for span in spans.values()} == {CALL.replace("-", "")}
    parents = {name: span.parent_span_id for name, span in spans.items()}
    assert parents["call outbound"] == b""
    assert parents["dial"] == parents["turn"] == spans["call outbound"].span_id
    assert parents["hearing"] == parents["speech"] == spans["turn"].span_id
    assert spans["dial"].end_time_unix_nano == (T + 3000) * 1_000_000
    assert spans["speech"].start_time_unix_nano == (T + 5300) * 1_000_000
    assert b"secret" not in body and b"555000" not in body


def test_a_call_that_nobody_answered_is_dialled_until_its_end() -> None:
    missed = {key: value for key, value in ENDED.items() if key not in ("answeredAt", "turns")}
    root = call_span({**missed, "state": "failed"})
    assert root.failed
    assert [(span.name, span.start, span.end) for span in root.children] == [("dial", T, T + 9000)]


def test_a_turn_of_which_little_is_known_has_the_spans_that_can_be_told() -> None:
    root = call_span({**ENDED, "turns": [{"number": 1, "transcriptAt": T + 1}, {"number": 2}]})
    assert [span.name for span in root.children] == ["dial", "turn"]
    assert not root.children[1].children


def test_an_endpoint_is_an_url() -> None:
    assert OtelConfig(endpoint="http://here:4318/v1/traces").endpoint == "http://here:4318"
    with pytest.raises(ValidationError, match="http or https"):
        OtelConfig(endpoint="localhost:4318")
