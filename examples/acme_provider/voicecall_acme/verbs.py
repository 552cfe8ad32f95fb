"""How does Acme word what it is told to do with a call? In verbs, JSON objects; pure.

https://docs.acme.example/verbs
"""

from __future__ import annotations

from typing import Any

from voicecall.sdk import (
    Answer,
    Capability,
    CapabilityMissing,
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
    Transfer,
)

Verb = dict[str, Any]


def verb(instruction: Instruction, *, voice: str) -> Verb:
    """The verb for `instruction`; `voice` speaks where it names none.

    Raises:
        CapabilityMissing: Acme has no such verb.
    """
    match instruction:
        case Answer():
            return {"verb": "answer"}
        case Reject(reason=reason):
            return {"verb": "reject", "busy": reason == "busy"}
        case Say(text=text, turn=turn, language=language):
            chosen = instruction.voice or voice
            return {
                "verb": "say",
                "text": text,
                "voice": chosen,
                "language": language,
                "turn": turn,
            }
        case StopSpeaking():
            return {"verb": "hush"}
        case Play(url=url):
            return {"verb": "play", "url": url}
        case Gather(turn=turn, timeout_seconds=seconds, language=language, digits=digits):
            return {
                "verb": "listen",
                "turn": turn,
                "seconds": seconds,
                "language": language,
                "keys": digits,
            }
        case OpenStream(url=url):
            return {"verb": "stream", "url": url}
        case SendDigits(digits=digits):
            return {"verb": "press", "keys": digits}
        case Pause(seconds=seconds):
            return {"verb": "wait", "seconds": seconds}
        case HangUp():
            return {"verb": "hang-up"}
        case Transfer():
            raise CapabilityMissing(Capability.TRANSFER, plugin="acme")
