"""How does Telnyx stream a call? A WebSocket to the gateway, PCMU both ways in JSON frames.

developers.telnyx.com, *Media streaming over WebSockets*.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import anyio

from voicecall.sdk import CarrierCallId, ClearAudio, Clock, PlaceMark, PlayAudio
from voicecall_conformance.phones import Leg, MediaSocket, Reach, StreamFailed
from voicecall_telnyx.network import frames
from voicecall_telnyx.network.fields import BadField
from voicecall_telnyx.network.reporter import Reporter
from voicecall_telnyx.network.reports import written_time

_CARRIED: Mapping[str, tuple[object, ...]] = {
    "stream_track": ("inbound_track",),
    "stream_codec": ("PCMU", "default"),
    "stream_bidirectional_codec": ("PCMU",),
    "stream_bidirectional_sampling_rate": (8000,),
}
"""What this double can carry, of what Telnyx can."""


def check(fields: Mapping[str, Any]) -> None:
    """Refuse a stream of another sound than a telephone's.

    Raises:
        BadField: the double cannot carry it.
    """
    for name, carried in _CARRIED.items():
        if name in fields and fields[name] not in carried:
            raise BadField("10015", name, f"this double carries {carried!r} only")


class TelnyxStream:
    """One media stream of one leg.

    Args:
        fields: ``stream_*`` of the command.
        session: of the leg.
        clock: tells when a key was pressed.
        fault: is told what the gateway does wrong.
    """

    def __init__(
        self,
        leg: Leg,
        fields: Mapping[str, Any],
        *,
        id: str,
        session: str,
        report: Reporter,
        reach: Reach,
        clock: Clock,
        fault: Callable[[str], None],
    ) -> None:
        self.id = id
        self.live = True
        self._leg = leg
        self._fields = fields
        self._session = session
        self._report = report
        self._reach = reach
        self._clock = clock
        self._fault = fault
        self._scope = anyio.CancelScope()
        self._socket = MediaSocket(self._obey)
        self._sequence = 0
        self._chunk = 0
        self._is_heard = (
            fields.get("stream_bidirectional_mode") == "rtp"
            and fields.get("stream_bidirectional_target_legs") == "self"
        )

    async def run(self) -> None:
        """Stream until the gateway closes, the leg ends, or it is stopped."""
        url = self._fields["stream_url"]
        try:
            with self._scope:
                await self._socket.run(
                    self._reach.socket_to(url),
                    started=self._begin,
                    stopping=self._end,
                    headers=self._headers(),
                    connect_to=self._reach.listener,
                )
        except StreamFailed:
            self._report(
                "streaming.failed",
                failure_reason="connection_failed",
                stream_id=self.id,
                stream_params={"stream_url": url, "track": "inbound_track"},
                stream_type="websocket",
            )
        finally:
            self.live = False
            if self._sequence:
                self._report("streaming.stopped", stream_url=url)

    def stop(self) -> None:
        """End the stream."""
        self.live = False
        self._scope.cancel()

    def press(self, digit: str) -> None:
        """Tell a key that the caller pressed."""
        at = written_time(self._clock.wall())
        self._send("dtmf", {"digit": digit}, occurred_at=at)

    def cut(self) -> None:
        """Lose the connection, without a word."""
        self._socket.cut()

    def _headers(self) -> Mapping[str, str]:
        token = self._fields.get("stream_auth_token")
        return {} if token is None else {"x-telnyx-streaming-auth-token": token}

    def _begin(self) -> None:
        leg, custom = self._leg, self._fields.get("custom_parameters", ())
        start = frames.start_part(
            CarrierCallId(leg.id),
            session=self._session,
            from_number=leg.from_number,
            to_number=leg.to_number,
            client_state=self._report.client_state,
            custom={each["name"]: each["value"] for each in custom},
        )
        self._socket.send(frames.written(frames.CONNECTED))
        self._send("start", start)
        self._report("streaming.started", stream_url=self._fields["stream_url"])
        leg.line.on_said = self._said

    def _end(self) -> None:
        line = self._leg.line
        if line.on_said == self._said:
            line.on_said = None
            line.to_phone.clear()
        self._send("stop", {"user_id": frames.USER_ID, "call_control_id": self._leg.id})

    def _said(self, audio: bytes) -> None:
        self._chunk += 1
        self._send("media", frames.media_part(self._chunk, audio))

    def _send(self, event: str, part: Mapping[str, object], **beside: object) -> None:
        self._sequence += 1
        numbers = {"sequence_number": str(self._sequence), "stream_id": self.id}
        self._socket.send(frames.written({"event": event, **numbers, **beside, event: part}))

    def _obey(self, text: str | bytes) -> None:
        """Do what a frame of the gateway's says; raw audio is heard in ``rtp`` mode only."""
        to_phone = self._leg.line.to_phone
        try:
            command = frames.read_frame(text)
        except frames.BadFrame as bad:
            self._fault(f"media stream: {bad}")
            error = {"event": "error", "stream_id": self.id, "payload": bad.payload}
            self._socket.send(frames.written(error))
            return
        match command:
            case PlayAudio(data=data):
                if self._is_heard:
                    to_phone.play(data)
                else:
                    self._fault("media stream: raw audio outside of mode 'rtp' or leg 'self'")
            case PlaceMark(name=name):
                to_phone.mark(lambda: self._send("mark", {"name": name}))
            case ClearAudio():
                to_phone.clear()
