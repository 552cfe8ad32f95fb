"""What a call does next: a pure function from (record, fact, time) to (events, effects).

=========================  =============================  ==========================================
state                      moves on to                    timers that run in it
=========================  =============================  ==========================================
initiated                  ringing, answered, terminal    ring, reaper
ringing                    answered, terminal             ring, reaper
answered                   active, terminal               max-duration, stream
active                     speaking, listening, terminal  max-duration (stream while it has none)
speaking                   listening, terminal            max-duration, notify after the message
listening                  speaking, terminal             max-duration, notify after the message
completed hangup-user      nothing, for good              none
hangup-bot timeout error
failed no-answer busy
voicemail rejected
=========================  =============================  ==========================================

A fact that does not fit the state changes nothing: carriers repeat, reorder and lie. So any
order of a call's facts that contains its end, ends in the same state, and nothing resurrects.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from voicecall.calls.durations import digits_seconds
from voicecall.calls.facts import (
    Arm,
    DialAccepted,
    DialFailed,
    Disarm,
    Effect,
    Fact,
    HandedOn,
    HangUpNow,
    HoldOpening,
    HungUp,
    Keyed,
    LineLost,
    LineOpened,
    Noted,
    OpeningHeard,
    PickedUp,
    Refused,
    Said,
    Speaking,
    SpeakOpening,
    TakeLine,
    Timed,
    Timer,
    TimerFired,
)
from voicecall.calls.fold import evolve
from voicecall.model.call import CallMode, CallRecord, CallState, Direction
from voicecall.model.call_events import (
    CallEvent,
    CallFinished,
    CallGreeted,
    CallTransferred,
    CarrierIdLearned,
    DigitsReceived,
    LineSaid,
    MachineHeard,
    OutcomeNoted,
    RecordingKept,
    StateChanged,
    TurnTimed,
)
from voicecall.model.carrier_events import (
    CallAnswered,
    CallEnded,
    CallRinging,
    CarrierEvent,
    DigitsPressed,
    EndCause,
    EndedBy,
    MachineDetected,
    MachineResult,
    RecordingReady,
)

NO_STREAM = "no media stream came; check that the carrier can reach the stream URL"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLimits:
    """Durations that the machine arms timers with, in call seconds; 0 turns the reaper off."""

    ring: float = 30.0
    ring_grace: float = 10.0
    reaper: float = 120.0
    max_duration: float = 300.0
    notify_delay: float = 3.0
    stream: float | None = None
    """How long an answered call may be without its media stream; None: it needs none."""
    beep: float = 30.0
    detection: float | None = None
    """How long after its message a call waits for the carrier's word whether a machine answered;
    None: no carrier was asked."""
    hang_up_on_machine: bool | None = None
    """None: hang up in a conversation, leave the message in a notify call."""

    def hangs_up_on_machine(self, mode: CallMode) -> bool:
        """Whether a call of `mode` is over when a machine answers."""
        if self.hang_up_on_machine is None:
            return mode is CallMode.CONVERSATION
        return self.hang_up_on_machine


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a fact leads to: the record after it, its events, and what must be done."""

    record: CallRecord
    events: tuple[CallEvent, ...] = ()
    effects: tuple[Effect, ...] = ()


@dataclass(slots=True)
class _Draft:
    """A decision in the making."""

    record: CallRecord
    at: float
    limits: CallLimits
    events: list[CallEvent] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)

    def add(self, kind: Callable[..., CallEvent], **values: Any) -> None:
        event = kind(
            call_id=self.record.call_id,
            number=self.record.event_count + 1,
            at=self.at,
            **values,
        )
        self.record = evolve(self.record, event)
        self.events.append(event)

    def do(self, *effects: Effect) -> None:
        self.effects.extend(effects)

    def move(self, state: CallState, answered_by: str | None = None) -> None:
        self.add(StateChanged, state=state, answered_by=answered_by)

    def finish(
        self, state: CallState, detail: str | None = None, refused: str | None = None
    ) -> None:
        self.add(CallFinished, state=state, detail=detail, refused=refused)


