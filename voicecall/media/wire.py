"""How do frames on a socket become media events, and commands frames?"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Protocol

import anyio

from voicecall.media.counters import MediaCounters
from voicecall.model.media import MediaCommand, MediaEvent, MediaFault, PlayAudio
from voicecall.sdk.provider import MediaProtocol

logger = logging.getLogger(__name__)


class FrameSocket(Protocol):
    """A media WebSocket after its handshake."""

    async def receive(self) -> str | bytes | None:
        """The next frame; None when the socket is closed."""
        ...

    async def send(self, frame: str | bytes) -> None:
        """Send a frame.

        Raises:
            MediaError: the socket is closed.
        """
        ...

    async def close(self, code: int, reason: str = "") -> None:
        """Close the socket; a closed one stays closed."""
        ...


class Wire:
    """One socket and its framing.

    Args:
        socket: where frames come and go.
        protocol: what they mean.
        counters: counts frames and malformed ones.
    """

    def __init__(
        self, socket: FrameSocket, protocol: MediaProtocol, counters: MediaCounters
    ) -> None:
        self._socket = socket
        self._protocol = protocol
        self._counters = counters
        self._sending = anyio.Lock(fast_acquire=True)
        self._complained = False

    async def receive(self) -> Sequence[MediaEvent] | None:
        """What the next frame says, nothing when it is malformed; None: the socket is closed."""
        frame = await self._socket.receive()
        if frame is None:
            return None
        events = self._read(frame)
        for event in events:
            if isinstance(event, MediaFault):
                self._note_fault(event.detail)
        return events

    async def send(self, command: MediaCommand) -> None:
        """Send `command`; commands leave in the order of the calls.

        Raises:
            MediaError: the socket is closed.
        """
        async with self._sending:
            for frame in self._protocol.send(command):
                await self._socket.send(frame)
        if isinstance(command, PlayAudio):
            self._counters.frames_out += 1

    async def close(self, code: int, reason: str) -> None:
        """Close the socket."""
        await self._socket.close(code, reason)

    def _read(self, frame: str | bytes) -> Sequence[MediaEvent]:
        try:
            return self._protocol.receive(frame)
        except Exception as error:
            # The interface forbids it; a stranger's frame must not end the call all the same.
            return [MediaFault(detail=f"the provider's parser raised {type(error).__name__}")]

    def _note_fault(self, detail: str) -> None:
        self._counters.malformed_frames += 1
        if not self._complained:
            self._complained = True
            logger.warning("malformed media frames are skipped", extra={"first": detail})
