"""What does the author of a voice-activity detector subclass? `VadConformance`, every rule."""

from __future__ import annotations

import numpy as np

from voicecall.sdk import PCM16_8K
from voicecall_conformance.rules import RuleBroken, equal, hold, refused, ruling
from voicecall_conformance.sealed import Sealed
from voicecall_conformance.speech.package import package_suite
from voicecall_conformance.speech.sounds import SOUNDS, frames, line_noise, quiet
from voicecall_conformance.speech.vad.rig import VadRig, vad_rig, voiced
from voicecall_conformance.speech.vad.rulebook import VAD

rule = ruling(VAD, vad_rig)

SOON = 6
"""Frames within which a voice is heard: 120 ms."""
EARLY = 5
"""Frames by which a voice may be heard before it is loud: a breath, an S."""
LATE = 20
"""Frames after its end in which it still may be: 400 ms."""
MOST = 0.7
"""The share of a sentence that is speech; between words there is none."""
SOME = 0.1
"""The share that a detector which gets to know a noise may take for speech."""
QUIET_VOICE = 0.2
"""-35 dBFS."""
LENGTHS = (0, 1, 160, 318, 319, 321, 322, 640)
EXTREMES = {
    "the loudest square": np.repeat([32767, -32768], 80),
    "a constant": np.full(160, 32767),
    "the lowest sample": np.full(160, -32768),
    "a single click": np.eye(1, 160)[0] * 32767,
    "alternation": np.tile([32767, -32768], 80),
    "the smallest noise": np.tile([1, -1], 80),
}


class VadConformance(package_suite("vad", rule), Sealed):  # type: ignore[misc]
    """Every rule that a voice-activity detector keeps, as tests::

        class TestAcme(VadConformance):
            harness_type = AcmeHarness

    A rule that cannot be kept is a `Deviation` of the harness; a test is never overridden.
    """

    @rule("vad.voice")
    async def test_a_voice_is_speech(self, rig: VadRig) -> None:
        for loudness in (1.0, QUIET_VOICE):
            clip = await rig.voice(loudness)
            found = rig.shown(clip)
            first, last = voiced(clip)
            hold(any(found), f"a voice of {loudness:g} is not heard")
            begin = found.index(True)
            hold(
                first - EARLY <= begin <= first + SOON,
                f"a voice that begins in frame {first} is heard from {begin} on",
            )
            share = sum(found[begin : last + 1]) / (last + 1 - begin)
            hold(share >= MOST, f"{share:.0%} of a sentence is speech")

    @rule("vad.pauses")
    async def test_a_pause_is_no_speech_and_what_follows_is(self, rig: VadRig) -> None:
        clip = await rig.voice()
        first, last = voiced(clip)
        found = rig.shown([*clip, *clip])
        for start in (0, len(clip)):
            hold(any(found[start + first : start + last]), "what was said is not heard")
            until = found[start + last : start + len(clip)]
            lasts = len(until) - until[::-1].index(True) if any(until) else 0
            hold(lasts <= LATE, f"it lasts for {lasts} frames after its end")

    @rule("vad.silence")
    async def test_silence_is_no_speech(self, rig: VadRig) -> None:
        stream = rig.live.stream()
        silence = quiet(PCM16_8K, 2.0)
        equal("speech in silence", sum(rig.shown(silence, stream)), 0)
        rig.shown(await rig.voice(), stream)
        equal("speech in later silence", sum(rig.shown(silence, stream)), 0)

    @rule("vad.noise")
    async def test_the_hiss_of_a_line_is_no_speech(self, rig: VadRig) -> None:
        _is_no_speech(rig, "hiss", line_noise())

    @rule("vad.sounds")
    async def test_what_is_no_voice_is_no_speech(self, rig: VadRig) -> None:
        for name, sound in SOUNDS.items():
            _is_no_speech(rig, name, sound())

    @rule("vad.length")
    async def test_a_frame_of_another_length_is_refused(self, rig: VadRig) -> None:
        clip = await rig.voice()
        alone = rig.shown(clip)
        stream = rig.live.stream()
        rig.shown(clip[:100], stream)
        for length in LENGTHS:
            with refused(ValueError, f"a frame of {length} bytes") as caught:
                stream.is_speech(bytes(length))
            for named in (length, PCM16_8K.frame_bytes):
                hold(str(named) in str(caught[0]), f"{named} is not named in: {caught[0]}")
        equal("what is found after them", rig.shown(clip[100:], stream), alone[100:])

    @rule("vad.any")
    async def test_any_samples_are_answered(self, rig: VadRig) -> None:
        stream = rig.live.stream()
        for name, samples in EXTREMES.items():
            frame = samples.astype("<i2").tobytes()
            for _ in range(5):
                answer = stream.is_speech(frame)
                if not isinstance(answer, bool):
                    raise RuleBroken(f"{name} is answered with {answer!r}")

    @rule("vad.apart")
    async def test_streams_do_not_change_one_another(self, rig: VadRig) -> None:
        clip = await rig.voice()
        other = frames(SOUNDS["loud hiss"](), PCM16_8K)
        alone = rig.shown(clip)
        one, beside = rig.live.stream(), rig.live.stream()
        found = []
        for number, frame in enumerate(clip):
            beside.is_speech(other[number % len(other)])
            found.append(one.is_speech(frame))
        equal("what is found beside another stream", found, alone)
        equal("what is found in a new stream", rig.shown(clip), alone)


def _is_no_speech(rig: VadRig, name: str, sound: bytes) -> None:
    found = rig.shown(frames(sound, PCM16_8K))
    share = sum(found) / len(found)
    hold(share <= SOME, f"{share:.0%} of {name} is speech")