def first_timers(record: CallRecord, limits: CallLimits, elapsed: float = 0.0) -> list[Arm]:
    """The timers of a live call that was created, or answered, `elapsed` call seconds ago."""
    if record.state.is_answered:
        timers = [Arm(timer=Timer.MAX_DURATION, seconds=max(0.0, limits.max_duration - elapsed))]
        if limits.stream is not None and record.transferred_to is None:
            timers.append(Arm(timer=Timer.STREAM, seconds=limits.stream))
        if record.greeted and record.mode is CallMode.NOTIFY:
            timers.append(Arm(timer=Timer.NOTIFY, seconds=limits.notify_delay))
        return timers
    ring = max(0.0, limits.ring + limits.ring_grace - elapsed)
    timers = [Arm(timer=Timer.RING, seconds=ring)]
    if limits.reaper:
        timers.append(Arm(timer=Timer.REAPER, seconds=max(0.0, limits.reaper - elapsed)))
    return timers


def decide(record: CallRecord, fact: Fact, *, at: float, limits: CallLimits) -> Decision:
    """What `fact` leads to.

    Args:
        record: the call as it is.
        fact: what happened.
        at: when, in seconds since the epoch.
        limits: durations for timers.
    """
    draft = _Draft(record, at, limits)
    if record.state.is_terminal:
        _after_the_end(draft, fact)
    else:
        if isinstance(fact, CarrierEvent):
            _learn_id(draft, fact)
            _carrier(draft, fact)
        else:
            _own(draft, fact)
    return Decision(record=draft.record, events=tuple(draft.events), effects=tuple(draft.effects))


def _after_the_end(draft: _Draft, fact: Fact) -> None:
    """A finished call keeps its state; only what came with the end is still noted."""
    if isinstance(fact, RecordingReady) and draft.record.recording is None:
        draft.add(RecordingKept, location=fact.location)


def _learn_id(draft: _Draft, event: CarrierEvent) -> None:
    known = (*draft.record.carrier_ids, draft.record.call_id)
    if event.carrier_call_id not in known:
        draft.add(CarrierIdLearned, carrier_call_id=event.carrier_call_id)


def _carrier(draft: _Draft, event: CarrierEvent) -> None:
    match event:
        case CallRinging():
            if draft.record.state is CallState.INITIATED:
                draft.move(CallState.RINGING)
        case CallAnswered(answered_by=answered_by):
            _answered(draft, answered_by)
        case CallEnded():
            draft.finish(end_state(draft.record, event), detail=event.detail)
        case DigitsPressed(digits=digits) if digits:
            draft.add(DigitsReceived, digits=digits)
        case MachineDetected(result=result):
            _machine(draft, result)
        case RecordingReady(location=location):
            if draft.record.recording is None:
                draft.add(RecordingKept, location=location)


def _answered(draft: _Draft, answered_by: str | None = None) -> None:
    if draft.record.state.is_answered:
        return
    draft.move(CallState.ANSWERED, answered_by)
    draft.do(
        Disarm(timer=Timer.RING),
        Disarm(timer=Timer.REAPER),
        Arm(timer=Timer.MAX_DURATION, seconds=draft.limits.max_duration),
    )
    _await_stream(draft, later=digits_seconds(draft.record.dtmf_sequence))
    draft.do(TakeLine())


def _await_stream(draft: _Draft, *, later: float) -> None:
    """The stream must come, though not before the carrier has sent digits for `later` seconds."""
    if draft.limits.stream is not None:
        draft.do(Arm(timer=Timer.STREAM, seconds=draft.limits.stream + later))


def _machine(draft: _Draft, result: MachineResult) -> None:
    record = draft.record
    if result in (MachineResult.HUMAN, MachineResult.UNKNOWN):
        if record.answered_by is None:
            draft.add(MachineHeard, result=result.value)
            _leave_after_message(draft)
        return
    first = record.answered_by not in (MachineResult.MACHINE, MachineResult.FAX)
    if first:
        draft.add(MachineHeard, result=MachineResult.MACHINE.value)
    if draft.limits.hangs_up_on_machine(record.mode) or result is MachineResult.FAX:
        draft.do(HangUpNow(state=CallState.VOICEMAIL))
    elif result is MachineResult.BEEP:
        draft.do(Disarm(timer=Timer.BEEP), Disarm(timer=Timer.NOTIFY), SpeakOpening())
    elif first:
        draft.do(
            Disarm(timer=Timer.NOTIFY),
            HoldOpening(),
            Arm(timer=Timer.BEEP, seconds=draft.limits.beep),
        )


