"""Is an admitted media stream served, whatever is wrong beside it?"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from voicecall.config.schema import Settings
from voicecall.media.counters import MediaCounters
from voicecall.media.session import SessionTools
from voicecall.media.synthesis import Synthesis
from voicecall.media.tokens import StreamGrant, StreamTokens
from voicecall.model.carrier_events import CallAnswered
from voicecall.model.ids import CarrierCallId, StreamToken
from voicecall.model.media import MULAW_8K, StreamOpening
from voicecall.model.speech import Utterance
from voicecall.sdk.clock import SystemClock
from voicecall.sdk.tts import AudioSink, TtsBackend
from voicecall.streams import Streams

TOKEN = StreamToken("token")


class Mute(TtsBackend):
    """Has nothing to say here."""

    async def synthesize(self, utterance: Utterance, out: AudioSink) -> None:
        raise NotImplementedError


class Socket:
    """The carrier closes it as soon as somebody reads."""

    def __init__(self) -> None:
        self.reads = 0

    async def receive(self) -> str | bytes | None:
        self.reads += 1
        return None

    async def send(self, frame: str | bytes) -> None:
        raise NotImplementedError

    async def close(self, code: int, reason: str = "") -> None:
        return None


def test_a_recording_that_cannot_be_made_does_not_cost_the_stream(
    gateway: Any, virtually: Any, tmp_path: Path
) -> None:
    occupied = tmp_path / "recordings"
    occupied.write_text("no folder")
    settings = Settings.model_validate({"recording": {"enabled": True, "path": str(occupied)}})
    clock, socket = SystemClock(), Socket()
    tools = SessionTools(
        tts=Synthesis([("mute", Mute())], logging.getLogger("test")),
        stt=None,
        stt_format=MULAW_8K,
        vad=None,
        media_format=MULAW_8K,
        settings=settings,
        clock=clock,
        counters=MediaCounters(),
    )

    async def main() -> None:
        async with gateway() as world:
            call = await world.place()
            await call.tell(CallAnswered(key="a", carrier_call_id=CarrierCallId("X1")))
            call_id = call.record.call_id
            world.carrier.media = lambda opening: None
            streams = Streams(
                world.carrier,
                world.manager,
                StreamTokens(clock, settings),
                tools,
                voices={},
                state_dir=tmp_path,
            )
            grant = StreamGrant(call_id=call_id, token=TOKEN, owns=lambda carrier_call_id: True)
            opening = StreamOpening(call_id=call_id, token=TOKEN, url="wss://here/token")
            await streams.serve(grant, opening, socket)
            assert socket.reads == 1

    virtually(main)
