"""Which rules are about what we tell a carrier? Dialling, answers, commands."""

from __future__ import annotations

from voicecall_conformance.rulebook.requirement import Level, Requirement

LIFECYCLE = (
    Requirement(
        id="lifecycle.dial",
        text="One order dials once, the number that it names, and gives the carrier's id.",
    ),
    Requirement(
        id="lifecycle.caller",
        text="The number that an order calls from reaches the carrier; where the order names none, "
        "the configured one.",
    ),
    Requirement(
        id="lifecycle.limits",
        text="Ring timeout and longest duration are handed to the carrier with the order.",
        lessons=(7,),
    ),
    Requirement(
        id="lifecycle.callbacks",
        text="Every callback of a placed call carries the call's id and its secret: those that go "
        "with the order, and those in later documents and commands.",
    ),
    Requirement(
        id="lifecycle.hang-up",
        text="Hanging up ends the call at the carrier, with one request.",
        lessons=(5,),
        implies=("lifecycle.cancels",),
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
    Requirement(
        id="lifecycle.clamps",
        text="Limits that the carrier would not take are brought into its range; the call is "
        "dialled, with a limit.",
        lessons=(7,),
    ),
    Requirement(
        id="lifecycle.digits",
        text="Keys that an order wants pressed once the call is answered reach the carrier with "
        "it. Only where sending digits is declared.",
        lessons=(39,),
    ),
    Requirement(
        id="lifecycle.detects",
        text="An order that asks for machine detection asks the carrier for it, one that awaits "
        "the beep for that too, and no other order does. Only where it is declared.",
        lessons=(40,),
    ),
    Requirement(
        id="lifecycle.cancels",
        text="Hanging up ends a call that still rings.",
        lessons=(3,),
    ),
)

REPLY = (
    Requirement(
        id="reply.acknowledges",
        text="A webhook that wants nothing is answered with a 2xx status that changes nothing.",
        implies=("reply.keeps-alive",),
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
        implies=("command.digits",),
    ),
    Requirement(
        id="reply.pure",
        text="The same webhook and the same instructions are answered in the same words, however "
        "often the carrier asks.",
        lessons=(28,),
    ),
    Requirement(
        id="reply.text",
        text="Whatever stands in spoken text is spoken or dropped; it never becomes an "
        "instruction, whichever way the text goes.",
        level=Level.ROBUST,
    ),
    Requirement(
        id="reply.long",
        text="Text of any length is spoken whole, in pieces that the carrier takes.",
        level=Level.ROBUST,
        lessons=(37,),
    ),
    Requirement(
        id="reply.rejects",
        text="A refused inbound call is refused as it was meant: by a document carrier in the "
        "answer to the offer, by a command carrier with one command.",
        lessons=(9,),
    ),
    Requirement(
        id="reply.answers",
        text="An accepted inbound call is picked up: by a document carrier with what it is told "
        "to do, by a command carrier when it is told to answer.",
        lessons=(35, 36),
    ),
    Requirement(
        id="reply.apology",
        text="A document carrier that fetches a document of last resort is given one that says "
        "something and hangs up; other webhooks are not answered so.",
        level=Level.ROBUST,
    ),
)

COMMAND = (
    Requirement(
        id="command.order",
        text="The carrier gets the instructions of a command as they were given, in their order.",
        lessons=(14,),
        implies=("command.digits",),
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
    Requirement(
        id="command.stops",
        text="A command carrier that speaks can be told to stop speaking.",
        lessons=(18,),
    ),
    Requirement(
        id="command.digits",
        text="Keys are pressed whichever way they go: alone and with what follows them in one "
        "delivery, by command and, at a document carrier that has a word for them, in an answer. "
        "Only where sending digits is declared.",
        lessons=(39,),
    ),
    Requirement(
        id="command.once",
        text="A command whose answer was lost is not carried out twice.",
        level=Level.ROBUST,
        lessons=(32,),
    ),
)
