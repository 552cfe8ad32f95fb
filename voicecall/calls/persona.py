"""Who answers on a call, and out of whose memory? Settled by the number of ours that it is on."""

from __future__ import annotations

from dataclasses import dataclass

from voicecall.config.schema import NumberSettings, Settings
from voicecall.model.call import CallRecord, Direction, Speaker, TranscriptLine
from voicecall.model.speech import EndedCall, Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Persona:
    """What the configuration says for one call; `patience` is in seconds."""

    session_key: str
    agent_id: str
    model: str | None
    system_prompt: str | None
    patience: float


def persona_of(record: CallRecord, settings: Settings) -> Persona:
    """The general settings, under those of the number of ours that the call is on."""
    inbound = record.direction is Direction.INBOUND
    ours = record.to_number if inbound else record.from_number
    own = settings.numbers.get(ours or "") or NumberSettings()
    return Persona(
        session_key=record.session_key or _session_key(record, settings.session_scope),
        agent_id=own.agent_id or settings.agent_id,
        model=own.response_model or settings.response_model,
        system_prompt=own.response_system_prompt or settings.response_system_prompt,
        patience=(own.response_timeout_ms or settings.response_timeout_ms) / 1000,
    )


def turn_of(
    record: CallRecord, persona: Persona, *, number: int, text: str, lines: list[TranscriptLine]
) -> Turn:
    """The caller's turn `number`, in which they said `text`; `lines` include that."""
    return Turn(
        call_id=record.call_id,
        number=number,
        text=text,
        direction=record.direction,
        mode=record.mode,
        from_number=record.from_number,
        to_number=record.to_number,
        history=_before(lines, text),
        session_key=persona.session_key,
        agent_id=persona.agent_id,
        model=persona.model,
        system_prompt=persona.system_prompt,
    )


def ended_call(record: CallRecord, settings: Settings) -> EndedCall:
    """What the responder is told when the call is over."""
    persona = persona_of(record, settings)
    return EndedCall(
        call_id=record.call_id,
        direction=record.direction,
        mode=record.mode,
        state=record.state,
        history=record.transcript,
        session_key=persona.session_key,
        agent_id=persona.agent_id,
    )


def _session_key(record: CallRecord, scope: str) -> str:
    """By the other party's number, by call, or one for all."""
    if scope == "main":
        return "main"
    outbound = record.direction is Direction.OUTBOUND
    other = record.to_number if outbound else record.from_number
    return other if scope == "per-phone" and other else record.call_id


def _before(lines: list[TranscriptLine], text: str) -> tuple[TranscriptLine, ...]:
    """`lines` without the latest in which the caller said `text`."""
    for index in range(len(lines) - 1, -1, -1):
        if lines[index].speaker is Speaker.USER and lines[index].text == text:
            return (*lines[:index], *lines[index + 1 :])
    return tuple(lines)
