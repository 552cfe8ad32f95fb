"""What happens while a media stream is open? One session hears, takes turns and speaks."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import anyio
from anyio.abc import TaskGroup, TaskStatus

from voicecall.calls.line import Desk, Speech, SpeechJob
from voicecall.config.schema import Settings
from voicecall.errors import MediaError
from voicecall.media.counters import MediaCounters
from voicecall.media.desk_notes import DeskNotes
from voicecall.media.echo import EchoFinder
from voicecall.media.hearing import AudioQueue, hear
from voicecall.media.playback import Playback, PlaybackSettings
from voicecall.media.recording import Tap
from voicecall.media.replying import ReplyTask
from voicecall.media.synthesis import Voice
from voicecall.media.tokens import StreamGrant
from voicecall.media.turn_taking import TurnTaking
from voicecall.media.turns import TurnPolicy
from voicecall.media.voice import VoiceMeter
from voicecall.media.wire import FrameSocket, Wire
from voicecall.model.media import (
    Audio,
    AudioFormat,
    MediaAudio,
    MediaCommand,
    MediaDigit,
    MediaEvent,
    MediaMark,
    MediaStarted,
    MediaStopped,
)
from voicecall.sdk.clock import Clock
from voicecall.sdk.provider import MediaProtocol
from voicecall.sdk.stt import SttBackend
from voicecall.sdk.vad import VadBackend

__all__ = ["FrameSocket", "SessionTools", "run_session"]

logger = logging.getLogger(__name__)

STOPPED = "the carrier ended the stream"
CLOSED = "the media socket closed"
SILENT = "no media came for a while"
BROKEN = "the session failed"
CANCELLED = "the gateway ended the stream"

FINISH_SECONDS = 0.5
"""Real seconds that recognition has, after the stream's end, to finish what it heard."""
FAREWELL_SECONDS = 5.0
"""Real seconds for telling the desk and closing the socket."""
SILENCE_CHECKS = 4
"""Looks at the line until it counts as silent; a gateway that was stalled counts as one."""
REAL_SILENCE_SECONDS = 2.0
"""A line is not silent sooner than that, however fast a simulated network runs."""

RECOGNITION_SECONDS = 0.5
"""Call seconds, and real ones, that recognition has for the last words after the silence that
ends them; nobody is taken for silent sooner."""

POLICY_VIOLATION = 1008
CLOSE_CODES = {STOPPED: 1000, CLOSED: 1000, SILENT: 1001, CANCELLED: 1001, BROKEN: 1011}


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionTools:
    """What sessions are made with.

    Args:
        tts: speaks.
        stt: recognises; None: the caller is not understood, only heard.
        stt_format: what `stt` is fed.
        vad: tells early that the caller speaks; None: recognition does.
        media_format: what the provider's streams carry.
        settings: limits, turns, timeouts.
        clock: call seconds and dates.
        counters: shared by all sessions.
        tap: listens in; None: nobody does.
    """

    tts: Voice
    stt: SttBackend | None
    stt_format: AudioFormat
    vad: VadBackend | None
    media_format: AudioFormat
    settings: Settings
    clock: Clock
    counters: MediaCounters
    tap: Tap | None = None


def resume_seconds(settings: Settings, scale: float) -> float:
    """After how long a pause without words speech was none, in call seconds."""
    silence = settings.silence_timeout_ms / 1000
    return max(
        settings.turns.resume_after_ms / 1000, silence + RECOGNITION_SECONDS * max(1.0, scale)
    )


async def run_session(
    socket: FrameSocket,
    protocol: MediaProtocol,
    desk: Desk,
    grant: StreamGrant,
    tools: SessionTools,
) -> None:
    """Serve one media stream; returns when it is over, whoever ended it.

    A stream that does not start within `streaming.preStartTimeoutMs`, or that names a call
    which is not the grant's, is closed with 1008 before any audio is taken.
    """
    wire = Wire(socket, protocol, tools.counters)
    opening = await _await_start(wire, grant, tools.settings)
    if opening is None:
        return
    started, rest = opening
    tools.counters.sessions += 1
    await Session(wire, desk, started, tools).run(rest)


