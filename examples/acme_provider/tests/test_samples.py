"""Does the plugin read what Acme's manual prints? The double alone could misread it as we do."""

import json
from pathlib import Path
from typing import Any

import pytest

from voicecall.sdk import VerifiedWebhook, WebhookRequest
from voicecall_acme import webhooks

SAMPLES = Path(__file__).parent / "samples"
REPORTS = sorted(path.stem for path in SAMPLES.glob("*.json") if path.stem != "signature")


def sample(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))
    return content


def request(body: bytes, url: str, *headers: tuple[str, str], at: float = 0.0) -> WebhookRequest:
    return WebhookRequest(
        method="POST",
        url=url,
        hook="",
        query_string=url.partition("?")[2],
        headers=headers,
        body=body,
        received_at=at,
    )


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_is_read_as_what_it_is(name: str) -> None:
    printed = sample(name)
    asked = request(json.dumps(printed["body"]).encode(), "https://voice.example.com/voice/webhook")
    (event,) = webhooks.parse(VerifiedWebhook(request=asked, replay_key="key"))
    assert type(event).__name__ == printed["means"]
    assert (event.key, event.carrier_call_id) == (printed["body"]["id"], printed["body"]["call"])


def test_the_signature_that_the_manual_prints_is_genuine() -> None:
    printed = sample("signature")
    header = ("x-acme-signature", printed["header"])
    asked = request(printed["text"].encode(), printed["url"], header, at=printed["at"])
    (event,) = webhooks.parse(webhooks.verify(asked, printed["key"]))
    assert (event.call_id, event.call_secret) == ("c-1", "s-1")
