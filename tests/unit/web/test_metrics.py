"""What Prometheus sees: right counts, a format that it can read, and no label without a bound."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from voicecall import __version__
from voicecall.errors import CapacityExceeded, CarrierRejected, Draining, PolicyRefused, StoreError
from voicecall.media.counters import MediaCounters
from voicecall.model.call import TERMINAL_STATES, CallMode, Direction
from voicecall.rpc.faults import _KINDS
from voicecall.rpc.methods import METHODS
from voicecall.web.metrics import OTHER, REFUSALS, STEPS, Metrics, Sources, refusal_reason
from voicecall.webhooks.gate import GateCounters

TALKS, BUSY, STAYS = "+15551230001", "+15551230002", "+15551230003"
REFUSED = "+15551230006"

DIRECTIONS = set(Direction)
RESULTS = {"ok", *(kind for _, _, kind in _KINDS)}
BOUNDS: dict[str, set[Any]] = {
    "direction": DIRECTIONS,
    "kind": {"stt", "tts"},
    "method": {*METHODS, OTHER},
    "mode": set(CallMode),
    "outcome": set(TERMINAL_STATES),
    "reason": set(REFUSALS),
    "step": set(STEPS),
    "version": {__version__},
}
"""Every label and every value that it may have. `result` depends on what is counted."""

OF_RESULT = {"voicecall_webhooks": set(GateCounters.__slots__), "voicecall_rpc_requests": RESULTS}


def headers(gateway: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {gateway.token}"}


def rpc(gateway: Any, method: str, **params: Any) -> httpx.Response:
    url = f"{gateway.url}/rpc/{method}"
    return httpx.post(url, json=params, headers=headers(gateway), timeout=20)


def samples(text: str) -> Iterator[Sample]:
    for family in text_string_to_metric_families(text):
        yield from family.samples


def value(text: str, name: str, **labels: str) -> float:
    (found,) = [s for s in samples(text) if (s.name, s.labels) == (name, labels)]
    return float(found.value)


def shown(gateway: Any) -> str:
    reply = httpx.get(f"{gateway.url}/metrics", headers=headers(gateway))
    assert reply.status_code == 200
    assert reply.headers["Content-Type"].startswith("text/plain")
    return reply.text


@pytest.fixture
def busy(gateway: Any) -> Any:
    """A gateway that had calls, refusals and strange requests."""
    for number in (TALKS, TALKS, BUSY, STAYS):
        rpc(gateway, "voicecall.start", to=number, sessionKey="a secret session")
    rpc(gateway, "voicecall.start", to=REFUSED)
    rpc(gateway, "voicecall.end", callId="somebody's call")
    rpc(gateway, "an.unknown.method")
    return gateway


def test_the_figures_need_the_token(gateway: Any) -> None:
    assert httpx.get(f"{gateway.url}/metrics").status_code == 401


def test_calls_are_counted_by_direction_mode_and_outcome(busy: Any) -> None:
    text = shown(busy)
    kind = {"direction": "outbound", "mode": "notify"}
    assert value(text, "voicecall_calls_total", outcome="hangup-user", **kind) == 2
    assert value(text, "voicecall_calls_total", outcome="busy", **kind) == 1
    assert value(text, "voicecall_live_calls", direction="outbound") == 1
    assert value(text, "voicecall_live_calls", direction="inbound") == 0
    assert value(text, "voicecall_ready") == 1


def test_a_turn_is_counted_with_each_of_its_steps(busy: Any) -> None:
    text = shown(busy)
    assert value(text, "voicecall_turn_seconds_count", step="turn") == 2
    assert value(text, "voicecall_turn_seconds_sum", step="turn") == pytest.approx(2 * 0.64)
    assert value(text, "voicecall_turn_seconds_bucket", step="turn", le="0.5") == 0
    assert value(text, "voicecall_turn_seconds_bucket", step="turn", le="0.8") == 2
    assert value(text, "voicecall_turn_seconds_sum", step="listen") == pytest.approx(2 * 0.2)
    assert "frame" not in {s.labels.get("step") for s in samples(text)}


def test_requests_and_refusals_are_counted_by_method_and_reason(busy: Any) -> None:
    text = shown(busy)
    name = "voicecall_rpc_requests_total"
    assert value(text, name, method="voicecall.start", result="ok") == 4
    assert value(text, name, method="voicecall.start", result="policy") == 1
    assert value(text, name, method="voicecall.end", result="not-found") == 1
    assert value(text, name, method="other", result="invalid") == 1
    assert value(text, "voicecall_dials_refused_total", reason="policy.destination") == 1


def test_every_label_has_a_closed_set_of_values(busy: Any) -> None:
    for sample in samples(shown(busy)):
        for label, given in sample.labels.items():
            if label == "le":
                continue
            name = sample.name.removesuffix("_total").removesuffix("_created")
            bound = BOUNDS.get(label) or OF_RESULT[name]
            assert given in bound, sample
    for secret in (TALKS, "15551230", "secret", "somebody", "an.unknown"):
        assert secret not in shown(busy)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (PolicyRefused("no", reason="policy.rate"), "policy.rate"),
        (PolicyRefused("no", reason="policy.of +15551230001"), OTHER),
        (CapacityExceeded("full"), "capacity"),
        (Draining("going"), "draining"),
        (CarrierRejected("no"), None),
    ],
)
def test_a_reason_is_one_of_ours_or_other(error: Exception, reason: str | None) -> None:
    assert refusal_reason(error) == reason


def test_what_media_sessions_and_webhooks_count_is_shown(gateway: Any) -> None:
    media = MediaCounters(frames_in=7, dropped_audio_ms=1500, synthesis_failures=2, late_marks=3)
    sources = Sources(
        media=media,
        webhooks=lambda: GateCounters(accepted=5, refused=1),
        streams=lambda: 4,
        refused_streams=lambda: {403: 6},
        refused={"public": {429: 8}},
    )
    text = Metrics(gateway.service, sources).page().decode()
    assert value(text, "voicecall_media_frames_in_total") == 7
    assert value(text, "voicecall_media_dropped_audio_seconds_total") == 1.5
    assert value(text, "voicecall_media_late_marks_total") == 3
    assert value(text, "voicecall_speech_failures_total", kind="tts") == 2
    assert value(text, "voicecall_webhooks_total", result="accepted") == 5
    assert value(text, "voicecall_webhooks_total", result="refused") == 1
    assert value(text, "voicecall_media_streams") == 4
    assert value(text, "voicecall_media_streams_refused_total", status="403") == 6
    assert value(text, "voicecall_http_refused_total", listener="public", status="429") == 8
    names = {sample.name for sample in samples(text) if sample.name.startswith("voicecall_media")}
    assert len(names) == len(media.snapshot()) - len(("stt", "tts")) + len(("open", "refused"))


def test_a_call_that_cannot_be_looked_up_costs_its_count_and_nothing_else(
    busy: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(call_id: str) -> None:
        raise StoreError("the disk is full")

    live = rpc(busy, "voicecall.status").json()["calls"][0]["callId"]
    with monkeypatch.context() as patched:
        patched.setattr(busy.service, "find", fail)
        rpc(busy, "voicecall.end", callId=live)
        shown(busy)
    assert "an event is missing from the metrics" in caplog.text
    rpc(busy, "voicecall.start", to=BUSY)
    kind = {"direction": "outbound", "mode": "notify"}
    assert value(shown(busy), "voicecall_calls_total", outcome="busy", **kind) == 2


def test_every_metric_is_named_and_explained_as_the_format_wants(busy: Any) -> None:
    ours = [f for f in text_string_to_metric_families(shown(busy)) if "process" not in f.name]
    assert len(ours) > 15
    for family in ours:
        assert family.name.startswith("voicecall_")
        assert family.documentation
        assert family.type in ("counter", "gauge", "histogram")
