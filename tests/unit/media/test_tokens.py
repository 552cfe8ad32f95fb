"""Stream tokens."""

from __future__ import annotations

import pytest

from voicecall.config.schema import LimitSettings, Settings
from voicecall.media.tokens import StreamTokens
from voicecall.model.ids import CallId, CarrierCallId

CALL = CallId("call-1")
OTHER = CallId("call-2")


class HandClock:
    """A clock that is set by hand."""

    def __init__(self, scale: float = 1.0) -> None:
        self.scale = scale
        self.time = 100.0

    def wall(self) -> float:
        return 0.0

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds


def owns(call_id: CallId, carrier_call_id: CarrierCallId) -> bool:
    return carrier_call_id == f"carrier of {call_id}"


def tokens(clock: HandClock) -> StreamTokens:
    return StreamTokens(clock, Settings(limits=LimitSettings(stream_token_ms=30_000)))


def test_a_token_admits_once() -> None:
    minted = tokens(HandClock())
    token = minted.mint(CALL)
    grant = minted.redeem(token, owns)
    assert grant is not None and grant.call_id == CALL and grant.token == token
    assert minted.redeem(token, owns) is None


def test_a_grant_knows_which_carrier_calls_are_its_own() -> None:
    minted = tokens(HandClock())
    grant = minted.redeem(minted.mint(CALL), owns)
    assert grant is not None
    assert grant.owns(CarrierCallId("carrier of call-1"))
    assert not grant.owns(CarrierCallId("carrier of call-2"))


@pytest.mark.parametrize("wrong", ["", "x", "ü" * 40, "\udcff", "a" * 10_000])
def test_a_wrong_token_does_not_admit_and_spends_nothing(wrong: str) -> None:
    minted = tokens(HandClock())
    token = minted.mint(CALL)
    assert minted.redeem(wrong, owns) is None
    assert minted.redeem(token, owns) is not None


def test_a_token_expires() -> None:
    clock = HandClock()
    minted = tokens(clock)
    early, late = minted.mint(CALL), minted.mint(CALL)
    clock.time += 29.9
    assert minted.redeem(early, owns) is not None
    clock.time += 0.1
    assert minted.redeem(late, owns) is None


def test_a_faster_network_does_not_shorten_a_tokens_life() -> None:
    clock = HandClock(scale=20.0)
    minted = tokens(clock)
    token = minted.mint(CALL)
    clock.time += 29.9 * 20
    assert minted.redeem(token, owns) is not None


def test_revoking_a_call_voids_its_tokens_and_no_others() -> None:
    minted = tokens(HandClock())
    gone, kept = minted.mint(CALL), minted.mint(OTHER)
    minted.revoke(CALL)
    assert minted.redeem(gone, owns) is None
    assert minted.redeem(kept, owns) is not None


def test_no_token_is_kept_in_the_clear() -> None:
    minted = tokens(HandClock())
    token = minted.mint(CALL)
    assert token not in repr(vars(minted))


def test_asking_for_its_call_spends_no_token() -> None:
    clock = HandClock()
    minted = tokens(clock)
    token = minted.mint(CALL)
    assert [minted.holder(token), minted.holder(token), minted.holder("x")] == [CALL, CALL, None]
    assert minted.redeem(token, owns) is not None
    assert minted.holder(token) is None
    late = minted.mint(CALL)
    clock.time += 30.0
    assert minted.holder(late) is None


def test_a_token_for_later_is_good_for_longer() -> None:
    clock = HandClock(scale=2.0)
    minted = tokens(clock)
    token, later = minted.mint(CALL), minted.mint(CALL, later=20.0)
    clock.time += 2 * 39.9
    assert minted.redeem(token, owns) is None
    assert minted.redeem(later, owns) is not None
