"""Which rules does a provider keep? Data: from it come the tests, the reports and the manual."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """Who has to keep a rule."""

    CORE = "core"
    """Every provider."""
    MEDIA = "media"
    """Every provider that declares media streams; others refuse them."""
    ROBUST = "robust"
    """Every provider that wants to be trusted when the carrier misbehaves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One rule.

    Args:
        id: ``area.name``, for ever.
        text: what must hold, in one sentence.
        level: who has to keep it.
        lessons: lines of the collected lessons that it comes from.
        implies: rules that cannot hold when this one is broken.
        since: version of this package that introduced it.
    """

    id: str
    text: str
    level: Level = Level.CORE
    lessons: tuple[int, ...] = ()
    implies: tuple[str, ...] = ()
    since: str = "0.1"

    @property
    def area(self) -> str:
        """The part before the dot."""
        return self.id.partition(".")[0]


SIGNATURE = (
    Requirement(
        id="signature.genuine",
        text="A webhook that the carrier signed is accepted, whatever text it carries.",
    ),
    Requirement(
        id="signature.missing",
        text="A webhook without a signature raises SignatureInvalid.",
        lessons=(29,),
    ),
    Requirement(
        id="signature.repeated",
        text="A webhook that carries the signature header twice raises SignatureInvalid.",
    ),
    Requirement(
        id="signature.key",
        text="A webhook signed with another key raises SignatureInvalid.",
    ),
    Requirement(
        id="signature.body",
        text="A webhook of which one byte of the body was changed raises SignatureInvalid.",
    ),
    Requirement(
        id="signature.url",
        text="A webhook sent to another scheme, host, port, path or query than the one that was "
        "signed raises SignatureInvalid.",
        lessons=(27,),
    ),
    Requirement(
        id="signature.alternatives",
        text="A webhook signed for one of the request's alternative URLs is accepted.",
        lessons=(27,),
    ),
    Requirement(
        id="signature.window",
        text="Where the carrier signs a time, 300 s ago and 60 s ahead are accepted, and anything "
        "beyond raises WebhookStale; where it does not, age is not judged.",
    ),
    Requirement(
        id="signature.silent",
        text="A refusal tells neither query values nor any signature.",
        level=Level.ROBUST,
        lessons=(31,),
    ),
)

REPLAY = (
    Requirement(
        id="replay.same",
        text="The same delivery, repeated, has the same replay key.",
        lessons=(28,),
        implies=("replay.unsigned",),
    ),
    Requirement(
        id="replay.distinct",
        text="Two deliveries of two events have two replay keys.",
        lessons=(28,),
    ),
    Requirement(
        id="replay.unsigned",
        text="Nothing that is not signed (another header, another peer, a later time) changes the "
        "replay key.",
        level=Level.ROBUST,
        lessons=(28,),
    ),
)

EVENTS = (
    Requirement(
        id="events.call",
        text="Every event names the carrier's call and, where the callback URL carried them, "
        "our call id and the call's secret.",
        lessons=(11,),
    ),
    Requirement(
        id="events.key",
        text="An event that is reported twice has one key, two events have two.",
        lessons=(1,),
    ),
    Requirement(
        id="events.progress",
        text="Ringing, answered and the request for instructions are told apart.",
    ),
    Requirement(
        id="events.causes",
        text="The end of a call comes with its cause: every cause that the carrier can tell.",
        lessons=(36,),
    ),
    Requirement(
        id="events.inbound",
        text="An inbound call is offered with both numbers in E.164, a withheld one as None; a "
        "provider that does not declare inbound never offers one.",
        lessons=(35,),
    ),
    Requirement(
        id="events.speech",
        text="What the carrier's recognition heard arrives word for word, with its turn; silence "
        "arrives as NothingHeard. Only where native listening is declared.",
        lessons=(15, 16),
    ),
    Requirement(
        id="events.digits",
        text="Pressed keys arrive, with the turn that asked for them.",
        lessons=(15,),
    ),
    Requirement(
        id="events.unknown",
        text="A signed webhook of a kind without use for us is an UnknownEvent, not an error.",
        level=Level.ROBUST,
    ),
    Requirement(
        id="events.malformed",
        text="A signed webhook that lacks what its kind requires raises WebhookMalformed.",
        level=Level.ROBUST,
    ),
    Requirement(
        id="events.steering",
        text="Exactly the providers that steer by document have an answered call ask for "
        "instructions in the webhook's answer.",
    ),
)

LIFECYCLE = (
    Requirement(
        id="lifecycle.dial",
        text="One order dials once, the number that it names, and gives the carrier's id.",
    ),
    Requirement(
        id="lifecycle.limits",
        text="Ring timeout and longest duration are handed to the carrier with the order.",
        lessons=(7,),
    ),
    Requirement(
        id="lifecycle.callbacks",
        text="Every callback of a placed call carries the call's id and its secret.",
    ),
    Requirement(
        id="lifecycle.hang-up",
        text="Hanging up ends the call at the carrier, with one request.",
        lessons=(5,),
    ),
    Requirement(
        id="lifecycle.gone",
        text="Hanging up a call that has ended, or that the carrier forgot, is success.",
        lessons=(5,),
    ),
    Requirement(
        id="lifecycle.status",
        text="A call's status says live, and says ended with its cause, as the carrier does.",
        lessons=(6,),
    ),
    Requirement(
        id="lifecycle.escaping",
        text="A carrier's call id goes into a path escaped, whatever characters it has.",
        level=Level.ROBUST,
        lessons=(32, 35),
    ),
)

REPLY = (
    Requirement(
        id="reply.acknowledges",
        text="A webhook that wants nothing is answered with a 2xx status that changes nothing.",
    ),
    Requirement(
        id="reply.keeps-alive",
        text="A webhook that wants instructions, answered with none, leaves the call up.",
        lessons=(36,),
    ),
    Requirement(
        id="reply.order",
        text="The carrier reads the instructions of an answer as they were given, in their order.",
        lessons=(14,),
    ),
    Requirement(
        id="reply.text",
        text="Whatever stands in spoken text is spoken or dropped; it never becomes an "
        "instruction.",
        level=Level.ROBUST,
    ),
)

COMMAND = (
    Requirement(
        id="command.order",
        text="The carrier gets the instructions of a command as they were given, in their order.",
        lessons=(14,),
    ),
    Requirement(
        id="command.gone",
        text="A command for a call that has ended raises CarrierCallGone.",
    ),
    Requirement(
        id="command.undeclared",
        text="An instruction that needs an undeclared capability raises CapabilityMissing before "
        "any request; a declared one does not.",
    ),
)

MEDIA = (
    Requirement(
        id="media.start",
        text="A stream's first frames give MediaStarted with the carrier's call id and the format "
        "that the spec declares; without declared media streams there is no framing.",
        level=Level.MEDIA,
        lessons=(30,),
        implies=("media.hears", "media.plays", "media.clears", "media.marks", "media.faults"),
    ),
    Requirement(
        id="media.hears",
        text="Audio and keys from the caller arrive unchanged, and so does the end.",
        level=Level.MEDIA,
        implies=("media.faults",),
    ),
    Requirement(
        id="media.plays",
        text="Audio that we play reaches the carrier unchanged and in order.",
        level=Level.MEDIA,
    ),
    Requirement(
        id="media.marks",
        text="A mark reaches the carrier with its name and comes back with it.",
        level=Level.MEDIA,
        lessons=(20,),
    ),
    Requirement(
        id="media.clears",
        text="Clearing reaches the carrier.",
        level=Level.MEDIA,
        lessons=(20,),
    ),
    Requirement(
        id="media.faults",
        text="A frame that cannot be read is a MediaFault, never an exception, and the stream "
        "goes on.",
        level=Level.MEDIA,
    ),
)

ERRORS = (
    Requirement(
        id="errors.credentials",
        text="Credentials that the carrier does not accept raise CarrierAuthFailed, which is not "
        "retryable.",
    ),
    Requirement(
        id="errors.rate",
        text="Too many requests raise CarrierRateLimited, which is retryable.",
    ),
    Requirement(
        id="errors.rejected",
        text="An order that the carrier refuses raises CarrierRejected, which is not retryable.",
    ),
    Requirement(
        id="errors.unreachable",
        text="A broken carrier, or one that never answers, raises CarrierUnreachable.",
        lessons=(32,),
    ),
    Requirement(
        id="errors.once",
        text="An order whose answer was lost is not sent again by the provider.",
        level=Level.ROBUST,
        lessons=(32,),
    ),
    Requirement(
        id="errors.silent",
        text="The message of an error holds no secret and no whole phone number.",
        level=Level.ROBUST,
        lessons=(41,),
    ),
)

PACKAGE = (
    Requirement(
        id="package.light",
        text="Importing the plugin's module imports nothing but the SDK and its own package.",
    ),
    Requirement(
        id="package.hook",
        text="The plugin's hook returns the spec every time, without side effects.",
    ),
    Requirement(
        id="package.secrets",
        text="The configuration prints none of its secrets.",
    ),
    Requirement(
        id="package.reopens",
        text="A provider that was opened and closed can be opened again.",
    ),
)

REQUIREMENTS: dict[str, Requirement] = {
    requirement.id: requirement
    for area in (SIGNATURE, REPLAY, EVENTS, LIFECYCLE, REPLY, COMMAND, MEDIA, ERRORS, PACKAGE)
    for requirement in area
}
"""Every rule by its id, in the order of the manual."""
