"""What does somebody hear whose call cannot be written down? A few words, never a dead line."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from voicecall.errors import StoreError
from voicecall_conformance.phones.gateway import BOB

pytestmark = pytest.mark.anyio

LISTEN, HANG_UP = {"listen": True, "timeoutMs": 20_000}, {"hangUp": True}
OPEN = {"inboundPolicy": "open", "inboundGreeting": "Good morning."}


@contextmanager
def away(directory: Path) -> Iterator[None]:
    """The gateway's database is not what it was, until the block ends."""
    (path,) = (directory / "state").glob("*.db")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("ALTER TABLE events RENAME TO elsewhere")
        try:
            yield
        finally:
            other.execute("ALTER TABLE elsewhere RENAME TO events")


@contextmanager
def held(directory: Path) -> Iterator[None]:
    """Somebody else writes to the gateway's database until the block ends: we wait for it, and
    the carrier for us."""
    (path,) = (directory / "state").glob("*.db")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@pytest.mark.parametrize("unusable", [away, held])
# A carrier that is steered by commands says nothing that we did not order.
@pytest.mark.parametrize("network_type", ["twilio", "plivo"], indirect=True)
async def test_acceptance_17_without_a_store_a_caller_hears_an_apology_and_the_next_is_served(
    start: Any, tmp_path: Path, unusable: Any
) -> None:
    async with start(LISTEN, HANG_UP, changes=OPEN) as gateway:
        with unusable(tmp_path):
            caller = gateway.network.dial_in(BOB)
            await caller.finished.wait()
            with pytest.raises(StoreError):
                await gateway.call("Hello")
        assert [text[:12] for text in caller.heard] == ["We are sorry"]
        assert gateway.network.deliveries[0].status == 503
        assert await gateway.service.history(10) == []

        caller = gateway.network.dial_in(BOB)
        record = await gateway.record_of(caller)
        assert caller.heard == ["Good morning."]
        assert [each.call_id for each in await gateway.service.history(10)] == [record.call_id]
