"""Does real plugin code read what Telnyx documents, and write what its SDK writes?"""

import base64
import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from voicecall.sdk import (
    CallId,
    CallOrder,
    OpenStream,
    RejectReason,
    Say,
    StreamToken,
    VerifiedWebhook,
    WebhookRequest,
)
from voicecall_telnyx import documents
from voicecall_telnyx.config import TelnyxConfig
from voicecall_telnyx.events import event_of
from voicecall_telnyx.legs import Keys
from voicecall_telnyx.media import TelnyxMedia
from voicecall_telnyx.webhooks import read

SAMPLES = Path(__file__).parent / "samples"
CONFIG = TelnyxConfig.model_validate({"apiKey": "KEY", "connectionId": "1684641123236054244"})
CALLBACK = "https://voice.example.com/voice/webhook?call=c-1&secret=s-1"
ORDER = CallOrder(
    call_id=CallId("c-1"),
    secret="s-1",
    to_number="+15550002222",
    from_number="+15550001111",
    ring_timeout_seconds=25,
    max_duration_seconds=240,
)
STREAM = OpenStream(
    url="wss://voice.example.com/voice/stream/a-stream-token", token=StreamToken("a-stream-token")
)
VARYING = ("client_state", "command_id", "target_leg_client_state")


def samples(name: str) -> list[Any]:
    found: list[Any] = json.loads((SAMPLES / name).read_bytes())
    return found


def told(event: object, wanted: dict[str, Any]) -> dict[str, Any]:
    """The fields of `event` that `wanted` names, as plain values."""
    plain = {"type": type(event).__name__, **dataclasses.asdict(event)}  # type: ignore[call-overload]
    return {name: plain[name] for name in wanted}


@pytest.mark.parametrize("sample", samples("events.json"), ids=lambda sample: sample["name"])
def test_a_documented_event_says_what_it_is_documented_to_say(sample: Any) -> None:
    request = WebhookRequest(
        method="POST",
        url="https://voice.example.com/voice/webhook",
        hook="",
        query_string="",
        headers=(),
        body=json.dumps(sample["body"]).encode(),
        received_at=1_800_000_000,
    )
    event = event_of(read(VerifiedWebhook(request=request, replay_key="k")))
    assert told(event, sample["says"]) == sample["says"]
    assert event.key == sample["body"]["data"]["id"]
    assert event.carrier_call_id == sample["body"]["data"]["payload"]["call_control_id"]
    assert event.occurred_at == 1517610327.521992
    assert not event.wants_instructions


@pytest.mark.parametrize("sample", samples("frames.json"), ids=lambda sample: sample["name"])
def test_a_documented_frame_says_what_it_is_documented_to_say(sample: Any) -> None:
    says = sample["says"]
    events = TelnyxMedia(lambda call: Keys()).receive(json.dumps(sample["frame"]))
    if says is None:
        assert events == ()
        return
    (event,) = events
    wanted = {
        name: base64.b64decode(sample["frame"]["media"]["payload"]) if value == "base64" else value
        for name, value in says.items()
    }
    assert told(event, wanted) == wanted


OURS: dict[str, Callable[[], Any]] = {
    "dial": lambda: documents.dial(ORDER, CONFIG, from_number="+15550001111", webhook_url=CALLBACK),
    "speak": lambda: documents.speak(Say(text="Good morning."), CONFIG)[0].fields,
    "transcription_start": lambda: documents.listen(CONFIG.transcription, None).fields,
    "transcription_stop": lambda: documents.STOP_LISTENING.fields,
    "playback_stop": lambda: documents.STOP_SPEAKING.fields,
    "playback_start": lambda: documents.play("https://media.example.com/a.wav").fields,
    "streaming_start": lambda: documents.open_stream(STREAM).fields,
    "streaming_stop": lambda: documents.STOP_STREAM.fields,
    "send_dtmf": lambda: documents.send_digits("1w2#").fields,
    "transfer": lambda: documents.transfer("+15550003333", "+15550001111").fields,
    "answer": lambda: documents.answer(CALLBACK).fields,
    "reject": lambda: documents.reject(RejectReason.REJECTED).fields,
    "hangup": lambda: documents.HANG_UP.fields,
}


@pytest.mark.parametrize("sample", samples("requests.json"), ids=lambda sample: sample["name"])
def test_our_request_has_the_fields_that_the_sdk_writes(sample: Any) -> None:
    wanted = {name: value for name, value in sample["body"].items() if name not in VARYING}
    ours = {name: value for name, value in OURS[sample["name"]]().items() if name not in VARYING}
    assert ours == wanted


def test_every_sampled_request_is_one_of_ours() -> None:
    assert {sample["name"] for sample in samples("requests.json")} == set(OURS)
