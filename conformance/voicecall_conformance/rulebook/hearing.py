"""Which rules are about what a carrier tells us? Signatures, replays, events."""

from __future__ import annotations

from voicecall_conformance.rulebook.requirement import Level, Requirement

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
        implies=("signature.several",),
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
    Requirement(
        id="signature.junk",
        text="A signature header that holds no signature (wrong alphabet, too long, not ASCII) "
        "raises SignatureInvalid and nothing else; so does a body or query that cannot be decoded.",
        level=Level.ROBUST,
    ),
    Requirement(
        id="signature.renewed",
        text="Where `renewal` takes other secrets, what is signed with them is accepted once they "
        "are in force, and what is signed with the former ones for ten minutes more.",
    ),
    Requirement(
        id="signature.several",
        text="Where the carrier puts several signatures into one header, one that fits is enough "
        "and none that fits raises SignatureInvalid.",
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
        implies=("replay.asks-again",),
    ),
    Requirement(
        id="replay.unsigned",
        text="Nothing that is not signed (another header, another peer, a later time, and "
        "another query where the URL is not signed) changes the replay key.",
        level=Level.ROBUST,
        lessons=(28,),
    ),
    Requirement(
        id="replay.asks-again",
        text="A carrier that comes back for more instructions is not taken for a repetition: "
        "waiting twice in a row is two deliveries.",
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
        implies=("events.elsewhere",),
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
        implies=("replay.asks-again",),
    ),
    Requirement(
        id="events.spoken",
        text="The end of what the carrier's own voice was told to say arrives with its turn, and "
        "whether it was said whole; from a command carrier always.",
        lessons=(12, 13),
    ),
    Requirement(
        id="events.machine",
        text="What machine detection found arrives: human, machine, fax, and the beep. Only where "
        "it is declared.",
        lessons=(40,),
    ),
    Requirement(
        id="events.stream",
        text="What the carrier reports about a media stream arrives: started, stopped, failed.",
        lessons=(24,),
    ),
    Requirement(
        id="events.elsewhere",
        text="A call that was placed elsewhere and points at our webhook is offered as such; one "
        "of ours is not offered.",
        lessons=(10,),
    ),
    Requirement(
        id="events.attestation",
        text="The attestation of a caller's number arrives as A, B or C where the carrier tells "
        "it, and as None where it does not.",
    ),
)
