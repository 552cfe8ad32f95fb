"""How do calls and their events look to clients? camelCase objects, milliseconds since 1970."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from voicecall.calls.fold import fold
from voicecall.calls.store import CallStore
from voicecall.calls.timing import Figures, Latency
from voicecall.model.call import CallRecord, TranscriptLine, TurnTiming
from voicecall.model.call_events import (
    CallCreated,
    CallEvent,
    CallFinished,
    CallGreeted,
    CallTransferred,
    CarrierIdLearned,
    DigitsReceived,
    LineSaid,
    MachineHeard,
    OutcomeNoted,
    PartialHeard,
    RecordingKept,
    StateChanged,
    TurnTimed,
)
from voicecall.model.ids import CallId

JsonObject = dict[str, object]


def call_object(record: CallRecord) -> JsonObject:
    """`record` as clients know it; what is not known is left out. The secret stays here."""
    return _without_none(
        {
            "callId": record.call_id,
            "providerCallId": record.carrier_call_id,
            "provider": record.provider,
            "direction": record.direction.value,
            "state": record.state.value,
            "from": record.from_number,
            "to": record.to_number,
            "sessionKey": record.session_key,
            "startedAt": _ms(record.started_at),
            "answeredAt": _ms(record.answered_at),
            "endedAt": _ms(record.ended_at),
            "endReason": record.end_reason and record.end_reason.value,
            "endDetail": record.end_detail,
            "refused": record.refused,
            "answeredBy": record.answered_by,
            "attestation": record.attestation,
            "digits": record.digits or None,
            "transcript": [_line(line) for line in record.transcript],
            "turns": [_turn(turn) for turn in record.turns],
            "recording": record.recording,
            "transferredTo": record.transferred_to,
            "note": record.note,
            "metadata": _metadata(record),
        }
    )


def turn_latency_ms(turn: TurnTiming) -> int | None:
    """From the end of the caller's speech to our first audio, the best known; None: unknown."""
    heard = turn.first_heard_at or turn.first_frame_at or turn.first_audio_at
    return _span_ms(turn.speech_ended_at, heard)


def listen_wait_ms(turn: TurnTiming) -> int | None:
    """From the end of the caller's speech until its words were there; None: unknown."""
    return _span_ms(turn.speech_ended_at, turn.transcript_at)


def latency_object(latency: Latency) -> JsonObject:
    """The figures as `voicecall.latency` answers them; None where nothing was timed."""
    return {
        "recordsScanned": latency.records_scanned,
        "turnLatency": _figures(latency.turn_latency),
        "listenWait": _figures(latency.listen_wait),
        "replyWait": _figures(latency.reply_wait),
        "synthesisWait": _figures(latency.synthesis_wait),
        "frameWait": _figures(latency.frame_wait),
        "deliveryWait": _figures(latency.delivery_wait),
    }


def event_object(event: CallEvent) -> JsonObject:
    """`event` for event streams: `type`, `callId`, `number` (0: not stored), `at`, its fields."""
    name, fields = _describe(event)
    head: JsonObject = {
        "type": name,
        "callId": event.call_id,
        "number": event.number,
        "at": _ms(event.at),
    }
    return head | _without_none(fields)


class StoredCalls:
    """`Showing` for plugins: what clients see of calls, read from the store."""

    def __init__(self, store: CallStore) -> None:
        self._store = store

    def event(self, event: CallEvent) -> JsonObject:
        """`event_object`."""
        return event_object(event)

    async def call(self, call_id: CallId) -> JsonObject | None:
        """`call_object` of what is stored of the call."""
        events = await self._store.events(call_id)
        return call_object(fold(events)) if events else None


def _metadata(record: CallRecord) -> JsonObject:
    last = record.turns[-1] if record.turns else None
    return {
        **record.metadata,
        **_without_none(
            {
                "mode": record.mode.value,
                "turnCount": len(record.turns),
                "lastTurnLatencyMs": last and turn_latency_ms(last),
                "lastTurnListenWaitMs": last and listen_wait_ms(last),
            }
        ),
    }


def _line(line: TranscriptLine) -> JsonObject:
    return _without_none(
        {
            "timestamp": _ms(line.timestamp),
            "speaker": line.speaker.value,
            "text": line.text,
            "isFinal": line.is_final,
            "heard": line.heard,
        }
    )


def _turn(turn: TurnTiming) -> JsonObject:
    return _without_none(
        {
            "number": turn.number,
            "speechEndedAt": _ms(turn.speech_ended_at),
            "transcriptAt": _ms(turn.transcript_at),
            "replyStartedAt": _ms(turn.reply_started_at),
            "firstAudioAt": _ms(turn.first_audio_at),
            "firstFrameAt": _ms(turn.first_frame_at),
            "firstHeardAt": _ms(turn.first_heard_at),
            "latencyMs": turn_latency_ms(turn),
            "listenWaitMs": listen_wait_ms(turn),
        }
    )


def _created(event: CallCreated) -> JsonObject:
    return {
        "provider": event.provider,
        "direction": event.direction.value,
        "mode": event.mode.value,
        "from": event.from_number,
        "to": event.to_number,
        "message": event.message,
        "attestation": event.attestation,
    }


_Describer = tuple[str, Callable[[Any], JsonObject]]

_EVENTS: dict[type[CallEvent], _Describer] = {
    CallCreated: ("created", _created),
    CarrierIdLearned: ("carrier-id", lambda event: {"providerCallId": event.carrier_call_id}),
    StateChanged: (
        "state",
        lambda event: {"state": event.state.value, "answeredBy": event.answered_by},
    ),
    CallGreeted: ("greeted", lambda event: {}),
    LineSaid: (
        "line",
        lambda event: {"speaker": event.speaker.value, "text": event.text, "heard": event.heard},
    ),
    TurnTimed: ("turn", lambda event: {"turn": _turn(event.timing)}),
    DigitsReceived: ("digits", lambda event: {"digits": event.digits}),
    MachineHeard: ("machine", lambda event: {"result": event.result}),
    CallTransferred: ("transferred", lambda event: {"to": event.to}),
    OutcomeNoted: ("note", lambda event: {"note": event.text}),
    RecordingKept: ("recording", lambda event: {"recording": event.location}),
    CallFinished: (
        "finished",
        lambda event: {
            "state": event.state.value,
            "detail": event.detail,
            "refused": event.refused,
        },
    ),
    PartialHeard: ("partial", lambda event: {"text": event.text}),
}

EVENT_NAMES = tuple(name for name, _ in _EVENTS.values())
"""Every `type` of an event object."""


def _describe(event: CallEvent) -> tuple[str, JsonObject]:
    name, fields = _EVENTS[type(event)]
    return name, fields(event)


def _figures(figures: Figures) -> JsonObject:
    def rounded(value: float | None) -> float | None:
        return None if value is None else round(value, 1)

    return {
        "count": figures.count,
        "minMs": rounded(figures.min_ms),
        "maxMs": rounded(figures.max_ms),
        "avgMs": rounded(figures.avg_ms),
        "p50Ms": rounded(figures.p50_ms),
        "p95Ms": rounded(figures.p95_ms),
    }


def _ms(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)


def _span_ms(start: float | None, end: float | None) -> int | None:
    """None also when `end` came first: we spoke before the caller did, or the clock was set."""
    return None if start is None or end is None or end < start else round((end - start) * 1000)


def _without_none(fields: JsonObject) -> JsonObject:
    return {key: value for key, value in fields.items() if value is not None}
