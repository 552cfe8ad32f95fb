"""Which secret is right while one takes another's place?"""

from __future__ import annotations

import pytest

from voicecall.errors import SignatureInvalid
from voicecall.sdk.rotation import FORMER_SECONDS, Rotating


class Hands:
    """A clock that is moved by hand; call seconds run four times faster than life."""

    scale = 4.0

    def __init__(self) -> None:
        self.seconds = 1000.0

    def wall(self) -> float:
        return 0.0

    def now(self) -> float:
        return self.seconds * self.scale

    async def sleep(self, seconds: float) -> None:
        raise NotImplementedError


@pytest.fixture
def clock() -> Hands:
    return Hands()


def opens(secrets: Rotating[str], key: str) -> bool:
    def verify(secret: str) -> str:
        if secret != key:
            raise SignatureInvalid("no")
        return secret

    try:
        return secrets.check(verify) == key
    except SignatureInvalid:
        return False


def test_the_former_secret_is_good_for_ten_minutes_more(clock: Hands) -> None:
    secrets = Rotating("old", clock)
    assert opens(secrets, "old") and not opens(secrets, "new")
    secrets.renew("new")
    assert secrets.current == "new"
    assert opens(secrets, "old") and opens(secrets, "new") and not opens(secrets, "other")
    clock.seconds += FORMER_SECONDS - 0.1
    assert opens(secrets, "old")
    clock.seconds += 0.1
    assert opens(secrets, "new") and not opens(secrets, "old")


def test_only_one_former_secret_is_good(clock: Hands) -> None:
    secrets = Rotating("first", clock)
    secrets.renew("second")
    secrets.renew("third")
    assert [opens(secrets, each) for each in ("first", "second", "third")] == [False, True, True]


def test_the_same_secret_again_changes_nothing(clock: Hands) -> None:
    secrets = Rotating("old", clock)
    secrets.renew("new")
    secrets.renew("new")
    assert opens(secrets, "old")
