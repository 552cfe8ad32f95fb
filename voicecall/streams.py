"""Who serves an admitted media socket? The session of its call; a newer one replaces an older."""

from __future__ import annotations

import logging
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import anyio

from voicecall.calls.log_context import concerns
from voicecall.calls.manager import CallManager
from voicecall.errors import SignatureInvalid
from voicecall.media.machines import MachineEar
from voicecall.media.recording import Tap, Taps, recording
from voicecall.media.session import SessionTools, run_session
from voicecall.media.tokens import StreamGrant, StreamTokens
from voicecall.media.voices import Voices
from voicecall.media.wire import FrameSocket
from voicecall.model.call import CallState, Direction
from voicecall.model.carrier_events import MachineDetected, MachineResult, RecordingReady
from voicecall.model.ids import CallId, CarrierCallId
from voicecall.model.media import StreamOpening
from voicecall.sdk.provider import CallProvider

logger = logging.getLogger(__name__)

HAD_STREAM = (CallState.ACTIVE, CallState.SPEAKING, CallState.LISTENING)


class Streams:
    """The `MediaDoor` of a gateway.

    Args:
        provider: frames the streams.
        manager: knows the calls.
        tokens: admits.
        tools: what sessions are made with.
        voices: instead of `tools.tts`, the voice of each call.
        state_dir: where recordings go unless `recording.path` says otherwise.
        skip_verification: let handshakes pass whose signature is wrong (development only;
            `skipSignatureVerification`).
    """

    def __init__(
        self,
        provider: CallProvider,
        manager: CallManager,
        tokens: StreamTokens,
        tools: SessionTools,
        *,
        voices: Voices,
        state_dir: Path,
        skip_verification: bool = False,
    ) -> None:
        self._provider = provider
        self._manager = manager
        self._tokens = tokens
        self._tools = tools
        self._voices = voices
        self._state_dir = state_dir
        self._skip_verification = skip_verification
        self._sessions: dict[CallId, anyio.CancelScope] = {}

    def holder(self, token: str) -> CallId | None:
        """The live call that `token` is good for."""
        call_id = self._tokens.holder(token)
        return None if call_id is None or self._manager.desk(call_id) is None else call_id

    def verify(self, opening: StreamOpening) -> None:
        """Let the provider check who opens a media socket.

        Raises:
            SignatureInvalid: not the carrier, or the provider failed to tell.
        """
        try:
            self._provider.verify_stream(opening)
        except SignatureInvalid:
            if not self._skip_verification:
                raise
            logger.warning("media stream accepted unsigned because of skipSignatureVerification")
        except Exception as error:
            logger.exception("the provider failed to check a media stream's handshake")
            raise SignatureInvalid("the handshake could not be checked") from error

    def redeem(self, token: str) -> StreamGrant | None:
        """The grant of `token`, once, while its call is live."""
        grant = self._tokens.redeem(token, self._manager.owns)
        if grant is None or self._manager.desk(grant.call_id) is None:
            return None
        return grant

    async def serve(self, grant: StreamGrant, opening: StreamOpening, socket: FrameSocket) -> None:
        """Run the stream of a live call; a predecessor of the same call is ended."""
        desk = self._manager.desk(grant.call_id)
        if desk is None:
            await socket.close(1008, "the call is over")
            return
        concerns(grant.call_id)
        predecessor = self._sessions.get(grant.call_id)
        if predecessor is not None:
            predecessor.cancel()
        async with AsyncExitStack() as stack:
            scope = stack.enter_context(anyio.CancelScope())
            self._sessions[grant.call_id] = scope
            stack.callback(self._forget, grant.call_id, scope)
            tools = self._voiced(grant)
            taps = [*await self._recorder(grant, tools, stack), *self._machine_ear(grant, tools)]
            tools = replace(tools, tap=Taps(*taps)) if taps else tools
            await run_session(socket, self._provider.media(opening), desk, grant, tools)

    def _forget(self, call_id: CallId, scope: anyio.CancelScope) -> None:
        if self._sessions.get(call_id) is scope:
            del self._sessions[call_id]

    def _voiced(self, grant: StreamGrant) -> SessionTools:
        """The tools with the voice of the call."""
        call = self._manager.live(grant.call_id)
        return (
            self._tools if call is None else replace(self._tools, tts=self._voices.of(call.record))
        )

    def _machine_ear(self, grant: StreamGrant, tools: SessionTools) -> list[Tap]:
        """Who tells machines from people, on the first stream of a call that we placed."""
        call = self._manager.live(grant.call_id)
        if call is None or not call.tools.detect_greeting:
            return []
        if call.record.direction is not Direction.OUTBOUND or call.record.state in HAD_STREAM:
            return []

        def tell(result: MachineResult) -> None:
            carrier_id = call.record.carrier_call_id or CarrierCallId(grant.call_id)
            key = f"greeting-{result}"
            call.post(MachineDetected(key=key, carrier_call_id=carrier_id, result=result))

        return [MachineEar(tools.media_format, tell)]

    async def _recorder(
        self, grant: StreamGrant, tools: SessionTools, stack: AsyncExitStack
    ) -> list[Tap]:
        settings = tools.settings.recording
        if not settings.enabled:
            return []
        folder = Path(settings.path).expanduser() if settings.path else None
        try:
            path = _free(folder or self._state_dir / "recordings", grant.call_id)
            tap = await stack.enter_async_context(recording(path, tools.clock))
        except OSError as error:
            logger.error("the call is not recorded", extra={"error": str(error)})
            return []
        self._note(grant.call_id, path)
        return [tap]

    def _note(self, call_id: CallId, path: Path) -> None:
        call = self._manager.live(call_id)
        if call is not None:
            carrier_id = call.record.carrier_call_id or CarrierCallId(call_id)
            call.post(RecordingReady(key=str(path), carrier_call_id=carrier_id, location=str(path)))


def _free(folder: Path, call_id: CallId) -> Path:
    """A path for the next recording of a call; a second stream gets a second file."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for number in range(1, 1000):
        path = folder / (f"{call_id}.wav" if number == 1 else f"{call_id}-{number}.wav")
        if not path.exists():
            return path
    raise OSError("a thousand recordings of one call")
