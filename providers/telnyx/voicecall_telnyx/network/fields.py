"""Which fields does Telnyx take in a request? Names, required ones, values; strict.

From the request schemas at developers.telnyx.com, *Call Control*; of those only what a voice
gateway has use for, so that a field which is new here is a decision.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from voicecall.sdk import is_e164

COMMON = frozenset({"client_state", "command_id"})
ANSWERED_STREAM = frozenset(
    {
        "stream_url",
        "stream_track",
        "stream_codec",
        "stream_bidirectional_mode",
        "stream_bidirectional_codec",
        "stream_bidirectional_target_legs",
    }
)
STREAM = ANSWERED_STREAM | {"stream_bidirectional_sampling_rate", "stream_auth_token"}
CALLBACK = frozenset({"webhook_url", "webhook_url_method"})
TRANSCRIPTION = frozenset({"transcription", "transcription_config"})
VOICE = frozenset({"payload", "voice", "language", "payload_type", "service_level"}) | {
    "voice_settings"
}
KEYS = frozenset(
    {
        "minimum_digits",
        "maximum_digits",
        "timeout_millis",
        "inter_digit_timeout_millis",
        "terminating_digit",
        "valid_digits",
    }
)
DIAL = (
    COMMON
    | STREAM
    | CALLBACK
    | TRANSCRIPTION
    | {
        "connection_id",
        "to",
        "from",
        "from_display_name",
        "webhook_urls",
        "webhook_retries_policies",
        "timeout_secs",
        "time_limit_secs",
        "answering_machine_detection",
        "answering_machine_detection_config",
        "send_digits_on_answer",
        "send_silence_when_idle",
        "stream_establish_before_call_originate",
    }
)
APPLICATION = frozenset({"application_name", "webhook_event_url", "webhook_event_failover_url"})
RESOURCES: Mapping[str, frozenset[str]] = {"dial": DIAL, "application": APPLICATION}
DETECTIONS = (
    "disabled",
    "detect",
    "detect_beep",
    "detect_words",
    "greeting_end",
    "premium",
    "premium_ios_call_screening_detection",
)
ENGINES = (
    *("A", "B", "Google", "Telnyx", "Deepgram", "Azure", "AssemblyAI", "Speechmatics", "Soniox"),
    *("xAI", "Parakeet", "Humain", "Reson8", "Cohere"),
)
ACTIONS: Mapping[str, frozenset[str]] = {
    "answer": COMMON | ANSWERED_STREAM | CALLBACK | TRANSCRIPTION | {"send_silence_when_idle"},
    "reject": COMMON | {"cause"},
    "hangup": COMMON | {"reason", "custom_headers"},
    "speak": COMMON | VOICE | {"loop", "stop", "target_legs"},
    "playback_start": COMMON
    | {"audio_url", "media_name", "playback_content", "audio_type", "loop", "overlay", "stop"}
    | {"target_legs", "cache_audio"},
    "playback_stop": COMMON | {"stop", "overlay"},
    "send_dtmf": COMMON | {"digits", "duration_millis"},
    "transcription_start": COMMON
    | {"transcription_engine", "transcription_engine_config", "transcription_tracks"},
    "transcription_stop": COMMON,
    "streaming_start": COMMON | STREAM | {"custom_parameters"},
    "streaming_stop": COMMON | {"stream_id"},
    "transfer": COMMON
    | {"to", "from", "timeout_secs", "time_limit_secs", "target_leg_client_state"}
    | {"answering_machine_detection"},
    "gather": COMMON | KEYS | {"initial_timeout_millis", "gather_id"},
    "gather_using_speak": COMMON | KEYS | VOICE | {"maximum_tries", "invalid_payload"},
    "gather_using_audio": COMMON
    | KEYS
    | {"maximum_tries", "audio_url", "media_name", "invalid_audio_url", "invalid_media_name"},
    "gather_stop": COMMON,
    "client_state_update": frozenset({"client_state"}),
}
_REQUIRED: Mapping[str, tuple[str, ...]] = {
    "dial": ("connection_id", "to", "from"),
    "application": ("application_name", "webhook_event_url"),
    "reject": ("cause",),
    "speak": ("payload", "voice"),
    "send_dtmf": ("digits",),
    "streaming_start": ("stream_url",),
    "transfer": ("to",),
    "gather_using_speak": ("payload", "voice"),
    "client_state_update": ("client_state",),
}
_DIGITS = re.compile(r"[0-9A-D*#wW]{1,}", re.ASCII)
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class BadField(Exception):
    """A request that Telnyx would answer with 422."""

    code: str
    name: str
    detail: str


def read_body(name: str, body: bytes) -> dict[str, Any]:
    """The fields of a request.

    Args:
        name: ``dial``, ``application``, or the action.
        body: raw.

    Raises:
        BadField: a field is unknown, missing, or has a value that is not possible.
    """
    try:
        fields = json.loads(body) if body else {}
    except ValueError as error:
        raise BadField("10015", "", "the body is no JSON") from error
    if not isinstance(fields, dict):
        raise BadField("10015", "", "the body is no JSON object")
    known = RESOURCES.get(name) or ACTIONS[name]
    for field in fields:
        if field not in known:
            raise BadField("10015", field, f"{name!r} has no field {field!r}")
    for field in _REQUIRED.get(name, ()):
        if not fields.get(field):
            raise BadField("10004", field, f"{name!r} needs {field!r}")
    for field, value in fields.items():
        possible = _VALUES.get(field)
        if possible is not None and not possible(value):
            raise BadField("10015", field, f"{field!r} cannot be {value!r}")
    return fields


def want_raw_audio(fields: Mapping[str, Any]) -> None:
    """Refuse a stream on which raw audio of ours would be taken for MP3, and not be heard.

    Raises:
        BadField: it is one.
    """
    if fields.get("stream_url") and fields.get("stream_bidirectional_mode") != "rtp":
        raise BadField("10015", "stream_bidirectional_mode", "the double wants raw audio: 'rtp'")


def _one_of(*values: object) -> Callable[[Any], bool]:
    return lambda value: value in values


def _between(low: int, high: int) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, int) and low <= value <= high


def _text(longest: int) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and 1 <= len(value) <= longest


def _is_loop(value: Any) -> bool:
    return value == "infinity" or (isinstance(value, int) and 1 <= value <= 100)


def _is_custom(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(each, dict) and set(each) == {"name", "value"} for each in value
    )


def _are_urls(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(urls, list) for urls in value.values())


def _are_policies(value: Any) -> bool:
    policies = value.values() if isinstance(value, dict) else [None]
    return all(
        isinstance(each, dict)
        and set(each) == {"retries_ms"}
        and len(each["retries_ms"]) <= 5
        and sum(each["retries_ms"]) <= 60_000
        for each in policies
    )


def _is_state(value: Any) -> bool:
    return isinstance(value, str) and _BASE64.fullmatch(value) is not None


def _is_table(value: Any) -> bool:
    return isinstance(value, dict)


def _is_url(*schemes: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and value.startswith(schemes)


_VALUES: Mapping[str, Callable[[Any], bool]] = {
    "to": lambda value: isinstance(value, str) and (is_e164(value) or value.startswith("sip:")),
    "from": lambda value: isinstance(value, str) and is_e164(value),
    "client_state": _is_state,
    "target_leg_client_state": _is_state,
    "webhook_event_url": _is_url("http://", "https://"),
    "webhook_event_failover_url": _is_url("http://", "https://"),
    "webhook_url": _is_url("http://", "https://"),
    "webhook_url_method": _one_of("POST"),
    "timeout_secs": _between(5, 600),
    "time_limit_secs": _between(30, 14_400),
    "answering_machine_detection": _one_of(*DETECTIONS),
    "send_digits_on_answer": lambda value: (
        isinstance(value, str) and len(value) <= 64 and _DIGITS.fullmatch(value) is not None
    ),
    "send_silence_when_idle": _one_of(True, False),
    "cause": _one_of("USER_BUSY", "CALL_REJECTED", "NOT_FOUND", "TEMPORARILY_UNAVAILABLE"),
    "payload": _text(3000),
    "invalid_payload": _text(3000),
    "loop": _is_loop,
    "command_id": _text(255),
    "webhook_urls": _are_urls,
    "webhook_retries_policies": _are_policies,
    "minimum_digits": _between(1, 128),
    "maximum_digits": _between(1, 128),
    "maximum_tries": _between(1, 128),
    "timeout_millis": _between(0, 600_000),
    "initial_timeout_millis": _between(0, 600_000),
    "inter_digit_timeout_millis": _between(0, 600_000),
    "duration_millis": _between(100, 500),
    "terminating_digit": _one_of("", *"0123456789#*ABCD"),
    "transcription": _one_of(True, False),
    "transcription_config": _is_table,
    "transcription_engine": _one_of(*ENGINES),
    "transcription_engine_config": _is_table,
    "stream_auth_token": _text(4000),
    "custom_parameters": _is_custom,
    "payload_type": _one_of("text", "ssml"),
    "audio_url": _is_url("http://", "https://"),
    "stop": _one_of("current", "all"),
    "digits": lambda value: isinstance(value, str) and _DIGITS.fullmatch(value) is not None,
    "transcription_tracks": _one_of("inbound", "outbound", "both"),
    "stream_url": _is_url("ws://", "wss://"),
    "stream_track": _one_of("inbound_track", "outbound_track", "both_tracks"),
    "stream_codec": _one_of("PCMU", "PCMA", "G722", "OPUS", "AMR-WB", "L16", "default"),
    "stream_bidirectional_mode": _one_of("mp3", "rtp"),
    "stream_bidirectional_codec": _one_of("PCMU", "PCMA", "G722", "OPUS", "AMR-WB", "L16"),
    "stream_bidirectional_sampling_rate": _one_of(8000, 16_000, 22_050, 24_000, 48_000),
    "stream_bidirectional_target_legs": _one_of("self", "opposite", "both"),
}
