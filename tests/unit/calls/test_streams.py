"""Is an admitted media stream served, whatever is wrong beside it?"""

from __future__ import annotations

import logging
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from voicecall.config.schema import Settings
from voicecall.errors import SignatureInvalid
from voicecall.media.counters import MediaCounters
from voicecall.media.phrases import PhraseBook, PreparedVoice
from voicecall.media.session import SessionTools
from voicecall.media.synthesis import Synthesis
from voicecall.media.tokens import StreamGrant, StreamTokens
from voicecall.media.voices import Voices
from voicecall.model.carrier_events import CallAnswered
from voicecall.model.ids import CallId, CarrierCallId, StreamToken
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


def doors(world: Any, folder: Path, *, skip_verification: bool = False, **config: Any) -> Streams:
    """What stands behind the media sockets of `world`."""
    settings, clock = Settings.model_validate(config), SystemClock()
    voice = Synthesis([("mute", Mute())], logging.getLogger("test"))
    tools = SessionTools(
        tts=voice,
        stt=None,
        stt_format=MULAW_8K,
        vad=None,
        media_format=MULAW_8K,
        settings=settings,
        clock=clock,
        counters=MediaCounters(),
    )
    return Streams(
        world.carrier,
        world.manager,
        StreamTokens(clock, settings),
        tools,
        voices=Voices(PreparedVoice(voice, PhraseBook(MULAW_8K, world.tasks, MediaCounters()))),
        state_dir=folder,
        skip_verification=skip_verification,
    )


def test_a_recording_that_cannot_be_made_does_not_cost_the_stream(
    gateway: Any, virtually: Any, tmp_path: Path
) -> None:
    occupied = tmp_path / "recordings"
    occupied.write_text("no folder")
    recording = {"enabled": True, "path": str(occupied)}
    socket = Socket()

    async def main() -> None:
        async with gateway() as world:
            call = await world.place()
            await call.tell(CallAnswered(key="a", carrier_call_id=CarrierCallId("X1")))
            call_id = call.record.call_id
            world.carrier.media = lambda opening: None
            streams = doors(world, tmp_path, recording=recording)
            grant = StreamGrant(call_id=call_id, token=TOKEN, owns=lambda carrier_call_id: True)
            opening = StreamOpening(call_id=call_id, token=TOKEN, url="wss://here/token")
            await streams.serve(grant, opening, socket)
            assert socket.reads == 1

    virtually(main)


@pytest.mark.parametrize("skip", [True, False])
def test_a_forged_handshake_passes_only_where_verification_is_skipped(
    gateway: Any, virtually: Any, tmp_path: Path, caplog: Any, skip: bool
) -> None:
    async def main() -> None:
        async with gateway() as world:
            streams = doors(world, tmp_path, skip_verification=skip)
            opening = StreamOpening(call_id=CallId("c"), token=TOKEN, url="wss://here/token")
            world.carrier.verify_stream = refuse
            with nullcontext() if skip else pytest.raises(SignatureInvalid):
                streams.verify(opening)
            assert ("skipSignatureVerification" in caplog.text) is skip
            world.carrier.verify_stream = broken
            with pytest.raises(SignatureInvalid):
                streams.verify(opening)

    virtually(main)


def refuse(opening: StreamOpening) -> None:
    raise SignatureInvalid("not ours")


def broken(opening: StreamOpening) -> None:
    raise KeyError("a bug")
