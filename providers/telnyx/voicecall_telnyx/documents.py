"""How do instructions look on Telnyx's wire? Names and fields of commands, pure.

Fields: developers.telnyx.com, *Call Control → Call Commands*.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from voicecall.sdk import CallOrder, CarrierRejected, OpenStream, RejectReason, Say
from voicecall_telnyx.client_state import TRANSFERRED, ClientState, write_state
from voicecall_telnyx.config import TelnyxConfig, Transcription

RING_SECONDS = (5, 600)
DURATION_SECONDS = (30, 14_400)
LONGEST_PAYLOAD = 3000
LONGEST_DIGITS = 64
_POLLY = "AWS.Polly."
_BASIC_VOICES = ("male", "female")
_REJECTIONS = {RejectReason.REJECTED: "CALL_REJECTED", RejectReason.BUSY: "USER_BUSY"}
_REGIONAL = re.compile(r"[a-z]{2,3}(-[A-Za-z]+)+", re.ASCII)
_SENTENCE_END = re.compile(r"[.!?…。！？]\s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One command: the last part of its path, and its fields."""

    name: str
    fields: Mapping[str, object]


def dial(
    order: CallOrder, config: TelnyxConfig, *, from_number: str, webhook_url: str
) -> dict[str, object]:
    """The body of a dial. Repeated, it dials once: its `command_id` is the order's.

    Raises:
        CarrierRejected: more keys than Telnyx takes.
    """
    body: dict[str, object] = {
        "connection_id": config.connection_id,
        "to": order.to_number,
        "from": from_number,
        "webhook_url": webhook_url,
        "webhook_url_method": "POST",
        "client_state": write_state(ClientState(call=order.call_id, secret=order.secret)),
        "command_id": order.call_id,
        "timeout_secs": _within(order.ring_timeout_seconds, RING_SECONDS),
        "time_limit_secs": _within(order.max_duration_seconds, DURATION_SECONDS),
        "send_silence_when_idle": True,
    }
    if order.detect_machine or order.await_beep:
        body["answering_machine_detection"] = _detection(order, config)
    if order.dtmf_sequence:
        if len(order.dtmf_sequence) > LONGEST_DIGITS:
            raise CarrierRejected(
                f"Telnyx takes {LONGEST_DIGITS} keys before a call is connected, these are "
                f"{len(order.dtmf_sequence)}; send the rest when somebody has answered"
            )
        body["send_digits_on_answer"] = order.dtmf_sequence
    return body


def _detection(order: CallOrder, config: TelnyxConfig) -> str:
    if config.machine_detection == "premium":
        return "premium"
    return "greeting_end" if order.await_beep else "detect"


def _within(seconds: float, bounds: tuple[int, int]) -> int:
    low, high = bounds
    return int(min(high, max(low, math.ceil(seconds))))


def answer(webhook_url: str) -> Action:
    """Pick up; from now on events come to `webhook_url`."""
    fields = {
        "webhook_url": webhook_url,
        "webhook_url_method": "POST",
        "send_silence_when_idle": True,
    }
    return Action(name="answer", fields=fields)


def reject(reason: RejectReason) -> Action:
    """Refuse."""
    return Action(name="reject", fields={"cause": _REJECTIONS[reason]})


def speak(say: Say, config: TelnyxConfig) -> Sequence[Action]:
    """Say a text; Telnyx queues what comes while it speaks."""
    voice = _voice(say.voice, config.voice)
    fields: dict[str, object] = {"payload_type": "text", "voice": voice}
    language = say.language or config.language
    if not voice.startswith(_POLLY) and _REGIONAL.fullmatch(language):
        fields["language"] = language
    return [Action(name="speak", fields={"payload": piece, **fields}) for piece in pieces(say.text)]


def _voice(wanted: str | None, configured: str) -> str:
    """A voice as Telnyx names it. A name of some other vendor's voice is not one."""
    if wanted is None:
        return configured
    if wanted.startswith("Polly."):
        return f"AWS.{wanted}"
    return wanted if "." in wanted or wanted in _BASIC_VOICES else configured


def pieces(text: str) -> list[str]:
    """`text` without control characters, in pieces that one command takes; whole sentences."""
    plain = "".join(each for each in text if each in "\n\t" or unicodedata.category(each) != "Cc")
    found: list[str] = []
    while len(plain) > LONGEST_PAYLOAD:
        end = _cut(plain[:LONGEST_PAYLOAD])
        found.append(plain[:end])
        plain = plain[end:]
    return [*found, plain]


def _cut(head: str) -> int:
    """Where a piece ends: after a sentence, else after a word, else where it must."""
    ends = [match.end() for match in _SENTENCE_END.finditer(head)]
    return ends[-1] if ends else head.rfind(" ") + 1 or len(head)


def listen(transcription: Transcription, language: str | None) -> Action:
    """Have Telnyx transcribe the caller."""
    engine = transcription.engine
    settings: dict[str, object] = {
        "transcription_engine": engine,
        "language": (language or transcription.language).partition("-")[0].lower(),
    }
    if engine == "Google":
        settings["interim_results"] = transcription.interim_results
    return Action(
        name="transcription_start",
        fields={
            "transcription_engine": engine,
            "transcription_engine_config": {**settings, **transcription.options},
            "transcription_tracks": "inbound",
        },
    )


def open_stream(stream: OpenStream) -> Action:
    """A two-way stream of raw µ-law; without ``rtp`` our frames would be taken for MP3."""
    return Action(
        name="streaming_start",
        fields={
            "stream_url": stream.url,
            "stream_track": "inbound_track",
            "stream_codec": "PCMU",
            "stream_bidirectional_mode": "rtp",
            "stream_bidirectional_codec": "PCMU",
            "stream_bidirectional_sampling_rate": 8000,
            "stream_bidirectional_target_legs": "self",
        },
    )


def transfer(to: str, from_number: str | None) -> Action:
    """Hand the caller on; the new leg is marked, so that nobody takes it for a call of its own."""
    fields: dict[str, object] = {
        "to": to,
        "target_leg_client_state": write_state(ClientState(leg=TRANSFERRED)),
    }
    if from_number is not None:
        fields["from"] = from_number
    return Action(name="transfer", fields=fields)


STOP_SPEAKING = Action(name="playback_stop", fields={"stop": "all"})
STOP_LISTENING = Action(name="transcription_stop", fields={})
STOP_STREAM = Action(name="streaming_stop", fields={})
HANG_UP = Action(name="hangup", fields={})


def play(url: str) -> Action:
    """Play a file."""
    return Action(name="playback_start", fields={"audio_url": url})


def send_digits(digits: str) -> Action:
    """Press keys."""
    return Action(name="send_dtmf", fields={"digits": digits})
