"""Does the state machine converge, whatever carriers do with their reports?"""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from voicecall.calls import facts
from voicecall.calls.facts import Arm, Disarm, HangUpNow, Timer
from voicecall.calls.fold import create, fold
from voicecall.calls.machine import CallLimits, decide, first_timers
from voicecall.model.call import CallMode, CallRecord, CallState, Direction, Speaker
from voicecall.model.call_events import CallCreated, CallEvent
from voicecall.model.carrier_events import (
    CallAnswered,
    CallEnded,
    CallRinging,
    DigitsPressed,
    EndCause,
    EndedBy,
    MachineDetected,
    MachineResult,
    RecordingReady,
    UnknownEvent,
)
from voicecall.model.ids import CallId, CarrierCallId

LIMITS = CallLimits(stream=15.0)
ORDER = [
    CallState.INITIATED,
    CallState.RINGING,
    CallState.ANSWERED,
    CallState.ACTIVE,
    CallState.SPEAKING,
    CallState.LISTENING,
]


def created(mode: CallMode = CallMode.CONVERSATION) -> CallCreated:
    return CallCreated(
        call_id=CallId("c-1"),
        number=1,
        at=1.0,
        provider="acme",
        direction=Direction.OUTBOUND,
        mode=mode,
        from_number="+15550001111",
        to_number="+15550002222",
    )


def reported(kind: type, /, **values: object) -> object:
    return kind(key=f"{kind.__name__}", carrier_call_id=CarrierCallId("X1"), **values)


def run(record: CallRecord, *happened: object) -> CallRecord:
    for fact in happened:
        record = decide(record, fact, at=2.0, limits=LIMITS).record  # type: ignore[arg-type]
    return record


causes = st.sampled_from(EndCause)
own_facts = st.one_of(
    st.builds(facts.DialAccepted, carrier_call_id=st.just(CarrierCallId("X1"))),
    st.builds(facts.LineOpened),
    st.builds(facts.LineLost, later=st.sampled_from((0.0, 2.0))),
    st.builds(facts.HandedOn, to=st.sampled_from((None, "+15550009999"))),
    st.builds(facts.Speaking, active=st.booleans()),
    st.builds(facts.OpeningHeard),
    st.builds(facts.PickedUp),
    st.builds(facts.Said, speaker=st.sampled_from(Speaker), text=st.just("hi")),
    st.builds(facts.Keyed, digits=st.just("1")),
    st.builds(facts.TimerFired, timer=st.sampled_from(Timer)),
)
carrier_facts = st.one_of(
    st.just(reported(CallRinging)),
    st.just(reported(CallAnswered)),
    st.builds(
        lambda result: reported(MachineDetected, result=result), st.sampled_from(MachineResult)
    ),
    st.just(reported(DigitsPressed, digits="5")),
    st.just(reported(RecordingReady, location="r.wav")),
    st.just(reported(UnknownEvent, kind="new")),
)
ends = st.one_of(
    st.builds(lambda cause: reported(CallEnded, cause=cause), causes),
    st.builds(facts.HungUp, state=st.just(CallState.HANGUP_BOT)),
    st.builds(facts.DialFailed, detail=st.just("no")),
)


class CallMachine(RuleBasedStateMachine):
    """A call under any sequence of facts, with its timers tracked as a live call tracks them."""

    @initialize(mode=st.sampled_from(CallMode))
    def create(self, mode: CallMode) -> None:
        event = created(mode)
        self.events: list[CallEvent] = [event]
        self.record = create(event)
        self.history = [self.record.state]
        self.timers = {arm.timer for arm in first_timers(self.record, LIMITS)}
        self.final: CallState | None = None

    def _take(self, fact: object) -> None:
        decision = decide(self.record, fact, at=2.0, limits=LIMITS)  # type: ignore[arg-type]
        if isinstance(fact, facts.TimerFired):
            self.timers.discard(fact.timer)
        for effect in decision.effects:
            if isinstance(effect, Arm):
                self.timers.add(effect.timer)
            elif isinstance(effect, Disarm):
                self.timers.discard(effect.timer)
            elif isinstance(effect, HangUpNow):
                self.hanging_up = True
        self.events += decision.events
        self.record = decision.record
        self.history.append(self.record.state)

    hanging_up = False

    @rule(fact=st.one_of(own_facts, carrier_facts))
    def something_happens(self, fact: object) -> None:
        if isinstance(fact, facts.TimerFired) and fact.timer not in self.timers:
            return
        self._take(fact)

    @rule(fact=ends)
    def it_ends(self, fact: object) -> None:
        self._take(fact)
        self.final = self.final or self.record.state

    @invariant()
    def a_terminal_state_is_final(self) -> None:
        if self.final is not None:
            assert self.record.state is self.final

    @invariant()
    def every_live_state_has_a_timer_or_is_being_hung_up(self) -> None:
        assert self.record.state.is_terminal or self.timers or self.hanging_up

    @invariant()
    def states_only_go_forward_but_for_speaking_and_listening(self) -> None:
        for before, after in itertools.pairwise(self.history):
            if before.is_terminal or after.is_terminal:
                continue
            back = ORDER.index(after) < ORDER.index(before)
            assert not back or (before, after) == (CallState.LISTENING, CallState.SPEAKING)

    @invariant()
    def the_record_is_the_fold_of_its_events(self) -> None:
        assert fold(self.events) == self.record

    @invariant()
    def events_are_numbered_without_gaps(self) -> None:
        assert [event.number for event in self.events] == list(range(1, len(self.events) + 1))


