"""Is nobody told to use the stand-in for a public URL that is not known yet?"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anyio

from voicecall.checkup import check_carrier
from voicecall.config.schema import Settings
from voicecall.sdk import CallProvider, Finding, Severity


def found(message: str, remedy: str | None = None) -> Finding:
    return Finding(severity=Severity.WARNING, subject="number", message=message, remedy=remedy)


class Carrier(CallProvider):
    """Tells where its number ought to lead, as far as it is told that."""

    def __init__(self, webhook: str) -> None:
        self._webhook = webhook

    async def check(self) -> Sequence[Finding]:
        return [
            found("is ours"),
            found("leads nowhere", f"set it to {self._webhook}"),
            found(f"does not lead to {self._webhook}"),
        ]


Carrier.__abstractmethods__ = frozenset()  # nothing else is asked of it


@asynccontextmanager
async def opened(config: object, context: Any) -> AsyncIterator[Carrier]:
    yield Carrier(context.urls.webhook())


async def nothing(config: object, context: object) -> Sequence[Finding]:
    return ()


def test_what_a_carrier_says_of_a_url_that_is_not_known_yet_is_not_told(tmp_path: Path) -> None:
    provider = SimpleNamespace(
        kind="provider", name="acme", open=opened, time_scale=lambda config: 1.0
    )
    tunnel = SimpleNamespace(kind="exposure", name="tunnel", opens_quietly=False, check=nothing)
    loaded: Any = SimpleNamespace(
        settings=Settings.model_validate({}),
        provider=SimpleNamespace(spec=provider, config=None),
        exposure=SimpleNamespace(spec=tunnel, config=None),
        registry=SimpleNamespace(owner=lambda spec: "voicecall-acme 1.0"),
    )
    told = anyio.run(check_carrier, loaded, tmp_path)
    assert [each.message for each in told] == [
        "is ours",
        "not known yet; the gateway opens it when it starts",
    ]
    assert all(each.remedy is None for each in told)
