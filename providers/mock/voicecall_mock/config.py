"""How is the simulated network set up? The `mock` section: phones, their scripts, chaos."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import model_validator

from voicecall.sdk import Field, Secret, Section

GOODBYE = "Thank you. Goodbye."
MAILBOX = "Nobody is here. Please leave a message after the tone."
STEP_KINDS = ("listen", "say", "interrupt", "press", "wait", "beep", "hang_up", "drop")


class Backend(Section):
    """A speech backend by name, and its options."""

    provider: str | None = None
    """Name of the plugin; absent: the installed one that needs no account."""
    options: dict[str, object] = Field(default_factory=dict)
    """What would stand in that plugin's own section."""


class Step(Section):
    """One thing that the person at a phone does; exactly one of the verbs is set."""

    listen: Literal[True] | str | None = None
    """Wait until the other side has spoken and paused; a text: until it has said that."""
    say: str | None = None
    """Say this, and go on when it is said."""
    interrupt: str | None = None
    """Wait until the other side speaks, then say this over it."""
    press: str | None = Field(default=None, pattern=r"^[0-9A-D*#]+$")
    """Press these keys."""
    wait: int | None = Field(default=None, ge=0)
    """Do nothing for so many milliseconds."""
    beep: Literal[True] | None = None
    """Sound the tone of an answering machine."""
    hang_up: Literal[True] | None = None
    """Hang up."""
    drop: Literal["stream", "network"] | None = None
    """`stream`: the media socket is cut. `network`: the call is lost and nobody is told."""
    after_ms: int = Field(default=500, ge=0)
    """For `interrupt`: how far into the other side's speech."""
    timeout_ms: int = Field(default=60_000, gt=0)
    """For `listen` and `interrupt`: go on with the next step after so long in any case."""

    @model_validator(mode="after")
    def _one_verb(self) -> Step:
        verbs = [kind for kind in STEP_KINDS if getattr(self, kind) is not None]
        if len(verbs) != 1:
            raise ValueError(
                "a step does exactly one of listen, say, interrupt, press, wait, beep, hangUp, drop"
            )
        return self

    @property
    def kind(self) -> str:
        """Which verb it is, one of `STEP_KINDS`."""
        return next(kind for kind in STEP_KINDS if getattr(self, kind) is not None)


DEFAULT_STEPS = (Step(listen=True), Step(say=GOODBYE), Step(wait=500), Step(hang_up=True))


class Room(Section):
    """What a phone's microphone picks up beside the person."""

    echo_db: float | None = Field(default=None, ge=-60, le=0)
    """How loud what the phone plays comes back, in dB of what it was; absent: not at all."""
    echo_delay_ms: int = Field(default=120, ge=0, le=2000)
    """How much later it does; rounded to 20 ms."""
    noise_db: float | None = Field(default=None, ge=-90, le=-10)
    """White noise of so many dBFS, without a pause; absent: none."""


class Outcome(StrEnum):
    """What becomes of a call to a phone."""

    ANSWER = "answer"
    BUSY = "busy"
    NO_ANSWER = "no-answer"
    REJECT = "reject"
    VOICEMAIL = "voicemail"
    UNREACHABLE = "unreachable"


class Phone(Section):
    """The phone behind a number, and the person (or machine) at it."""

    outcome: Outcome = Outcome.ANSWER
    """What happens when it is called. A phone that calls us always takes part."""
    answer_after_ms: int = Field(default=500, ge=0)
    """How long it rings before it is answered or rejected."""
    voice: Backend | None = None
    """What it speaks with; absent: `mock.voice`."""
    ears: Backend | None = None
    """What it understands with; absent: `mock.ears`."""
    phrases: tuple[str, ...] = ()
    """What it expects to hear, for ears that score by nearest phrase."""
    room: Room = Room()
    """Where it stands: echo and noise."""
    patience_ms: int = Field(default=700, gt=0)
    """How long the other side must be quiet before it has finished speaking."""
    greeting: str = MAILBOX
    """What an answering machine says before its tone."""
    steps: tuple[Step, ...] | None = None
    """What is done after answering, in order; then the phone stays on the line in silence.
    Absent: listen, say thanks, hang up; for an answering machine: greeting, tone, record."""

    @property
    def script(self) -> tuple[Step, ...]:
        """The steps that are done after answering."""
        if self.steps is not None:
            return self.steps
        if self.outcome is Outcome.VOICEMAIL:
            return (
                Step(say=self.greeting),
                Step(beep=True),
                Step(listen=True),
                Step(wait=2000),
                Step(hang_up=True),
            )
        return DEFAULT_STEPS


class Chaos(Section):
    """How badly webhooks are delivered; the default is in order and once."""

    duplicate: float = Field(default=0.0, ge=0, le=1)
    """Share of webhooks that are delivered twice."""
    reorder: float = Field(default=0.0, ge=0, le=1)
    """Share of webhooks that do not wait for the ones before them."""
    delay_ms: int = Field(default=0, ge=0)
    """Such a webhook, and a second delivery, comes up to so many milliseconds late."""
    seed: int = 0
    """The same seed gives the same disorder: to the first call, to the second, and so on."""


class MockConfig(Section):
    """The `mock` section."""

    phones: dict[str, Phone] = Field(default_factory=dict)
    """E.164 number → the phone behind it."""
    default_phone: Phone = Phone()
    """The phone behind every other number."""
    network_url: str | None = Field(default=None, pattern=r"^http://[^/]+$")
    """A network in a process of its own (`voicecall mock serve`), for example
    ``http://127.0.0.1:4010``; absent: one inside this process."""
    bind: str = "127.0.0.1"
    """Where the network inside this process listens."""
    port: int = Field(default=0, ge=0, le=65535)
    """Its port; 0: a free one."""
    secret: Secret | None = None
    """Signs webhooks; absent: made once and kept in the state directory."""
    time_scale: float = Field(default=1.0, gt=0)
    """How many times faster than life the network runs."""
    record: bool = True
    """Whether what every phone heard is written to the state directory, as WAV and text."""
    voice: Backend = Backend()
    """What the network itself and phones without `voice` speak with."""
    ears: Backend = Backend()
    """What phones without `ears` understand with."""
    chaos: Chaos = Chaos()
