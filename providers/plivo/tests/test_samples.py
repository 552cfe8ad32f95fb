"""Is every sample of Plivo's wire read as it is meant, by the code that meets the real one?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import anyio
import pytest

from voicecall import errors
from voicecall.sdk import (
    CallId,
    CallOrder,
    CarrierError,
    HttpReply,
    MediaStarted,
    StreamOpening,
    StreamToken,
    VerifiedWebhook,
    WebhookMalformed,
    WebhookRequest,
)
from voicecall_plivo.double import documents

SAMPLES = Path(__file__).parent / "samples"


def load(name: str) -> list[dict[str, Any]]:
    samples: list[dict[str, Any]] = json.loads((SAMPLES / f"{name}.json").read_text("utf-8"))
    return samples


def named(sample: dict[str, Any]) -> str:
    return str(sample["name"])


def agrees(event: object, wanted: dict[str, Any]) -> bool:
    """Whether `event` is of the wanted type and has the wanted values."""
    values = {name: value for name, value in wanted.items() if name != "type"}
    return type(event).__name__ == wanted["type"] and all(
        getattr(event, name) == value for name, value in values.items()
    )


@pytest.mark.parametrize("sample", load("callbacks"), ids=named)
def test_a_callback_is_read(sample: dict[str, Any], provider: Any, urls: Any) -> None:
    fields, query = sample["fields"], sample["query"]
    posted = sample["method"] == "POST"
    if not posted:
        query = {**query, **fields}
    url = urls.webhook(sample["hook"], **query)
    request = WebhookRequest(
        method=sample["method"],
        url=url,
        hook=sample["hook"],
        query_string=url.partition("?")[2],
        headers=(),
        body=urlencode(fields).encode() if posted else b"",
        received_at=0.0,
    )
    webhook = VerifiedWebhook(request=request, replay_key="v3:1")
    events = provider.parse(webhook)
    assert len(events) == len(sample["events"]), events
    for event, wanted in zip(events, sample["events"], strict=True):
        assert agrees(event, wanted), event
        assert event.carrier_call_id == fields["CallUUID"]
    if posted:
        nameless = WebhookRequest(
            method="POST",
            url=url,
            hook=sample["hook"],
            query_string=url.partition("?")[2],
            headers=(),
            body=urlencode({**fields, "CallUUID": ""}).encode(),
            received_at=0.0,
        )
        with pytest.raises(WebhookMalformed):
            provider.parse(VerifiedWebhook(request=nameless, replay_key="v3:1"))


def opening() -> StreamOpening:
    return StreamOpening(call_id=CallId("c"), token=StreamToken("t"), url="wss://calls.example/t")


FRAMES = load("frames")
START = next(sample["opening"] for sample in FRAMES if "opening" in sample)


@pytest.mark.parametrize("sample", [s for s in FRAMES if "frame" in s], ids=named)
def test_a_frame_is_read(sample: dict[str, Any], provider: Any) -> None:
    stream = provider.media(opening())
    stream.receive(json.dumps(START))
    events = stream.receive(json.dumps(sample["frame"]))
    assert len(events) == len(sample["events"]), events
    assert all(map(agrees, events, sample["events"])), events


@pytest.mark.parametrize("sample", [s for s in FRAMES if "opening" in s], ids=named)
def test_an_opening_is_read(sample: dict[str, Any], provider: Any) -> None:
    started = provider.media(opening()).receive(json.dumps(sample["opening"]))
    assert [type(event) for event in started] == [MediaStarted]
    assert started[0].carrier_call_id == sample["opening"]["start"]["callId"]


@pytest.mark.parametrize("sample", load("answers"), ids=named)
def test_an_answer_to_an_order_is_read(sample: dict[str, Any], provider: Any, answers: Any) -> None:
    answers.give(sample["status"], sample.get("body", sample.get("text")))
    order = CallOrder(
        call_id=CallId("c"),
        secret="s",
        to_number="+14155550199",
        from_number=None,
        ring_timeout_seconds=30,
        max_duration_seconds=300,
    )
    if "request_uuid" in sample:
        assert anyio.run(provider.place_call, order) == sample["request_uuid"]
        return
    with pytest.raises(CarrierError) as caught:
        anyio.run(provider.place_call, order)
    assert type(caught.value) is getattr(errors, sample["error"])
    assert "14155550199" not in str(caught.value)


@pytest.mark.parametrize("sample", load("documents"), ids=named)
def test_what_the_sdk_writes_is_what_our_double_reads(sample: dict[str, Any]) -> None:
    reply = HttpReply(
        headers=(("content-type", "application/xml"),), body=sample["document"].encode()
    )
    assert documents.instructions(documents.read_document(reply))
