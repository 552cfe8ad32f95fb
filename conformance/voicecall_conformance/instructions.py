"""What of an instruction must survive a carrier, and which capability does it need?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from voicecall.sdk import (
    Answer,
    Capability,
    Gather,
    HangUp,
    Instruction,
    OpenStream,
    Pause,
    Play,
    Reject,
    Say,
    SendDigits,
    StopSpeaking,
    StreamToken,
    Transfer,
    TurnToken,
)
from voicecall_conformance.rig import Rig

NEEDS: Mapping[type[Instruction], Capability] = {
    Answer: Capability.INBOUND,
    Reject: Capability.INBOUND,
    Say: Capability.NATIVE_SPEECH,
    StopSpeaking: Capability.NATIVE_SPEECH,
    Play: Capability.NATIVE_SPEECH,
    Gather: Capability.NATIVE_LISTENING,
    OpenStream: Capability.MEDIA_STREAMS,
    SendDigits: Capability.SEND_DIGITS,
    Transfer: Capability.TRANSFER,
}

SAY = Say(text="Good morning.")
GATHER = Gather(turn=TurnToken("turn-7"), timeout_seconds=8)


def samples(rig: Rig) -> tuple[Instruction, ...]:
    """One instruction for every capability that an answered call can be told to use."""
    token = StreamToken("a-stream-token")
    return (
        SAY,
        GATHER,
        SendDigits(digits="1w2#"),
        OpenStream(url=rig.urls.stream(token), token=token),
        Transfer(to="+15550003333"),
    )


def essence(instructions: Iterable[Instruction]) -> list[tuple[object, ...]]:
    """What has to be the same on both sides of the wire."""
    return [_essence(each) for each in instructions]


def _essence(instruction: Instruction) -> tuple[object, ...]:
    name = type(instruction).__name__
    match instruction:
        case Say(text=text):
            return (name, text)
        case Gather(turn=turn):
            return (name, turn)
        case Play(url=url) | OpenStream(url=url):
            return (name, url)
        case SendDigits(digits=digits):
            return (name, digits)
        case Transfer(to=to):
            return (name, to)
        case Pause(seconds=seconds):
            return (name, seconds)
        case Reject(reason=reason):
            return (name, reason)
        case Answer() | HangUp() | StopSpeaking():
            return (name,)
