"""Are the latency figures those of the turns, each once?"""

from hypothesis import given
from hypothesis import strategies as st

from voicecall.calls.timing import Figures, latency
from voicecall.model.call import TurnTiming


def turn(number: int, wait_ms: float) -> TurnTiming:
    return TurnTiming(number=number, speech_ended_at=0.0, transcript_at=wait_ms / 1000)


def test_every_step_of_a_turn_has_its_figures() -> None:
    timing = TurnTiming(
        number=1,
        speech_ended_at=10.0,
        transcript_at=10.25,
        reply_started_at=10.75,
        first_audio_at=10.875,
        first_frame_at=11.0,
        first_heard_at=11.5,
    )
    found = latency([[timing]])
    steps = (
        found.turn_latency,
        found.listen_wait,
        found.reply_wait,
        found.synthesis_wait,
        found.frame_wait,
        found.delivery_wait,
    )
    assert [step.avg_ms for step in steps] == [1500, 250, 500, 125, 125, 500]
    assert found.records_scanned == 1


def test_percentiles_are_durations_that_occurred() -> None:
    found = latency([[turn(n, n * 1000) for n in range(1, 21)]]).listen_wait
    assert found == Figures(
        count=20, min_ms=1000, max_ms=20000, avg_ms=10500, p50_ms=10000, p95_ms=19000
    )


def test_a_turn_that_is_told_twice_counts_once_and_the_last_word_stands() -> None:
    found = latency([[turn(1, 1000), turn(2, 2000), turn(1, 3000)]]).listen_wait
    assert (found.count, found.min_ms, found.max_ms) == (2, 2000, 3000)


def test_equal_numbers_of_different_calls_are_different_turns() -> None:
    assert latency([[turn(1, 1000)], [turn(1, 1000)]]).listen_wait.count == 2


def test_calls_without_turns_are_scanned_and_have_no_figures() -> None:
    found = latency([[], []])
    assert found.records_scanned == 2
    assert found.turn_latency == Figures(count=0)


def test_a_step_that_was_not_timed_or_ran_backwards_is_left_out() -> None:
    found = latency([[TurnTiming(number=1, speech_ended_at=5.0), turn(2, -1000), turn(3, 0)]])
    assert found.listen_wait == Figures(count=1, min_ms=0, max_ms=0, avg_ms=0, p50_ms=0, p95_ms=0)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=60))
def test_the_figures_are_in_order(waits: list[float]) -> None:
    found = latency([[turn(n, wait) for n, wait in enumerate(waits)]]).listen_wait
    assert found.min_ms is not None and found.p50_ms is not None
    assert found.p95_ms is not None and found.max_ms is not None and found.avg_ms is not None
    assert found.count == len(waits)
    assert found.min_ms <= found.p50_ms <= found.p95_ms <= found.max_ms
    assert found.min_ms - 1e-6 <= found.avg_ms <= found.max_ms + 1e-6