def _leave_after_message(draft: _Draft) -> None:
    """A message that was heard ends the call soon; later while it may be a machine that heard."""
    record, limits = draft.record, draft.limits
    if record.greeted and record.mode is CallMode.NOTIFY:
        ours = record.direction is Direction.OUTBOUND
        detecting = ours and limits.detection is not None and record.answered_by is None
        seconds = limits.detection if detecting else limits.notify_delay
        draft.do(Arm(timer=Timer.NOTIFY, seconds=max(limits.notify_delay, seconds or 0.0)))


def _own(draft: _Draft, fact: Fact) -> None:
    match fact:
        case DialAccepted(carrier_call_id=new):
            current = draft.record.carrier_call_id
            if new not in draft.record.carrier_ids:
                draft.add(CarrierIdLearned, carrier_call_id=new)
                if current is not None:
                    # Its events were faster, and told the id that it goes on under.
                    draft.add(CarrierIdLearned, carrier_call_id=current)
        case DialFailed(detail=detail):
            draft.finish(CallState.FAILED, detail=detail)
        case Refused(reason=reason):
            draft.finish(CallState.REJECTED, refused=reason)
        case PickedUp():
            _answered(draft)
        case LineOpened() | LineLost() | Speaking() | OpeningHeard():
            _line(draft, fact)
        case Said(speaker=speaker, text=text, heard=heard):
            draft.add(LineSaid, speaker=speaker, text=text, heard=heard)
        case Timed(timing=timing):
            draft.add(TurnTimed, timing=timing)
        case Keyed(digits=digits):
            draft.add(DigitsReceived, digits=digits)
        case HandedOn(to=to):
            draft.add(CallTransferred, to=to)
            draft.do(Disarm(timer=Timer.STREAM))
        case Noted(text=text):
            draft.add(OutcomeNoted, text=text)
        case TimerFired(timer=timer):
            _timer(draft, timer)
        case HungUp(state=state, detail=detail):
            draft.finish(state, detail=detail)


def _line(draft: _Draft, fact: Fact) -> None:
    state = draft.record.state
    match fact:
        case LineOpened():
            _answered(draft)
            draft.do(Disarm(timer=Timer.STREAM))
            if draft.record.state is CallState.ANSWERED:
                draft.move(CallState.ACTIVE)
        case LineLost(later=later):
            _await_stream(draft, later=later)
        case Speaking(active=active) if state.is_answered:
            wanted = CallState.SPEAKING if active else CallState.LISTENING
            if state is not wanted:
                draft.move(wanted)
        case OpeningHeard() if state.is_answered:
            if not draft.record.greeted:
                draft.add(CallGreeted)
            _leave_after_message(draft)


def _timer(draft: _Draft, timer: Timer) -> None:
    answered = draft.record.state.is_answered
    match timer:
        case Timer.RING if not answered:
            draft.do(HangUpNow(state=CallState.NO_ANSWER))
        case Timer.REAPER if not answered:
            draft.do(HangUpNow(state=CallState.TIMEOUT))
        case Timer.MAX_DURATION:
            draft.do(HangUpNow(state=CallState.TIMEOUT))
        case Timer.NOTIFY:
            left = draft.record.answered_by == MachineResult.MACHINE
            draft.do(HangUpNow(state=CallState.VOICEMAIL if left else CallState.COMPLETED))
        case Timer.STREAM:
            draft.do(HangUpNow(state=CallState.ERROR, detail=NO_STREAM))
        case Timer.BEEP:
            draft.do(SpeakOpening())


_BY_CAUSE = {
    EndCause.BUSY: CallState.BUSY,
    EndCause.NO_ANSWER: CallState.NO_ANSWER,
    EndCause.FAILED: CallState.FAILED,
    EndCause.REJECTED: CallState.REJECTED,
    EndCause.TIMEOUT: CallState.TIMEOUT,
    EndCause.VOICEMAIL: CallState.VOICEMAIL,
}


def end_state(record: CallRecord, event: CallEnded) -> CallState:
    """The terminal state that the carrier's report of an end means for `record`."""
    if event.cause in _BY_CAUSE:
        return _BY_CAUSE[event.cause]
    if record.answered_by == MachineResult.MACHINE:
        return CallState.VOICEMAIL
    theirs = EndedBy.CALLEE if record.direction is Direction.OUTBOUND else EndedBy.CALLER
    if event.ended_by is theirs:
        return CallState.HANGUP_USER
    if event.ended_by in (EndedBy.API, EndedBy.CALLER, EndedBy.CALLEE):
        return CallState.HANGUP_BOT
    if event.cause is EndCause.CANCELED:
        return CallState.NO_ANSWER
    return CallState.COMPLETED
