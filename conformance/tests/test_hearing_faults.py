"""Is every fault of recognition and of voice activity caught by its rule, and by no stranger?"""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from voicecall.sdk import Secret, Section
from voicecall_conformance import VadHarness
from voicecall_conformance.catalogue import harness_of
from voicecall_conformance.kinds import KINDS
from voicecall_conformance.mutants.hunt import Catch, hunt

pytestmark = pytest.mark.mutants

FULL = bool(os.environ.get("VOICECALL_FULL"))
"""Each fault meets the whole suite, not only the rule that has to catch it."""

STT = KINDS["stt"].faults()
VAD = KINDS["vad"].faults()


class Keyed(Section):
    api_key: Secret


class KeyedHarness(VadHarness):
    """A detector with a secret, as none of ours is."""

    name = "webrtc"
    module = "voicecall_vad_webrtc.plugin"

    def spec(self) -> Any:
        return replace(super().spec(), config=Keyed, open=self.opened)

    @asynccontextmanager
    async def opened(self, config: Keyed, context: Any) -> AsyncIterator[Any]:
        genuine = super().spec()
        async with genuine.open(genuine.config(), context) as live:
            yield live

    @asynccontextmanager
    async def vendor(self) -> AsyncIterator[Mapping[str, object]]:
        yield {"apiKey": "vad-the-genuine-key"}


def names(mutants: tuple[type[Any], ...]) -> list[str]:
    return [mutant.__name__ for mutant in mutants]


def caught(harness: type[Any], mutant: type[Any]) -> bool:
    verdict = hunt(harness, mutant, None if FULL else [mutant.breaks])
    return (verdict.catch, verdict.strangers) == (Catch.CAUGHT, ())


@pytest.mark.parametrize("mutant", STT, ids=names(STT))
def test_a_fault_of_recognition_is_caught_by_its_rule_and_by_no_stranger(mutant: type[Any]) -> None:
    assert caught(harness_of("stt:openai"), mutant)


@pytest.mark.parametrize("mutant", VAD, ids=names(VAD))
def test_a_fault_of_voice_activity_is_caught_by_its_rule_and_by_no_stranger(
    mutant: type[Any],
) -> None:
    quick = KeyedHarness if mutant.breaks != "vad.sounds" else harness_of("vad:silero")
    assert caught(quick, mutant)
