"""What might a person have meant by a name that nobody has, and what would install it?"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_DISTRIBUTIONS = {
    "provider": "voicecall-{name}",
    "tts": "voicecall-tts-{name}",
    "stt": "voicecall-stt-{name}",
    "vad": "voicecall-vad-{name}",
    "responder": "voicecall-responder-{name}",
    "exposure": "voicecall-expose-{name}",
    "sink": "voicecall-sink-{name}",
}

KIND_NAMES = {
    "provider": "provider",
    "tts": "TTS backend",
    "stt": "STT backend",
    "vad": "VAD backend",
    "responder": "responder",
    "exposure": "exposure",
    "sink": "event sink",
}
"""Kind → what a person calls it."""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that `name` is most probably a slip of, or None."""
    by_folded = {candidate.lower(): candidate for candidate in sorted(known)}
    matches = difflib.get_close_matches(name.lower(), by_folded, n=1, cutoff=0.72)
    return by_folded[matches[0]] if matches else None


WAYS = ("-serve", "-funnel")
"""A tunnel may be chosen together with how it is used; its package has the first name only."""


def distribution_name(kind: str, name: str) -> str:
    """The distribution that by convention holds plugin `name` of `kind`."""
    if kind == "exposure":
        name = next((name.removesuffix(way) for way in WAYS if name.endswith(way)), name)
    return _DISTRIBUTIONS[kind].format(name=name.replace("_", "-"))


def install_command(kind: str, name: str) -> str:
    """The shell command that installs plugin `name` of `kind`."""
    return f"pip install {distribution_name(kind, name)}"
