"""How a call is spoken to and heard, whatever carries it: the Protocols between the siblings.

A *line* speaks: the media session or the carrier's native voice. A *desk* decides: the call's
conversation. The session knows the desk only through `Desk`, the conversation knows the session
only through `Line`; the composition root joins them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from voicecall.model.ids import CallId, TurnToken
from voicecall.model.speech import ReplyPart


@dataclass(frozen=True, slots=True, kw_only=True)
class Speech:
    """One thing to say.

    Args:
        text: plain text.
        protected: the caller cannot interrupt it (greetings).
        listen: the native voice must listen directly afterwards, in the same delivery.
        asks_for_key: it offers a key, which counts at any time, and is therefore protected from
            speech only where speech and keys can be told apart.
        turn: the listening turn that this prompt opens, if any.
    """

    text: str
    protected: bool = False
    listen: bool = False
    asks_for_key: bool = False
    turn: TurnToken | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """What became of a `Speech`.

    Args:
        text: what was to be said.
        heard: what was really played; equals `text` when it was played to its end, ``""`` when
            nothing was.
        failed: why it could not be spoken, None when it was (or was cut by the caller).
        first_frame_at: when its first audio left us, seconds since the epoch.
        first_heard_at: when its first audio was in the caller's ear.
    """

    text: str
    heard: str
    failed: str | None = None
    first_audio_at: float | None = None
    first_frame_at: float | None = None
    first_heard_at: float | None = None

    @property
    def complete(self) -> bool:
        """Whether it was heard to its end."""
        return self.failed is None and self.heard == self.text


class SpeechJob(Protocol):
    """A queued `Speech`."""

    @property
    def outcome(self) -> Spoken | None:
        """What became of it, None while that is open."""
        ...

    async def played(self) -> Spoken:
        """Wait until it was heard, cut or failed. Never raises; may be awaited repeatedly."""
        ...


class Line(Protocol):
    """Speaks into a call."""

    def speak(self, speech: Speech) -> SpeechJob:
        """Queue `speech` behind what is queued; synthesis starts at once, playback gapless.

        Raises:
            CapacityExceeded: `limits.queuedUtterances` are waiting.
        """
        ...

    async def drained(self) -> None:
        """Wait until nothing is queued or playing."""
        ...

    async def interrupt(self) -> None:
        """Stop speaking at once; every waiting job settles with what was heard."""
        ...


class Reply(Protocol):
    """Takes the parts of a reply while the responder makes them."""

    async def write(self, part: ReplyPart) -> None:
        """Take the next part."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """The caller's finished speech, whatever brought it.

    Args:
        text: what was recognised, stripped; may be empty.
        turn: the token of the listening turn that it answers; None from a media stream.
        speech_ended_at: when the caller stopped speaking, seconds since the epoch.
        transcript_at: when the text was final.
    """

    text: str
    turn: TurnToken | None = None
    speech_ended_at: float | None = None
    transcript_at: float | None = None


class Desk(Protocol):
    """The call's side of a line: what the session tells and asks. One per call."""

    async def line_up(self, line: Line) -> None:
        """The media session can speak and hears. Replaces a predecessor."""
        ...

    async def line_down(self, line: Line, reason: str) -> None:
        """The media session is over. Ignored when `line` was replaced already."""
        ...

    async def speech_began(self) -> None:
        """The caller began to speak: an unfinished reply is void, `barge-in` already done."""
        ...

    async def partial(self, text: str) -> None:
        """What the caller seems to be saying."""
        ...

    async def heard(self, heard: Heard) -> None:
        """The caller said something: the one path for final speech.

        Records it; then either it answers a waiting `continue`, or the responder replies and
        the reply is spoken on the current line. Returns when the reply is queued whole; the
        caller cancels it (its task's scope) when the person speaks on.
        """
        ...

    async def digits(self, digits: str) -> None:
        """The caller pressed keys, told in-band."""
        ...

    async def unheard(self, reason: str) -> None:
        """Recognition failed for good: the caller is heard no more on this line."""
        ...

    async def speaking(self, active: bool) -> None:
        """We began (True) or ceased (False) to be heard."""
        ...


class Switchboard(Protocol):
    """Finds the desk of a call, for media sockets."""

    def desk(self, call_id: CallId) -> Desk | None:
        """The desk of a live call, None when it is not live."""
        ...
