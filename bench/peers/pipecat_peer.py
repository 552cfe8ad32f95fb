"""pipecat with stubs at its edges: the same signals, the same tones, Twilio's frames.

Run by `turns_bench` in an environment of its own, where pipecat is and voicecall is not:
``python pipecat_peer.py`` prints its URL. The signals are imported from the file beside it.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import uvicorn
from fastapi import FastAPI, WebSocket
from loguru import logger
from pipecat.frames.frames import (
    Frame,
    InputAudioRawFrame,
    StartFrame,
    TTSAudioRawFrame,
    TTSStartedFrame,
    TTSStoppedFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.serializers.twilio import TwilioFrameSerializer
from pipecat.transports.websocket.fastapi import (
    FastAPIWebsocketParams,
    FastAPIWebsocketTransport,
)
from pipecat.workers.runner import WorkerRunner
from signals import END, GREETING_SECONDS, REPLY_SECONDS, SPEECH, tone

logger.remove()
app = FastAPI()


class Agent(FrameProcessor):
    """Greets, answers and stops, as the signals say."""

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        await self.push_frame(frame, direction)
        if isinstance(frame, StartFrame):
            await self._say(GREETING_SECONDS)
        elif isinstance(frame, InputAudioRawFrame):
            if frame.audio == _SPEECH:
                await self.broadcast_interruption()
            elif frame.audio == _END:
                await self._say(REPLY_SECONDS)

    async def _say(self, seconds: float) -> None:
        await self.push_frame(TTSStartedFrame())
        await self.push_frame(TTSAudioRawFrame(tone(seconds), 8000, 1))
        await self.push_frame(TTSStoppedFrame())


def _decoded(frame: bytes) -> bytes:
    import audioop

    return audioop.ulaw2lin(frame, 2)


_SPEECH, _END = _decoded(SPEECH), _decoded(END)


@app.websocket("/")
async def stream(socket: WebSocket) -> None:
    await socket.accept()
    await socket.receive_text()
    start = json.loads(await socket.receive_text())["start"]
    serializer = TwilioFrameSerializer(
        stream_sid=start["streamSid"],
        params=TwilioFrameSerializer.InputParams(auto_hang_up=False),
    )
    transport = FastAPIWebsocketTransport(
        websocket=socket,
        params=FastAPIWebsocketParams(
            audio_in_enabled=True, audio_out_enabled=True, serializer=serializer
        ),
    )
    pipeline = Pipeline([transport.input(), Agent(), transport.output()])
    worker = PipelineWorker(
        pipeline,
        params=PipelineParams(audio_in_sample_rate=8000, audio_out_sample_rate=8000),
        idle_timeout_secs=None,
    )
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    await runner.run()


async def main() -> None:
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    print(f"ws://127.0.0.1:{port}/", flush=True)
    await serving


if __name__ == "__main__":
    asyncio.run(main())
