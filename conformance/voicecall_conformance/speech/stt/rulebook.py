"""Which rules does an STT backend keep?"""

from __future__ import annotations

from voicecall_conformance.rulebook.requirement import Level, Requirement
from voicecall_conformance.speech.package import package_rules

_BY_WORDS = (
    "stt.ends",
    "stt.times",
    "stt.patient",
    "stt.cancel",
    "stt.unmixed",
    "stt.retryable",
    "stt.reconnects",
    "stt.away",
    "stt.unreadable",
    "stt.silent",
    "stt.reopens",
    "stt.closes",
    "stt.yields",
)
"""Rules that are proved by what was heard."""

STT: dict[str, Requirement] = {
    requirement.id: requirement
    for requirement in (
        Requirement(
            id="stt.hears",
            text="What is said comes back word for word, one final an utterance, in their order.",
            implies=("stt.order", "stt.gives-up", *_BY_WORDS),
        ),
        Requirement(
            id="stt.order",
            text="An utterance is its beginning, its partials and its final, once each in this "
            "order; no partial comes before its beginning or after its final.",
            implies=("stt.hears", "stt.partials", "stt.gives-up", *_BY_WORDS),
        ),
        Requirement(
            id="stt.partials",
            text="A backend that tells partials tells what is being said before it is over; they "
            "are not empty, and no two in a row are the same.",
        ),
        Requirement(
            id="stt.quiet",
            text="Silence is nothing: no event comes of it.",
            implies=("stt.ends",),
        ),
        Requirement(
            id="stt.ends",
            text="The end of the audio ends what was begun: its final is there before the stream "
            "is over, and a stream without audio ends without an event.",
        ),
        Requirement(
            id="stt.times",
            text="A final says for how long the caller is silent by then, which is not longer "
            "than the silence that came, and how sure it is between 0 and 1, or nothing.",
        ),
        Requirement(
            id="stt.format",
            text="The declared input is telephone audio that the kernel can make (µ-law or PCM at "
            "8 or 16 kHz), and the vendor is sent every frame as it came, in order.",
            implies=("stt.hears", *_BY_WORDS),
        ),
        Requirement(
            id="stt.patient",
            text="While the sink takes no more nothing is written, and nothing is lost by that.",
        ),
        Requirement(
            id="stt.cancel",
            text="A cancelled stream stops at once: nothing more is written, no connection is "
            "left, and the next stream is heard whole.",
        ),
        Requirement(
            id="stt.unmixed",
            text="Streams that are heard at once are heard each by itself.",
        ),
        Requirement(
            id="stt.credentials",
            text="Credentials that the vendor does not accept raise a SpeechError before any "
            "event, which is not retryable and names the key to set.",
        ),
        Requirement(
            id="stt.retryable",
            text="Too many requests, a broken vendor and one that cannot be reached raise a "
            "SpeechError, which is retryable.",
        ),
        Requirement(
            id="stt.refused",
            text="A request that the vendor refuses raises a SpeechError, which is not retryable.",
        ),
        Requirement(
            id="stt.reconnects",
            text="A connection that is lost in the middle of an utterance is replaced, the "
            "utterance is heard whole and once, and the log says so.",
            implies=("stt.away", "stt.gives-up"),
        ),
        Requirement(
            id="stt.away",
            text="While the vendor is away a bounded amount of audio waits, 30 s at most, of which "
            "the oldest is dropped and counted; what is said once it is back is heard.",
        ),
        Requirement(
            id="stt.gives-up",
            text="When no connection can be had again, what was begun gets its final, and a "
            "retryable SpeechError tells the kernel.",
        ),
        Requirement(
            id="stt.unreadable",
            text="A message that cannot be read is passed over; the log counts it (`skipped`), "
            "and what is said is heard.",
            level=Level.ROBUST,
        ),
        Requirement(
            id="stt.silent",
            text="Neither an error's message nor the log holds a secret or what is said, also when "
            "the vendor's own words do.",
            level=Level.ROBUST,
        ),
        *package_rules("stt"),
    )
}
"""Every rule by its id, in the order of the manual."""
