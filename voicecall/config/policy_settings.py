"""The part of the configuration that says who may be called, and who may call."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from voicecall.sdk.config import Section

DeniedType = Literal["premium-rate", "shared-cost", "satellite", "uan", "voicemail"]
TimeOfDay = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class QuietHoursSettings(Section):
    """`outbound.guard.quietHours`: when nobody is called, by the callee's own clock."""

    from_: TimeOfDay = Field(alias="from")
    """`HH:MM`; from then on nobody is called."""
    to: TimeOfDay
    """`HH:MM`; from then on calls may be placed again. Earlier than `from`: the next morning."""
    time_zone: str | None = None
    """An IANA name, for numbers that do not tell where they are (international freephone).
    Absent: those are not called at all while there are quiet hours."""


class SpendCapSettings(Section):
    """`outbound.guard.spendCap`: what calls may cost within any 24 hours."""

    amount: float = Field(ge=0)
    """The most that outbound calls may cost within any 24 hours."""
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    """ISO 4217 code, for messages; nothing is converted."""
    price_per_minute: float = Field(gt=0)
    """What a minute costs at most. Minutes count as begun; a call counts with
    `maxDurationSeconds` until it has ended, then with what it lasted."""


class GuardSettings(Section):
    """`outbound.guard`: what may be dialled, how often, and when."""

    countries: tuple[str, ...] = ("*",)
    """ISO 3166 codes that may be dialled; ``*``: all."""
    deny_types: tuple[DeniedType, ...] = (
        "premium-rate",
        "shared-cost",
        "satellite",
        "uan",
        "voicemail",
    )
    """Number types that are never dialled."""
    deny_prefixes: tuple[str, ...] = ()
    """E.164 prefixes that are never dialled."""
    max_calls_per_hour: int = Field(default=60, ge=0)
    """Outbound calls within any hour; counted from the store, so a restart does not reset it."""
    max_calls_per_day: int = Field(default=300, ge=0)
    """Outbound calls within any 24 hours, counted likewise."""
    calls_per_second: float = Field(default=1.0, gt=0)
    """The pace of dialling; a call that comes sooner waits for its place."""
    dial_deadline_seconds: float = Field(default=60.0, gt=0)
    """A call whose place is further away than this is refused instead of dialled late."""
    quiet_hours: QuietHoursSettings | None = None
    """When nobody is called. Absent: always is a good time."""
    do_not_call: tuple[str, ...] = ()
    """E.164 numbers that are never dialled, beside those that the store keeps: of people who
    opted out, and of `voicecall do-not-call add`."""
    spend_cap: SpendCapSettings | None = None
    """What calls may cost. Absent: only the other caps hold."""


class OptOutSettings(Section):
    """`outbound.optOut`: how people whom we call say that they do not want to be called again."""

    phrases: tuple[str, ...] = ()
    """Further wishes that count, beside the usual ones in English, German, French and Spanish:
    words that the callee's sentence contains."""
    prompt: str | None = None
    """Said after our first words, for example "To not be called again, press 9." Absent: nothing
    is said, and keys mean what they mean without it."""
    digit: str = Field(default="9", pattern=r"^[0-9*#]$")
    """The key that the prompt offers; it counts only where there is a prompt."""
    confirmation: str = "All right, we will not call this number again. Goodbye."
    """Said before we hang up on somebody who opted out."""


class PairingSettings(Section):
    """`pairing`: how strangers are met under `inboundPolicy: "pairing"`."""

    message: str = (
        "I do not know this number yet. Your code is: {code}. Once more: {code}. "
        "Please give it to whom you want to reach, and call again. Goodbye."
    )
    """What a stranger hears; `{code}` is read digit by digit."""
    code_minutes: int = Field(default=60, gt=0)
    """How long a code can be approved."""
    max_pending: int = Field(default=20, gt=0)
    """Codes that wait for approval; further strangers are refused."""
    max_calls_per_number: int = Field(default=3, gt=0)
    """How often a number may hear its code; its further calls are refused until the code is
    too old."""
