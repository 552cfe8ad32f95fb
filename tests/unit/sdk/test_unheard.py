"""Is exactly what was not recognised sent again, within bounds, and what is lost counted?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicecall.sdk import FRAME_SECONDS
from voicecall.sdk.unheard import UnheardAudio

FRAMES = [bytes([number]) * 160 for number in range(100)]


def rest(unheard: UnheardAudio) -> list[bytes]:
    return list(iter(unheard.take, None))


def test_only_what_was_sent_and_not_recognised_is_sent_again() -> None:
    unheard = UnheardAudio()
    for frame in FRAMES:
        unheard.add(frame)
    assert [unheard.take() for _ in range(60)] == FRAMES[:60]
    unheard.recognised(0.8)
    assert unheard.position == pytest.approx(1.2)
    unheard.reconnect()
    assert not unheard.caught_up
    assert rest(unheard) == FRAMES[40:] and unheard.position == pytest.approx(1.2)
    assert unheard.caught_up and unheard.lost_seconds == 0


def test_what_was_not_sent_cannot_be_recognised() -> None:
    unheard = UnheardAudio()
    for frame in FRAMES[:10]:
        unheard.add(frame)
    unheard.take()
    unheard.recognised(60)
    assert rest(unheard) == FRAMES[1:10]


def test_what_is_forgotten_unsent_is_lost_at_once() -> None:
    unheard = UnheardAudio(limit_seconds=0.2)
    for frame in FRAMES[:15]:
        unheard.add(frame)
    assert unheard.lost_seconds == pytest.approx(0.1)
    assert rest(unheard) == FRAMES[5:15]


def test_what_is_forgotten_after_it_was_sent_is_lost_with_its_connection_only() -> None:
    unheard = UnheardAudio(limit_seconds=0.2)
    for frame in FRAMES[:15]:
        unheard.add(frame)
        unheard.take()
    assert unheard.lost_seconds == 0
    unheard.recognised(0.06)  # three of the five that were forgotten
    unheard.reconnect()
    assert unheard.lost_seconds == pytest.approx(0.04)


@given(
    st.lists(st.sampled_from(["add", "take", "settle", "half", "reconnect"]), max_size=200),
)
def test_what_is_kept_is_bounded_and_in_order_and_every_frame_is_accounted_for(
    steps: list[str],
) -> None:
    unheard, count = UnheardAudio(limit_seconds=0.2), 0
    recognised: set[int] = set()
    sent: list[int] = []
    for step in steps:
        if step == "add":
            unheard.add(count.to_bytes(2, "big"))
            count += 1
        elif step == "take":
            frame = unheard.take()
            sent += [] if frame is None else [int.from_bytes(frame, "big")]
        elif step == "reconnect":
            unheard.reconnect()
            sent.clear()
        else:
            upto = len(sent) if step == "settle" else len(sent) // 2
            unheard.recognised(upto * FRAME_SECONDS)
            recognised |= set(sent[:upto])
    assert unheard.position == pytest.approx(len(sent) * FRAME_SECONDS)
    unheard.reconnect()
    left = [int.from_bytes(frame, "big") for frame in rest(unheard)]
    assert len(left) <= 10 and left == sorted(left)
    assert not left or left[-1] == count - 1
    lost = round(unheard.lost_seconds / FRAME_SECONDS)
    assert len(left) + len(recognised) + lost == count
