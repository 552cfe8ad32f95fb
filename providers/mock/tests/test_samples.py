"""Does the plugin read what the network's wire format says that it sends?"""

import json
from pathlib import Path
from typing import Any

import pytest

from voicecall.sdk import VerifiedWebhook
from voicecall_conformance import post
from voicecall_mock import webhooks
from voicecall_mock.media import MockMedia

SAMPLES = Path(__file__).parent / "samples"
URL = "https://voice.example.com/voice/webhook"


def samples(name: str) -> list[Any]:
    read = json.loads((SAMPLES / name).read_text(encoding="utf-8"))
    return [pytest.param(sample, id=sample["name"]) for sample in read]


@pytest.mark.parametrize("sample", samples("webhooks.json"))
def test_a_report_says_what_its_sample_says(sample: dict[str, Any]) -> None:
    body = json.dumps(sample["body"]).encode()
    request = post(URL, webhook_url=URL, body=body, headers={}, at=0.0)
    (event,) = webhooks.parse(VerifiedWebhook(request=request, replay_key="1"))
    says = dict(sample["says"])
    assert type(event).__name__ == says.pop("type")
    assert {name: getattr(event, name) for name in says} == says


def test_a_stream_says_what_its_samples_say() -> None:
    protocol = MockMedia()
    for sample in json.loads((SAMPLES / "frames.json").read_text(encoding="utf-8")):
        events = protocol.receive(json.dumps(sample["frame"]))
        assert [type(event).__name__ for event in events] == sample["says"], sample["name"]
