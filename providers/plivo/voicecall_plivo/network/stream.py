"""How does Plivo stream a call? A WebSocket to the gateway, 20 ms µ-law both ways.

https://www.plivo.com/docs/voice-agents/audio-streaming/concepts/audio-streaming-guide
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import uuid4

from voicecall.sdk import MULAW_8K, Clock, PlaceMark, PlayAudio
from voicecall_conformance.phones import Leg, MediaSocket, Reach
from voicecall_plivo.double import frames
from voicecall_plivo.network.courier import new_nonce, proof
from voicecall_plivo.network.habits import Habits

BUFFER_SECONDS = 60.0
BUFFER_WARNINGS = (0.3, 0.6, 0.9)
"""Shares of the buffer; a stream that fills one is degraded."""

Tell = Callable[..., None]
"""Tells a status of the stream: its name, and fields."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamTools:
    """What streams are made with.

    Args:
        fault: is told what the gateway does wrong.
    """

    account: str
    token: str
    habits: Habits
    reach: Reach
    clock: Clock
    fault: Callable[[str], None]


class AudioStream:
    """One stream of one call.

    Args:
        obeys: whether what the gateway sends is played, as in a two-way stream.
        extra_headers: as the document has them, ``k=v,k2=v2``.
        tell: reports what becomes of it.
    """

    def __init__(
        self, leg: Leg, tools: StreamTools, *, obeys: bool, extra_headers: str, tell: Tell
    ) -> None:
        self.id = str(uuid4())
        self.opened = False
        self._leg = leg
        self._tools = tools
        self._obeys = obeys
        self._extra = self._headers_of(extra_headers)
        self._tell = tell
        self._socket = MediaSocket(self._hear)
        self._sequence = 0
        self._chunk = 0
        self._cleared = 0
        self._dropped = False
        self._played_until = 0.0
        self._warned = 0

    async def run(self, url: str) -> None:
        """Stream until the gateway closes, or until cancelled.

        Raises:
            StreamFailed: no connection.
        """
        scheme = self._tools.habits.handshake_scheme
        headers = proof(
            self._tools.habits,
            token=self._tools.token,
            method="GET",
            url=f"{scheme}:{url.partition(':')[2]}",
            nonce=new_nonce(),
        )
        await self._socket.run(
            self._tools.reach.socket_to(url),
            started=self._begin,
            stopping=self._end,
            headers=headers,
            connect_to=self._tools.reach.listener,
        )

    def press(self, digit: str) -> None:
        """Tell the gateway that a key was pressed."""
        key = {"track": "inbound", "digit": digit, "timestamp": str(self._now_ms())}
        self._send("dtmf", {"dtmf": key})

    def cut(self) -> None:
        """Lose the connection, without a word."""
        self._dropped = True
        self._socket.cut()

    # -- to the gateway

    def _begin(self) -> None:
        self.opened = True
        self._sequence = 1
        self._socket.send(
            frames.start_frame(
                self.id,
                call_id=self._leg.id,
                account_id=self._tools.account,
                extra_headers=self._extra,
            )
        )
        self._leg.line.on_said = self._said
        self._tell("StartStream")

    def _end(self) -> None:
        self._leg.line.on_said = None
        self._cleared += 1
        self._leg.line.to_phone.clear()
        if self._tools.habits.stop_frame:
            self._send("stop")
        self._tell("DroppedStream" if self._dropped else "StopStream")

    def _said(self, audio: bytes) -> None:
        self._chunk += 1
        self._sequence += 1
        self._socket.send(
            frames.media_frame(
                self.id,
                audio,
                chunk=self._chunk,
                number=self._sequence,
                at_ms=self._now_ms(),
                extra_headers=self._extra,
            )
        )

    def _send(self, event: str, fields: Mapping[str, object] | None = None) -> None:
        self._sequence += 1
        self._socket.send(frames.event_frame(event, self.id, fields, number=self._sequence))

    def _now_ms(self) -> int:
        return int(self._tools.clock.wall() * 1000)

    def _headers_of(self, text: str) -> str:
        if not self._tools.habits.extra_headers_as_json:
            return text.replace(",", ";")
        pairs = [pair.partition("=") for pair in text.split(",") if pair]
        return json.dumps({name: value for name, _, value in pairs})

    # -- from the gateway

    def _hear(self, frame: str | bytes) -> None:
        if not self._obeys:
            return
        try:
            command = frames.read_command(frame, stream_id=self.id)
        except (ValueError, TypeError, AttributeError) as error:
            self._tools.fault(f"a frame that Plivo does not take: {error}")
            self._send("incorrectPayload", {"reason": str(error)})
            return
        match command:
            case PlayAudio(data=data):
                self._play(data)
            case PlaceMark(name=name):
                self._check(name)
            case _:
                self._clear()

    def _play(self, data: bytes) -> None:
        now = self._leg.line.seconds
        self._played_until = max(self._played_until, now) + len(data) / MULAW_8K.rate
        filled = (self._played_until - now) / BUFFER_SECONDS
        if filled > 1:
            self._tools.fault("the buffer of a stream is full; audio is lost")
            return
        self._leg.line.to_phone.play(data)
        if sum(filled >= share for share in BUFFER_WARNINGS) > self._warned:
            self._warned += 1
            self._tools.fault(f"a stream's buffer is filled to {filled:.0%}: not paced")
            self._tell("DegradedStream")

    def _check(self, name: str) -> None:
        """A checkpoint comes back when everything before it was played, and never after a clear."""
        epoch = self._cleared

        def reached() -> None:
            if epoch == self._cleared:
                self._send("playedStream", {"name": name})
                self._tell("PlayedStream", Name=name)

        self._leg.line.to_phone.mark(reached)

    def _clear(self) -> None:
        self._cleared += 1
        self._played_until = self._leg.line.seconds
        self._leg.line.to_phone.clear()
        self._send("clearedAudio")
        self._tell("ClearedAudio")
