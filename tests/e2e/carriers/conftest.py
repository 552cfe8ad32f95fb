"""Whole gateways on real sockets, each with the live double of a carrier behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import anyio
import pytest

from voicecall_conformance.phones import CarrierNetwork, Disorder
from voicecall_conformance.phones.gateway import BOB, Gateway, Scene, gateway_on

CARRIERS = ("twilio", "telnyx", "plivo")
"""Those of this repository with a live double; the simulated network has tests of its own."""
PATIENCE_SECONDS = 60

Start = Callable[..., AbstractAsyncContextManager[Gateway]]


@pytest.fixture(params=CARRIERS)
def network_type(request: pytest.FixtureRequest) -> type[CarrierNetwork]:
    """The live double of one carrier."""
    module = import_module(f"voicecall_{request.param}.network")
    found: type[CarrierNetwork] = getattr(module, f"{request.param.capitalize()}Network")
    return found


@pytest.fixture
def start(network_type: type[CarrierNetwork], tmp_path: Path) -> Start:
    """Starts a gateway: ``async with start(*Bob's steps, changes={…}) as gateway``."""

    @asynccontextmanager
    async def starting(
        *steps: Mapping[str, object],
        changes: Mapping[str, Any] | None = None,
        disorder: Disorder | None = None,
        **phone: object,
    ) -> AsyncIterator[Gateway]:
        scene = Scene(
            phones={BOB: {**({"steps": steps} if steps else {}), **phone}},
            changes=changes or {},
            disorder=disorder or Disorder(),
        )
        async with gateway_on(network_type, scene, tmp_path) as (gateway, _):
            with anyio.fail_after(PATIENCE_SECONDS):
                yield gateway

    return starting
