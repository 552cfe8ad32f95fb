"""Is what Twilio reports understood?"""

from __future__ import annotations

import json
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

from voicecall.sdk import VerifiedWebhook, WebhookMalformed, WebhookRequest
from voicecall_conformance.borrowed import Urls
from voicecall_conformance.rig import Rig
from voicecall_twilio.webhooks import parse

SAMPLES = json.loads((Path(__file__).parent / "samples" / "webhooks.json").read_bytes())

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: str(sample["name"]))
async def test_a_sample_says_what_it_says(
    sample: dict[str, Any], rig: Rig, webhook: Callable[..., VerifiedWebhook]
) -> None:
    events = rig.provider.parse(webhook(sample["hook"], sample["fields"], sample["query"]))
    assert [type(event).__name__ for event in events] == [
        wanted["kind"] for wanted in sample["events"]
    ]
    for event, wanted in zip(events, sample["events"], strict=True):
        told = {name: plain(getattr(event, name, None)) for name in wanted if name != "kind"}
        assert told == {name: value for name, value in wanted.items() if name != "kind"}
        assert event.carrier_call_id == sample["fields"]["CallSid"]


def plain(value: object) -> object:
    return value.value if isinstance(value, Enum) else value


async def test_at_most_one_event_of_a_webhook_wants_the_instructions(
    rig: Rig, webhook: Callable[..., VerifiedWebhook]
) -> None:
    for sample in SAMPLES:
        events = rig.provider.parse(webhook(sample["hook"], sample["fields"], sample["query"]))
        wanting = [event for event in events if event.wants_instructions]
        assert wanting in ([], [events[-1]]), sample["name"]


async def test_samples_of_two_happenings_have_two_keys(
    rig: Rig, webhook: Callable[..., VerifiedWebhook]
) -> None:
    statuses = [sample for sample in SAMPLES if sample["name"].startswith("status ")]
    keys = [
        event.key
        for sample in statuses
        for event in rig.provider.parse(webhook(sample["hook"], sample["fields"], sample["query"]))
    ]
    assert len(set(keys)) == len(statuses)


async def test_a_fallback_has_the_keys_of_what_it_stands_for(
    rig: Rig, webhook: Callable[..., VerifiedWebhook]
) -> None:
    fields = {"CallSid": "CA1", "CallStatus": "in-progress", "SpeechResult": "Yes."}
    query = {"callId": "c", "secret": "s", "step": "1", "turn": "t"}
    failed = {**fields, "ErrorUrl": rig.urls.webhook("gather", **query)}
    own = {"callId": "c", "secret": "s"}
    first = rig.provider.parse(webhook("gather", fields, query))
    again = rig.provider.parse(webhook("fallback", failed, own))
    assert again == first


@pytest.mark.parametrize(
    ("hook", "fields"),
    [
        ("status", {"CallStatus": "completed"}),
        ("status", {"CallSid": "CA1"}),
        ("amd", {"CallSid": "CA1"}),
        ("voice", {}),
    ],
)
async def test_what_lacks_something_is_malformed(
    hook: str, fields: dict[str, str], rig: Rig, webhook: Callable[..., VerifiedWebhook]
) -> None:
    with pytest.raises(WebhookMalformed):
        rig.provider.parse(webhook(hook, fields))


async def test_a_get_carries_its_fields_in_the_query(rig: Rig) -> None:
    query = "callId=c&secret=s&CallSid=CA1&CallStatus=in-progress&Direction=outbound-api"
    request = WebhookRequest(
        method="GET",
        url=f"{rig.urls.webhook('voice')}?{query}",
        hook="voice",
        query_string=query,
        headers=(),
        body=b"",
        received_at=0.0,
    )
    event = rig.provider.parse(VerifiedWebhook(request=request, replay_key="k"))[0]
    assert (event.carrier_call_id, event.call_id, event.wants_instructions) == ("CA1", "c", True)


@pytest.mark.parametrize("body", [b'{"type": "com.twilio.x", "CallSid": "CA1"}', b"{}"])
async def test_json_of_another_product_is_unknown(body: bytes) -> None:
    event = parse(VerifiedWebhook(request=posted_json(body), replay_key="k"), Urls())[0]
    assert type(event).__name__ == "UnknownEvent"


@pytest.mark.parametrize("body", [b"[]", b"{", b"null", b"[" * 100_000])
async def test_json_that_is_no_object_is_malformed(body: bytes) -> None:
    with pytest.raises(WebhookMalformed):
        parse(VerifiedWebhook(request=posted_json(body), replay_key="k"), Urls())


def posted_json(body: bytes) -> WebhookRequest:
    return WebhookRequest(
        method="POST",
        url=Urls().webhook(),
        hook="",
        query_string="",
        headers=(("content-type", "application/json"),),
        body=body,
        received_at=0.0,
    )
