"""Which rules does a responder keep?"""

from __future__ import annotations

from voicecall_conformance.rulebook.requirement import Level, Requirement
from voicecall_conformance.speech.package import package_rules

RESPONDER: dict[str, Requirement] = {
    requirement.id: requirement
    for requirement in (
        Requirement(
            id="responder.answers",
            text="A turn is answered with what is behind the responder says, word for word, and "
            "with nothing else; so is the next one.",
            implies=("responder.errors", "responder.text"),
        ),
        Requirement(
            id="responder.streams",
            text="The first sentence is passed on while the rest of the reply is not made.",
        ),
        Requirement(
            id="responder.patient",
            text="While the sink takes no more nothing is written, and nothing is lost by that.",
        ),
        Requirement(
            id="responder.ends",
            text="The wish to hang up is passed on once, after the farewell.",
        ),
        Requirement(
            id="responder.wishes",
            text="Keys to press and transfers are passed on after the words before them, each "
            "once, in their order.",
            implies=("responder.refusals",),
        ),
        Requirement(
            id="responder.refusals",
            text="A wish that the call refuses ends the reply with that refusal, or the reply goes "
            "on without it; the next turn is answered.",
        ),
        Requirement(
            id="responder.unknown",
            text="A wish that there is not is a ResponderError or is told to whoever had it; it "
            "is never passed on, and never said aloud.",
            level=Level.ROBUST,
        ),
        Requirement(
            id="responder.heard",
            text="What is behind it is told what the caller said, and of our replies what was "
            "heard of them, in this call and of earlier ones; never what was cut.",
            implies=("responder.sessions",),
        ),
        Requirement(
            id="responder.sessions",
            text="What is said in one session is never told in another.",
        ),
        Requirement(
            id="responder.text",
            text="Whatever a caller says (quotes, line breaks, braces, another script, half a "
            "letter) is handed over as words; it is no error and no wish.",
            level=Level.ROBUST,
        ),
        Requirement(
            id="responder.cancel",
            text="A cancelled reply stops at once: nothing more is written, what it opened is "
            "closed, and the call's next turn gets its own reply.",
        ),
        Requirement(
            id="responder.unmixed",
            text="Calls that speak at once get each their own reply.",
        ),
        Requirement(
            id="responder.errors",
            text="Whatever goes wrong behind it is a ResponderError, and the next turn is "
            "answered.",
            implies=(
                "responder.cut",
                "responder.silent",
                "responder.unknown",
                "responder.waits",
            ),
        ),
        Requirement(
            id="responder.cut",
            text="A reply that breaks off is a ResponderError after what came of it, never a "
            "short reply.",
            implies=("responder.waits",),
        ),
        Requirement(
            id="responder.waits",
            text="Where it says itself how long it waits, silence in the middle of a reply is a "
            "ResponderError after what came of it; elsewhere it waits until it is cancelled.",
        ),
        Requirement(
            id="responder.over",
            text="Learning that a call is over does no harm, whether it was ever asked for a "
            "reply or not; other calls go on.",
        ),
        Requirement(
            id="responder.silent",
            text="Neither an error's message nor the log holds a secret or what was said.",
            level=Level.ROBUST,
        ),
        *package_rules("responder"),
    )
}
"""Every rule by its id, in the order of the manual."""