TestCallMachine = CallMachine.TestCase
TestCallMachine.settings = settings(max_examples=120, stateful_step_count=25, deadline=None)


@given(
    order=st.permutations(
        [
            reported(CallRinging),
            reported(CallAnswered),
            facts.DialAccepted(carrier_call_id=CarrierCallId("X1")),
            reported(DigitsPressed, digits="1"),
            reported(CallEnded, cause=EndCause.COMPLETED, ended_by=EndedBy.CALLEE),
        ]
    ),
    repeats=st.lists(st.integers(0, 4), max_size=6),
)
def test_acceptance_14_any_order_and_any_repeats_of_a_calls_reports_end_in_the_same_state(
    order: list[object], repeats: list[int]
) -> None:
    record = run(create(created()), *order, *(order[index] for index in repeats))
    assert record.state is CallState.HANGUP_USER
    assert record.end_reason is CallState.HANGUP_USER


def test_completed_before_ringing_leaves_no_live_call_behind() -> None:
    record = run(
        create(created()),
        reported(CallEnded, cause=EndCause.COMPLETED),
        reported(CallRinging),
        reported(CallAnswered),
    )
    assert record.state is CallState.COMPLETED
    assert record.answered_at is None


@pytest.mark.parametrize(
    ("cause", "ended_by", "state"),
    [
        (EndCause.BUSY, EndedBy.UNKNOWN, CallState.BUSY),
        (EndCause.NO_ANSWER, EndedBy.UNKNOWN, CallState.NO_ANSWER),
        (EndCause.FAILED, EndedBy.UNKNOWN, CallState.FAILED),
        (EndCause.REJECTED, EndedBy.CALLEE, CallState.REJECTED),
        (EndCause.TIMEOUT, EndedBy.API, CallState.TIMEOUT),
        (EndCause.COMPLETED, EndedBy.CALLEE, CallState.HANGUP_USER),
        (EndCause.COMPLETED, EndedBy.API, CallState.HANGUP_BOT),
        (EndCause.COMPLETED, EndedBy.UNKNOWN, CallState.COMPLETED),
    ],
)
def test_the_carriers_cause_decides_the_reason(
    cause: EndCause, ended_by: EndedBy, state: CallState
) -> None:
    end = reported(CallEnded, cause=cause, ended_by=ended_by)
    assert run(create(created()), end).state is state


def test_a_recording_that_comes_with_the_end_is_still_kept() -> None:
    record = run(
        create(created()),
        reported(CallEnded, cause=EndCause.COMPLETED),
        reported(RecordingReady, location="/tmp/a.wav"),
    )
    assert record.recording == "/tmp/a.wav"
    assert record.state is CallState.COMPLETED


def test_a_machine_in_a_conversation_is_hung_up_on_as_voicemail() -> None:
    record = run(create(created()), reported(CallAnswered))
    found = reported(MachineDetected, result=MachineResult.MACHINE)
    effects = decide(record, found, at=2.0, limits=LIMITS).effects  # type: ignore[arg-type]
    assert HangUpNow(state=CallState.VOICEMAIL) in effects


def test_a_notify_message_waits_for_the_beep_of_a_machine() -> None:
    record = run(create(created(CallMode.NOTIFY)), reported(CallAnswered))
    found = decide(
        record,
        reported(MachineDetected, result=MachineResult.MACHINE),  # type: ignore[arg-type]
        at=2.0,
        limits=LIMITS,
    )
    assert facts.HoldOpening() in found.effects
    beep = decide(
        found.record,
        reported(MachineDetected, result=MachineResult.BEEP),  # type: ignore[arg-type]
        at=3.0,
        limits=LIMITS,
    )
    assert facts.SpeakOpening() in beep.effects


def test_a_message_that_is_said_again_behind_the_beep_is_not_cut_by_the_end_of_the_first() -> None:
    opening = [reported(CallAnswered), facts.OpeningHeard()]
    record = run(create(created(CallMode.NOTIFY)), *opening)
    beep = decide(
        record,
        reported(MachineDetected, result=MachineResult.BEEP),  # type: ignore[arg-type]
        at=3.0,
        limits=LIMITS,
    )
    assert facts.Disarm(timer=Timer.NOTIFY) in beep.effects
    again = decide(beep.record, facts.OpeningHeard(), at=9.0, limits=LIMITS)
    assert Arm(timer=Timer.NOTIFY, seconds=LIMITS.notify_delay) in again.effects


def test_a_restored_call_gets_only_the_time_that_is_left() -> None:
    record = run(create(created()), reported(CallAnswered))
    armed = first_timers(record, LIMITS, elapsed=299.0)
    assert Arm(timer=Timer.MAX_DURATION, seconds=1.0) in armed
    assert {each.timer for each in armed} <= {Timer.MAX_DURATION, Timer.STREAM}


def test_a_restored_call_whose_message_was_heard_is_hung_up_soon() -> None:
    record = run(
        create(created(mode=CallMode.NOTIFY)), reported(CallAnswered), facts.OpeningHeard()
    )
    armed = first_timers(record, LIMITS, elapsed=20.0)
    assert Arm(timer=Timer.NOTIFY, seconds=LIMITS.notify_delay) in armed


def test_a_request_id_that_is_told_late_does_not_replace_the_id_of_the_call() -> None:
    accepted = facts.DialAccepted(carrier_call_id=CarrierCallId("request"))
    record = run(create(created()), reported(CallRinging), accepted)
    assert record.carrier_ids == ("request", "X1")
    assert record.carrier_call_id == "X1"