async def _await_start(
    wire: Wire, grant: StreamGrant, settings: Settings
) -> tuple[MediaStarted, Sequence[MediaEvent]] | None:
    """The stream's start and what came in the same frame; None: there is no stream."""
    with anyio.move_on_after(settings.streaming.pre_start_timeout_ms / 1000):
        while (events := await wire.receive()) is not None:
            for position, event in enumerate(events):
                if isinstance(event, MediaStarted):
                    if grant.owns(event.carrier_call_id):
                        return event, events[position + 1 :]
                    logger.warning("a media stream named another call and was closed")
                    await wire.close(POLICY_VIOLATION, "this stream belongs to another call")
                    return None
        return None
    await wire.close(POLICY_VIOLATION, "the stream did not start in time")
    return None


class Session:
    """One stream from its start to its end; the `Line` of its desk.

    Args:
        wire: the stream.
        desk: the call's side.
        started: what the stream said of itself.
        tools: everything else.
    """

    def __init__(self, wire: Wire, desk: Desk, started: MediaStarted, tools: SessionTools) -> None:
        settings, counters = tools.settings, tools.counters
        self._wire = wire
        self._desk = desk
        self._tools = tools
        self._reply = ReplyTask(desk, self._spawn)
        self._notes = DeskNotes(desk, self._reply.start)
        self._audio = AudioQueue(
            source=started.format,
            target=tools.stt_format,
            limit_seconds=settings.limits.inbound_audio_ms / 1000,
            counters=counters,
        )
        self._echo = EchoFinder(tools.media_format) if settings.turns.echo_gate else None
        self._format = started.format
        self._playback = Playback(
            send=self._send,
            synthesis=tools.tts,
            settings=PlaybackSettings(
                format=tools.media_format,
                queued_utterances=settings.limits.queued_utterances,
            ),
            clock=tools.clock,
            counters=counters,
            listener=self,
        )
        self._turns = TurnTaking(
            policy=TurnPolicy(settings.turns),
            meter=VoiceMeter(started.format, tools.vad.stream() if tools.vad else None, self._echo),
            early=tools.vad is not None,
            resume_seconds=resume_seconds(settings, tools.clock.scale),
            playback=self._playback,
            reply=self._reply,
            notes=self._notes,
            clock=tools.clock,
            counters=counters,
        )
        self._tasks: TaskGroup | None = None
        self._playing = anyio.CancelScope()
        self._heard_out = anyio.Event()
        self._over = anyio.Event()
        self._reason: str | None = None
        self._media_taken = 0

    # -- Line

    def speak(self, speech: Speech) -> SpeechJob:
        """Queue `speech`.

        Raises:
            CapacityExceeded: too many are waiting.
        """
        return self._playback.speak(speech)

    async def drained(self) -> None:
        """Wait until nothing is queued or playing."""
        await self._playback.drained()

    async def interrupt(self) -> None:
        """Stop speaking at once; every waiting job settles with what was heard."""
        await self._playback.clear()

    # -- what playback tells

    def speaking(self, active: bool) -> None:
        """We begin or cease to be audible."""
        self._notes.speaking(active)

    def frame_left(self, frame: bytes, at: float) -> None:
        """A frame of ours is heard at `at`."""
        if self._echo is not None:
            self._echo.played(frame, at)
        if self._tools.tap is not None:
            self._tools.tap.us(Audio(data=frame, format=self._tools.media_format), at)

    def cleared(self, at: float) -> None:
        """What was to be heard after `at` is dropped."""
        if self._tools.tap is not None:
            self._tools.tap.cleared(at)

    # -- the stream's life

    async def run(self, first: Sequence[MediaEvent]) -> None:
        """Serve the stream until its end, then tell the desk, exactly once."""
        try:
            async with anyio.create_task_group() as tasks:
                self._tasks = tasks
                await self._begin(tasks, first)
                await self._over.wait()
                await self._finish_hearing()
                tasks.cancel_scope.cancel()
        finally:
            await self._farewell()

    async def _begin(self, tasks: TaskGroup, first: Sequence[MediaEvent]) -> None:
        """Speak and listen; the desk learns that it has a line before anything else."""
        await tasks.start(self._play)
        self._spawn(lambda: self._receive(first))
        self._spawn(self._watch_silence)
        self._spawn(self._hear)
        await self._part(lambda: self._desk.line_up(self))
        self._spawn(self._notes.deliver)

    async def _finish_hearing(self) -> None:
        """The stream is over: fall silent, but let what the caller said last be understood."""
        self._reply.cancel()
        self._playing.cancel()
        self._audio.close()
        with anyio.move_on_after(FINISH_SECONDS):
            await self._heard_out.wait()
            await self._notes.delivered()
            await self._reply.idle()

    async def _farewell(self) -> None:
        reason = self._reason or CANCELLED
        with anyio.move_on_after(FAREWELL_SECONDS, shield=True):
            try:
                await self._desk.line_down(self, reason)
            except Exception:
                logger.exception("the desk failed when its media stream ended")
            await self._wire.close(CLOSE_CODES[reason], reason)

    def _end(self, reason: str) -> None:
        if self._reason is None:
            self._reason = reason
        self._over.set()

    def _spawn(self, part: Callable[[], Awaitable[None]]) -> None:
        if self._tasks is not None:
            self._tasks.start_soon(self._part, part)

    async def _part(self, part: Callable[[], Awaitable[None]]) -> None:
        """Run one part; its failure is the stream's end, not the gateway's."""
        try:
            await part()
        except Exception:
            logger.exception("a part of the media session failed")
            self._end(BROKEN)

    # -- its parts

    async def _receive(self, first: Sequence[MediaEvent]) -> None:
        events: Sequence[MediaEvent] | None = first
        while events is not None:
            for event in events:
                await self._take(event)
            events = await self._wire.receive()
        self._end(CLOSED)

    async def _take(self, event: MediaEvent) -> None:
        match event:
            case MediaAudio(data=data):
                await self._take_audio(data)
            case MediaMark(name=name):
                self._playback.reached(name)
            case MediaDigit(digit=digit):
                await self._turns.keyed()
                self._notes.digits(digit)
            case MediaStopped():
                self._end(STOPPED)
            case MediaStarted():
                logger.warning("a second start on one media stream is ignored")

    async def _take_audio(self, data: bytes) -> None:
        self._tools.counters.frames_in += 1
        self._media_taken += 1
        if self._tools.stt is not None:
            self._audio.push(data)
        if self._tools.tap is not None:
            audio = Audio(data=data, format=self._format)
            self._tools.tap.caller(audio, self._tools.clock.now())
        await self._turns.hear(data)

    async def _hear(self) -> None:
        stt = self._tools.stt
        if stt is not None:
            deaf = await hear(
                self._audio,
                stt,
                self._turns,
                clock=self._tools.clock,
                counters=self._tools.counters,
                logger=logger,
            )
            if deaf is not None:
                self._notes.unheard(deaf)
        self._heard_out.set()

    async def _play(self, *, task_status: TaskStatus[None]) -> None:
        with self._playing:
            await self._part(lambda: self._playback.run(task_status=task_status))

    async def _watch_silence(self) -> None:
        """End a stream that is open only for us: nothing comes, and nobody closed it."""
        clock = self._tools.clock
        limit = self._tools.settings.limits.media_silence_ms / 1000
        step = max(limit, REAL_SILENCE_SECONDS * clock.scale) / SILENCE_CHECKS
        taken, quiet = -1, 0
        while quiet < SILENCE_CHECKS:
            taken, before = self._media_taken, taken
            quiet = quiet + 1 if taken == before else 0
            await clock.sleep(step)
        self._end(SILENT)

    async def _send(self, command: MediaCommand) -> None:
        try:
            await self._wire.send(command)
        except MediaError:
            self._end(CLOSED)
