"""What does the caller of a bench say? Frames that a stub of speech recognition knows at once.

Standard library only: the peers run it in environments of their own. A frame is 20 ms of µ-law at
8000 Hz, all of one byte, so that it survives every way of decoding it.
"""

from __future__ import annotations

SILENCE = b"\xff" * 160
SPEECH = b"\x10" * 160
"""The caller begins to speak, with words."""
END = b"\x90" * 160
"""The caller has ended: the backend's final transcript comes with this frame."""
REPLY_SECONDS = 2.0
GREETING_SECONDS = 0.4
SAMPLE = 8000
"""The amplitude of every second sample of what we say, in 16-bit PCM."""


def tone(seconds: float) -> bytes:
    """16-bit PCM at 8000 Hz."""
    pair = SAMPLE.to_bytes(2, "little", signed=True) + (-SAMPLE).to_bytes(2, "little", signed=True)
    return pair * int(seconds * 4000)
