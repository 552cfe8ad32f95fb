"""Which rules are about audio?"""

from __future__ import annotations

from voicecall_conformance.rulebook.requirement import Level, Requirement

MEDIA = (
    Requirement(
        id="media.start",
        text="The first frames of a stream that the carrier was told to open give MediaStarted "
        "with its id of the call that it was told so for, and the format that the spec declares; "
        "without declared media streams there is no framing.",
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
        implies=("media.split",),
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
        implies=("media.clear-settles",),
    ),
    Requirement(
        id="media.faults",
        text="A frame that cannot be read is a MediaFault, never an exception, and the stream "
        "goes on.",
        level=Level.MEDIA,
        implies=("media.once",),
    ),
    Requirement(
        id="media.once",
        text="A second start in one stream starts nothing.",
        level=Level.MEDIA,
        lessons=(24,),
    ),
    Requirement(
        id="media.split",
        text="Audio of any number of frames reaches the carrier whole, in messages that it takes.",
        level=Level.MEDIA,
        lessons=(22,),
    ),
    Requirement(
        id="media.clear-settles",
        text="After a clear every mark that was under way comes back, once and in order, whether "
        "the carrier sends it back or not.",
        level=Level.MEDIA,
        lessons=(20,),
    ),
    Requirement(
        id="media.numbers",
        text="Counters are read whether the carrier writes them as text or as numbers.",
        level=Level.MEDIA,
    ),
    Requirement(
        id="media.handshake",
        text="Where the carrier signs the handshake of a stream, one without its signature, with "
        "another key's or for another URL raises SignatureInvalid; elsewhere none is asked for.",
        level=Level.MEDIA,
        lessons=(30,),
    ),
)
