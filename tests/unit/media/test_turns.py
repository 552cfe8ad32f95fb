"""The turn policy, event by event."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicecall.config.schema import TurnSettings
from voicecall.media.turns import (
    LONGEST_PAUSE_SECONDS,
    CallerSpeech,
    Floor,
    TurnPolicy,
    Verdict,
    VoiceGoesOn,
)
from voicecall.model.speech import SpeechBegan, SpeechFinal, SpeechPartial

OURS = "Thank you for calling. Shall I book the table for two at eight o'clock?"
SILENT = Floor()
SPEAKING = Floor(saying=OURS, playing=True)
GREETING = Floor(saying=OURS, playing=True, protected=True)
THINKING = Floor(pending=True)
JUST_DONE = Floor(saying=OURS)
PAUSED = Floor(pending=True, paused=0.3)

policy = TurnPolicy(TurnSettings())


def with_voice(floor: Floor, seconds: float) -> Floor:
    return replace(floor, voice=seconds)


def follow(*steps: tuple[object, Floor]) -> list[Verdict]:
    speech, verdicts = CallerSpeech(), []
    for event, floor in steps:
        speech, verdict = policy.judge(speech, event, floor)
        verdicts.append(verdict)
    return verdicts


def test_while_nothing_is_at_stake_any_speech_takes_the_floor_once() -> None:
    verdicts = follow((SpeechBegan(), SILENT), (SpeechPartial(text="hello"), SILENT))
    assert [verdict.takes_floor for verdict in verdicts] == [True, False]


def test_a_click_does_not_interrupt_us() -> None:
    short = with_voice(SPEAKING, 0.12)
    verdicts = follow(
        (SpeechBegan(), SPEAKING), (VoiceGoesOn(), short), (SpeechFinal(text=""), short)
    )
    assert verdicts == [Verdict(), Verdict(), Verdict()]


def test_a_voice_that_goes_on_pauses_us_without_a_word() -> None:
    verdicts = follow(
        (SpeechBegan(), SPEAKING),
        (VoiceGoesOn(), with_voice(SPEAKING, 0.4)),
        (VoiceGoesOn(), with_voice(SPEAKING, 0.5)),
    )
    assert verdicts == [Verdict(), Verdict(), Verdict(pauses=True)]


def test_what_a_voice_paused_falls_with_its_first_word() -> None:
    verdicts = follow(
        (SpeechBegan(), SPEAKING),
        (VoiceGoesOn(), with_voice(SPEAKING, 0.5)),
        (VoiceGoesOn(), with_voice(PAUSED, 0.7)),
        (SpeechPartial(text="no"), with_voice(PAUSED, 0.8)),
        (SpeechFinal(text="no, wait"), with_voice(SILENT, 0.0)),
    )
    assert verdicts[2] == Verdict(holds=True)
    assert verdicts[3] == Verdict(takes_floor=True, words=True)
    assert verdicts[4] == Verdict(words=True)


@pytest.mark.parametrize("text", ["", "Mhm.", "thank you for calling"])
def test_a_voice_that_brings_nothing_leaves_what_it_paused(text: str) -> None:
    verdicts = follow(
        (SpeechBegan(), SPEAKING),
        (VoiceGoesOn(), with_voice(SPEAKING, 0.5)),
        (SpeechPartial(text=text), with_voice(PAUSED, 0.7)),
        (SpeechFinal(text=text), with_voice(PAUSED, 0.0)),
    )
    assert verdicts[1].pauses
    assert not any(verdict.takes_floor for verdict in verdicts)
    assert not verdicts[-1].words


@pytest.mark.parametrize("text", ["yes", "No.", "stop"])
def test_a_short_answer_counts_when_it_is_final_at_once(text: str) -> None:
    verdicts = follow(
        (SpeechBegan(), SPEAKING),
        (VoiceGoesOn(), with_voice(SPEAKING, 0.5)),
        (SpeechFinal(text=text), with_voice(PAUSED, 0.0)),
    )
    assert verdicts[-1] == Verdict(takes_floor=True, words=True)


def test_what_went_on_after_a_pause_is_not_paused_again() -> None:
    again = Floor(saying=OURS, playing=True, resumed=True)
    verdicts = follow((SpeechBegan(), again), (VoiceGoesOn(), with_voice(again, 0.5)))
    assert verdicts[1] == Verdict(takes_floor=True)


def test_who_pauses_us_for_very_long_has_the_floor_without_a_word() -> None:
    long = Floor(pending=True, paused=LONGEST_PAUSE_SECONDS)
    verdicts = follow(
        (SpeechBegan(), SPEAKING),
        (VoiceGoesOn(), with_voice(SPEAKING, 0.5)),
        (VoiceGoesOn(), PAUSED),
        (VoiceGoesOn(), long),
    )
    assert [verdict.takes_floor for verdict in verdicts] == [False, False, False, True]


def test_between_two_sentences_a_voice_makes_the_next_one_wait() -> None:
    gap = Floor(saying=OURS, pending=True, voice=0.6)
    assert follow((SpeechBegan(), gap))[0] == Verdict(holds=True)


@pytest.mark.parametrize("text", ["no", "Yes.", "wait", "stop it", "ja", "はい"])
def test_short_answers_interrupt_us_at_their_first_word(text: str) -> None:
    verdicts = follow(
        (SpeechBegan(), SPEAKING), (SpeechPartial(text=text), with_voice(SPEAKING, 0.25))
    )
    assert verdicts[1] == Verdict(takes_floor=True, words=True)


@pytest.mark.parametrize("text", ["mhm", "Uh-huh!", "okay, right", "I see. Mhm."])
def test_backchannels_do_not_interrupt_us_and_want_no_reply(text: str) -> None:
    floor = with_voice(SPEAKING, 0.3)
    verdicts = follow(
        (SpeechBegan(), SPEAKING),
        (SpeechPartial(text=text), floor),
        (SpeechFinal(text=text), floor),
    )
    assert not any(verdict.takes_floor for verdict in verdicts)
    assert not verdicts[-1].words


def test_a_backchannel_that_goes_on_is_a_wish_to_speak() -> None:
    verdicts = follow(
        (SpeechBegan(), SPEAKING),
        (SpeechPartial(text="okay"), SPEAKING),
        (SpeechPartial(text="okay but listen"), SPEAKING),
    )
    assert [verdict.takes_floor for verdict in verdicts] == [False, False, True]


def test_okay_answers_a_question_once_we_are_silent() -> None:
    verdicts = follow((SpeechBegan(), SPEAKING), (SpeechFinal(text="okay"), SILENT))
    assert verdicts[1] == Verdict(takes_floor=True, words=True)


def test_protected_speech_is_not_interrupted_but_the_caller_is_heard() -> None:
    loud = with_voice(GREETING, 2.0)
    verdicts = follow(
        (SpeechBegan(), GREETING),
        (VoiceGoesOn(), loud),
        (SpeechPartial(text="who is this"), loud),
        (SpeechFinal(text="who is this"), loud),
    )
    assert not any(verdict.takes_floor for verdict in verdicts)
    assert verdicts[-1].words


def test_a_reply_that_is_not_heard_yet_waits_for_a_voice_and_falls_with_a_word() -> None:
    voice = with_voice(THINKING, 0.3)
    verdicts = follow(
        (SpeechBegan(), THINKING), (VoiceGoesOn(), voice), (SpeechPartial(text="also"), voice)
    )
    assert verdicts[0] == verdicts[1] == Verdict(holds=True)
    assert verdicts[2] == Verdict(takes_floor=True, words=True)


def test_a_cough_while_we_think_discards_nothing() -> None:
    voice = with_voice(THINKING, 0.3)
    verdicts = follow(
        (SpeechBegan(), THINKING), (VoiceGoesOn(), voice), (SpeechFinal(text=""), voice)
    )
    assert not any(verdict.takes_floor for verdict in verdicts)


@pytest.mark.parametrize("text", ["for calling shall I book", "the table for two at ate o'clock"])
def test_our_echo_causes_nothing(text: str) -> None:
    verdicts = follow(
        (SpeechBegan(), SPEAKING),
        (SpeechPartial(text=text), SPEAKING),
        (SpeechFinal(text=text), SILENT),
    )
    assert not any(verdict.takes_floor or verdict.words for verdict in verdicts)
    assert verdicts[-1].echo


def test_the_echo_of_our_last_words_causes_nothing() -> None:
    verdicts = follow((SpeechBegan(), JUST_DONE), (SpeechFinal(text="eight o'clock"), SILENT))
    assert verdicts[-1] == Verdict(echo=True)


def test_a_caller_who_repeats_our_words_later_is_no_echo() -> None:
    verdicts = follow((SpeechBegan(), SILENT), (SpeechFinal(text="eight o'clock"), SILENT))
    assert verdicts[-1].words


def test_a_caller_who_says_a_word_of_ours_in_their_own_voice_is_no_echo() -> None:
    voice = with_voice(SPEAKING, 0.35)
    verdicts = follow((SpeechBegan(), SPEAKING), (SpeechFinal(text="eight"), voice))
    assert verdicts[-1] == Verdict(takes_floor=True, words=True)


def test_without_the_gate_an_echo_counts_as_speech() -> None:
    open_gate = TurnPolicy(TurnSettings(echo_gate=False))
    _, verdict = open_gate.judge(CallerSpeech(), SpeechFinal(text="for calling shall I"), SPEAKING)
    assert verdict.words


def test_noise_that_nobody_understood_is_no_turn() -> None:
    assert not follow((SpeechBegan(), SILENT), (SpeechFinal(text=" ...  "), SILENT))[-1].words


events = st.one_of(
    st.just(SpeechBegan()),
    st.just(VoiceGoesOn()),
    st.builds(SpeechPartial, text=st.text(max_size=20)),
    st.builds(SpeechFinal, text=st.text(max_size=20)),
)
floors = st.builds(
    Floor,
    saying=st.sampled_from(["", OURS]),
    playing=st.booleans(),
    protected=st.booleans(),
    paused=st.one_of(st.none(), st.floats(0, 20)),
    resumed=st.booleans(),
    pending=st.booleans(),
    voice=st.floats(0, 3),
)


@given(steps=st.lists(st.tuples(events, floors), max_size=20))
def test_the_floor_is_taken_at_most_once_a_speech_and_never_from_protected_speech(steps) -> None:
    speech, taken = CallerSpeech(), 0
    for event, floor in steps:
        if isinstance(event, SpeechBegan):
            taken = 0
        speech, verdict = policy.judge(speech, event, floor)
        taken += verdict.takes_floor
        assert taken <= 1
        stops_us = verdict.takes_floor or verdict.pauses
        assert not (stops_us and floor.playing and floor.protected)
        assert not (verdict.pauses and (floor.resumed or not floor.playing))
        if isinstance(event, SpeechFinal):
            taken = 0
            assert speech == CallerSpeech()


def test_what_we_said_in_several_sentences_is_one_echo() -> None:
    first, second, third = "We are open on Monday.", "And on Tuesday.", "When will you come?"
    verdicts = follow(
        (SpeechBegan(), Floor(saying=first, playing=True)),
        (VoiceGoesOn(), Floor(saying=f"{first} {second}", playing=True)),
        (VoiceGoesOn(), Floor(saying=second, playing=True)),
        (VoiceGoesOn(), Floor(saying=f"{second} {third}", playing=True)),
        (VoiceGoesOn(), Floor(saying=third)),
        (SpeechFinal(text=f"{first} {second} {third}"), SILENT),
    )
    assert verdicts[-1] == Verdict(echo=True)


@pytest.mark.parametrize(("voice", "echo"), [(0.0, True), (0.3, False)])
def test_words_of_ours_that_come_late_are_an_echo_unless_the_callers_voice_said_them(
    voice: float, echo: bool
) -> None:
    later = Floor(said=OURS, longest_voice=voice)
    verdict = follow((SpeechFinal(text="at eight o'clock"), later))[0]
    assert (verdict.echo, verdict.words) == (echo, not echo)


def test_a_single_word_of_ours_that_comes_late_is_an_answer() -> None:
    assert follow((SpeechFinal(text="eight"), Floor(said=OURS)))[0].words


def test_a_noise_that_began_while_we_spoke_is_no_speech_when_we_are_done() -> None:
    verdicts = follow((SpeechBegan(), SPEAKING), (VoiceGoesOn(), SILENT), (VoiceGoesOn(), SILENT))
    assert not any(verdict.takes_floor for verdict in verdicts)
