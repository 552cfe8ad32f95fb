"""How does Twilio stream a call? A signed WebSocket to us, 20 ms of µ-law at a time.

https://www.twilio.com/docs/voice/media-streams/websocket-messages
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol
from uuid import uuid4

from voicecall.sdk import ClearAudio, PlaceMark, PlayAudio
from voicecall_conformance.phones import Leg, MediaSocket, Reach, StreamFailed
from voicecall_twilio.network.frames import CONNECTED, FrameWriter, hear
from voicecall_twilio.network.letters import sign
from voicecall_twilio.network.twiml import Verb


class Report(Protocol):
    """Tells what becomes of a stream: ``stream-started``, ``-stopped`` or ``-error``."""

    def __call__(self, event: str, error: str | None = None) -> None:
        """`event` has happened."""
        ...


class TwilioStream:
    """One `<Stream>` of one call.

    Args:
        verb: the element.
        token: signs the handshake.
        fault: told about a frame that Twilio ignores, once for each kind of mistake.
    """

    def __init__(
        self,
        verb: Verb,
        leg: Leg,
        *,
        account_sid: str,
        token: str,
        report: Report,
        fault: Callable[[str], None],
    ) -> None:
        self.sid = f"MZ{uuid4().hex}"
        self._url = verb.get("url")
        self._parameters = {each.get("name"): each.get("value") for each in verb.children}
        self._leg = leg
        self._token = token
        self._report = report
        self._fault = fault
        self._frames = FrameWriter(stream_sid=self.sid, account_sid=account_sid)
        self._socket = MediaSocket(self._obey)
        self._faults: set[str] = set()
        self._up = False

    async def run(self, reach: Reach) -> None:
        """Stream until the gateway closes; when cancelled, say stop and close."""
        failure: str | None = None
        try:
            await self._socket.run(
                reach.socket_to(self._url),
                started=self._start,
                stopping=self._stop,
                headers={"x-twilio-signature": sign(self._url, {}, token=self._token)},
                connect_to=reach.listener,
            )
        except StreamFailed as error:
            failure = f"31920: {error}"
        finally:
            self._report("stream-stopped" if failure is None else "stream-error", failure)

    def press(self, digit: str) -> None:
        """Tell the gateway that a key was pressed."""
        if self._up:
            self._socket.send(self._frames.dtmf(digit))

    def cut(self) -> None:
        """Lose the connection, without a word."""
        self._socket.cut()

    def _start(self) -> None:
        self._up = True
        self._socket.send(CONNECTED)
        self._socket.send(self._frames.start(self._leg.id, self._parameters))
        self._leg.line.on_said = self._said
        self._report("stream-started")

    def _stop(self) -> None:
        self._up = False
        self._leg.line.on_said = None
        self._leg.line.to_phone.clear()
        self._socket.send(self._frames.stop(self._leg.id))

    def _said(self, audio: bytes) -> None:
        self._socket.send(self._frames.media(audio))

    def _obey(self, frame: str | bytes) -> None:
        if not self._up:
            return
        try:
            command = hear(frame, stream_sid=self.sid)
        except ValueError as error:
            self._ignore(str(error))
            return
        line = self._leg.line.to_phone
        match command:
            case PlayAudio(data=data):
                line.play(data)
            case PlaceMark(name=name):
                line.mark(lambda: self._reached(name))
            case ClearAudio():
                line.clear()

    def _reached(self, name: str) -> None:
        """A mark that is left when the stream ends does not come back."""
        if self._up:
            self._socket.send(self._frames.mark(name))

    def _ignore(self, what: str) -> None:
        code = what.partition(":")[0]
        if code not in self._faults:
            self._faults.add(code)
            self._fault(what)
