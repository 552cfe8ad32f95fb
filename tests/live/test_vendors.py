"""Do the real vendors behave as our doubles say? Opt-in: `make live`, with keys in the environment.

The rules here are those of the conformance suites that need no vendor who misbehaves. They cost a
few cents; without its key a vendor's tests are skipped.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import anyio
import pytest

from voicecall.sdk import MULAW_8K, SpeechError, Utterance
from voicecall_conformance import ResponderHarness, SttHarness, TtsHarness
from voicecall_conformance.runner import Outcome, prove
from voicecall_conformance.speech.responder.rig import responder_rig
from voicecall_conformance.speech.sounds import frames, quiet, spoken
from voicecall_conformance.speech.stt.rig import Line, Transcript, stt_rig
from voicecall_conformance.speech.tts.rig import Listener, tts_rig

pytestmark = pytest.mark.live

TTS_RULES = ("tts.speaks", "tts.format", "tts.samples", "tts.streams", "tts.text", "tts.blank")
STT_RULES = ("stt.hears", "stt.order", "stt.quiet", "stt.ends", "stt.times", "stt.unmixed")
WRONG_KEY = "this-is-no-key-of-anybody"
ANSWER_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """A plugin with a real vendor, whose key stands in the environment under `variable`."""

    name: str
    kind: str
    variable: str
    model: str = ""

    def key(self) -> str:
        """The key; the test is skipped without one."""
        key = os.environ.get(self.variable, "")
        if not key:
            pytest.skip(f"set {self.variable}")
        return key

    def harness(self, base: type[Any], section: Mapping[str, object]) -> type[Any]:
        """A harness of the kind `base` that leads to the vendor with `section`."""

        @asynccontextmanager
        async def vendor(harness: Any) -> AsyncIterator[Mapping[str, object]]:
            yield section

        async def speech(harness: Any, text: str) -> Sequence[bytes]:
            return frames(await spoken(text, MULAW_8K, voice="espeak"), MULAW_8K)

        module = f"voicecall_{self.kind}_{self.name}.plugin"
        attributes: dict[str, Any] = {"name": self.name, "module": module, "vendor": vendor}
        attributes |= {"exact": False, "speech": speech, "models": (self.model,)}
        return type("Live", (base,), attributes)

    def __str__(self) -> str:
        return self.model or f"{self.kind}-{self.name}"


SPEAKING = (
    Vendor(kind="tts", name="openai", variable="OPENAI_API_KEY"),
    Vendor(kind="tts", name="elevenlabs", variable="ELEVENLABS_API_KEY"),
)
LISTENING = (
    Vendor(kind="stt", name="openai", variable="OPENAI_API_KEY"),
    Vendor(kind="stt", name="deepgram", variable="DEEPGRAM_API_KEY"),
)
THINKING = tuple(
    Vendor(kind="responder", name="model", variable=variable, model=model)
    for variable, model in (
        ("OPENAI_API_KEY", "openai/gpt-4o-mini"),
        ("ANTHROPIC_API_KEY", "anthropic/claude-haiku-4-5"),
    )
)


def keeps(harness: type[Any], rule: str) -> None:
    (result,) = prove(harness, [rule])
    assert result.outcome is Outcome.KEPT, f"{result.detail}\n{result.wire}"


@pytest.mark.parametrize("rule", TTS_RULES)
@pytest.mark.parametrize("vendor", SPEAKING, ids=str)
def test_a_real_voice_keeps_the_rules(vendor: Vendor, rule: str) -> None:
    keeps(vendor.harness(TtsHarness, {"apiKey": vendor.key()}), rule)


@pytest.mark.parametrize("rule", STT_RULES)
@pytest.mark.parametrize("vendor", LISTENING, ids=str)
def test_a_real_recogniser_keeps_the_rules(vendor: Vendor, rule: str) -> None:
    keeps(vendor.harness(SttHarness, {"apiKey": vendor.key()}), rule)


@pytest.mark.anyio
@pytest.mark.parametrize("vendor", SPEAKING, ids=str)
async def test_a_real_voice_refuses_a_wrong_key_for_good(vendor: Vendor) -> None:
    vendor.key()
    async with tts_rig(vendor.harness(TtsHarness, {"apiKey": WRONG_KEY})()) as rig:
        with pytest.raises(SpeechError, match="apiKey") as caught:
            await rig.live.synthesize(Utterance(text="Hello."), Listener())
    assert not caught.value.retryable and WRONG_KEY not in str(caught.value)


@pytest.mark.anyio
@pytest.mark.parametrize("vendor", LISTENING, ids=str)
async def test_a_real_recogniser_refuses_a_wrong_key_for_good(vendor: Vendor) -> None:
    vendor.key()
    line = Line(MULAW_8K)
    line.say(quiet(MULAW_8K, 1.0))
    line.close()
    async with stt_rig(vendor.harness(SttHarness, {"apiKey": WRONG_KEY})()) as rig:
        with pytest.raises(SpeechError, match="apiKey") as caught:
            await rig.live.transcribe(line, Transcript())
    assert not caught.value.retryable and WRONG_KEY not in str(caught.value)


@pytest.mark.anyio
@pytest.mark.parametrize("vendor", THINKING, ids=str)
async def test_a_real_model_answers_a_caller(vendor: Vendor) -> None:
    section = {"vendors": {vendor.model.partition("/")[0]: {"apiKey": vendor.key()}}}
    async with responder_rig(vendor.harness(ResponderHarness, section)()) as rig:
        with anyio.fail_after(ANSWER_SECONDS):
            caller = await rig.ask("Hello, who is speaking? Please answer in one sentence.")
    assert caller.words and not caller.actions
