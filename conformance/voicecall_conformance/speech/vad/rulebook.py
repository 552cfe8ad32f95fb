"""Which rules does a voice-activity detector keep?"""

from __future__ import annotations

from voicecall_conformance.rulebook.requirement import Level, Requirement
from voicecall_conformance.speech.package import package_rules

_BY_STREAM = ("voice", "pauses", "silence", "noise", "sounds", "length")
"""Rules that show one stream after another."""

VAD: dict[str, Requirement] = {
    requirement.id: requirement
    for requirement in (
        Requirement(
            id="vad.voice",
            text="A voice, loud or quiet, is speech from 120 ms after it begins at the latest, and "
            "for the most part until it ends.",
            implies=("vad.pauses",),
        ),
        Requirement(
            id="vad.pauses",
            text="A voice that stops is no speech any more after 400 ms, and what it says after a "
            "pause is speech again.",
            implies=("vad.voice", "vad.noise", "vad.sounds"),
        ),
        Requirement(
            id="vad.silence",
            text="Silence is never speech, at the beginning of a stream or later.",
            implies=("vad.pauses",),
        ),
        Requirement(
            id="vad.noise",
            text="The hiss of a telephone line is no speech, but for a tenth while it is new.",
        ),
        Requirement(
            id="vad.sounds",
            text="Traffic, loud hiss, hum, music, clicks and the tones of the telephone are no "
            "speech, but for a tenth while they are new.",
            level=Level.ROBUST,
        ),
        Requirement(
            id="vad.length",
            text="A frame that is not 320 bytes long raises a ValueError that names both lengths, "
            "and changes nothing.",
        ),
        Requirement(
            id="vad.any",
            text="Any 160 samples are answered with True or False.",
        ),
        Requirement(
            id="vad.apart",
            text="Streams do not change one another, and a new one knows nothing of old ones: the "
            "same audio is found the same.",
            implies=tuple(f"vad.{name}" for name in _BY_STREAM),
        ),
        *package_rules("vad"),
    )
}
"""Every rule by its id, in the order of the manual."""
