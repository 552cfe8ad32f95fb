"""Which rules does a TTS backend keep?"""

from __future__ import annotations

from voicecall_conformance.rulebook.requirement import Level, Requirement
from voicecall_conformance.speech.package import package_rules

TTS: dict[str, Requirement] = {
    requirement.id: requirement
    for requirement in (
        Requirement(
            id="tts.speaks",
            text="A text becomes audio as long as a person would about take, and its vendor is "
            "asked for every word of it once; more text is longer audio.",
            implies=("tts.samples", "tts.whole"),
        ),
        Requirement(
            id="tts.format",
            text="All audio of all utterances has one format, with a rate of 8000 to 48000 Hz.",
        ),
        Requirement(
            id="tts.samples",
            text="Audio comes in whole samples and no piece is empty, however the vendor cuts it.",
        ),
        Requirement(
            id="tts.whole",
            text="Every sample that the vendor made is heard, unchanged and in its order.",
            implies=("tts.samples",),
        ),
        Requirement(
            id="tts.long",
            text="A text longer than anybody says at once is spoken whole, in its order, in as "
            "many requests as the vendor wants it in.",
        ),
        Requirement(
            id="tts.text",
            text="Whatever stands in a text (markup, emoji, another script, control characters, "
            "half a letter, one long word) is spoken or left out; it is no error and no "
            "instruction to the vendor.",
            level=Level.ROBUST,
        ),
        Requirement(
            id="tts.streams",
            text="A long text comes in many pieces, and the first one leaves while the vendor has "
            "not made the last.",
        ),
        Requirement(
            id="tts.patient",
            text="While the sink takes no more nothing is written, and nothing is lost by that.",
        ),
        Requirement(
            id="tts.cancel",
            text="A cancelled utterance stops at once: nothing more is written, the vendor's work "
            "is dropped, and the next utterance is whole.",
        ),
        Requirement(
            id="tts.unmixed",
            text="Utterances that are spoken at once sound as each does alone.",
        ),
        Requirement(
            id="tts.blank",
            text="A text without anything to say makes no sound and no request.",
        ),
        Requirement(
            id="tts.credentials",
            text="Credentials that the vendor does not accept raise a SpeechError before any "
            "audio, which is not retryable and names the key to set.",
        ),
        Requirement(
            id="tts.retryable",
            text="Too many requests, a broken vendor and a lost connection raise a SpeechError "
            "before any audio, which is retryable.",
            implies=("tts.cut",),
        ),
        Requirement(
            id="tts.refused",
            text="A request that the vendor refuses raises a SpeechError before any audio, which "
            "is not retryable.",
        ),
        Requirement(
            id="tts.cut",
            text="A connection that is lost in the middle of the audio raises a retryable "
            "SpeechError after the audio that came; it is never a short utterance, and the plugin "
            "does not begin again from the start.",
        ),
        Requirement(
            id="tts.waits",
            text="A vendor that takes the text and then sends nothing for long raises a retryable "
            "SpeechError, before its first audio and after it.",
        ),
        Requirement(
            id="tts.silent",
            text="Neither an error's message nor the log holds a secret or what is said, also when "
            "the vendor's own words do.",
            level=Level.ROBUST,
        ),
        *package_rules("tts"),
    )
}
"""Every rule by its id, in the order of the manual."""
