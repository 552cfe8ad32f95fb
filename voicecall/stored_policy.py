"""What does policy say while no gateway runs? Configuration and store tell, and are left alone."""

from __future__ import annotations

from pathlib import Path

from voicecall.calls.assessment import Assessment, Explanation
from voicecall.calls.ledger import DialLedger
from voicecall.calls.memory_store import MemoryStore
from voicecall.calls.sqlite_store import reading_sqlite_store
from voicecall.calls.store import Lookup
from voicecall.config.schema import Settings
from voicecall.sdk.clock import SystemClock


async def explain_from(
    settings: Settings, state_dir: Path, number: str, attestation: str | None
) -> Explanation:
    """As `Assessment.explain`, from the store that a gateway with `settings` would open.

    Raises:
        InvalidRequest: it is no number.
        StoreError: the store cannot be read.
    """
    path = store_path(settings, state_dir)
    if not path.exists():
        return await _explain(settings, MemoryStore(), number, attestation)
    async with reading_sqlite_store(path) as store:
        return await _explain(settings, store, number, attestation)


def store_path(settings: Settings, state_dir: Path) -> Path:
    """Where the store of a gateway lies."""
    return Path(settings.store).expanduser() if settings.store else state_dir / "calls.db"


async def _explain(
    settings: Settings, store: Lookup, number: str, attestation: str | None
) -> Explanation:
    clock, ledger = SystemClock(), DialLedger()
    await ledger.recall(store, settings, clock)
    return await Assessment(settings, store, clock, ledger).explain(number, attestation)
