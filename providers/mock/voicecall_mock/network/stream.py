"""How does the network stream a call? A WebSocket to the gateway, 20 ms µ-law both ways."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

from voicecall.sdk import MediaError
from voicecall_mock.media import (
    Clear,
    Connected,
    Dtmf,
    FromNetwork,
    Mark,
    Media,
    Start,
    Stop,
    read_gateway_frame,
    write_frame,
)
from voicecall_mock.network.line import PhoneLine
from voicecall_mock.network.socket import MediaSocket


class GatewayStream:
    """One media stream of one call."""

    def __init__(self, *, call_id: str, line: PhoneLine) -> None:
        self._id = f"MS{uuid4().hex}"
        self._call_id = call_id
        self._line = line
        self._socket = MediaSocket(self._obey)

    async def run(self, url: str, started: Callable[[], None]) -> None:
        """Stream until the gateway closes; when cancelled, say stop and close.

        Raises:
            StreamFailed: no connection, or a frame that the network does not accept.
        """

        def begin() -> None:
            self._queue(Connected())
            self._queue(Start(stream_id=self._id, call_id=self._call_id))
            started()
            self._line.on_said = self._said

        def end() -> None:
            self._line.on_said = None
            self._line.to_phone.clear()
            self._queue(Stop(stream_id=self._id))

        await self._socket.run(url, started=begin, stopping=end)

    def press(self, digit: str) -> None:
        """Tell the gateway that a key was pressed."""
        self._queue(Dtmf(stream_id=self._id, digit=digit))

    def cut(self) -> None:
        """Lose the connection, without a word."""
        self._socket.cut()

    def _queue(self, frame: FromNetwork) -> None:
        self._socket.send(write_frame(frame))

    def _said(self, audio: bytes) -> None:
        self._queue(Media(stream_id=self._id, payload=audio))

    def _obey(self, text: str | bytes) -> None:
        frame = read_gateway_frame(text)
        if frame.stream_id != self._id:
            raise MediaError(f"a frame for another stream: {frame.stream_id!r}")
        match frame:
            case Media(payload=payload):
                self._line.to_phone.play(payload)
            case Mark():
                self._line.to_phone.mark(lambda: self._queue(frame))
            case Clear():
                self._line.to_phone.clear()
