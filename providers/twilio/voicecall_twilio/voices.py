"""Which of Twilio's voices speaks? Its own names as they are; others by the nearest."""

from __future__ import annotations

import logging
import re

_OWN = re.compile(r"(?:Polly|Google)\.[A-Za-z0-9-]+|man|woman|alice")
_NEAREST = {
    "alloy": "Joanna",
    "ash": "Matthew",
    "ballad": "Arthur",
    "cedar": "Gregory",
    "coral": "Danielle",
    "echo": "Joey",
    "fable": "Brian",
    "marin": "Kimberly",
    "nova": "Kendra",
    "onyx": "Stephen",
    "sage": "Ruth",
    "shimmer": "Salli",
    "verse": "Matthew",
}
"""Voices that people have configured for a speech backend → a neural voice much like them."""


_ENGLISH = "Polly.Joanna-Neural"


class Voices:
    """The voice of every `Say`.

    Args:
        configured: where none is asked for, or one that nobody knows.
        logger: told once about each that nobody knows.
    """

    def __init__(self, configured: str | None, logger: logging.Logger) -> None:
        self._configured = configured
        self._logger = logger
        self._unknown: set[str] = set()

    def choose(self, name: str | None, language: str | None) -> str | None:
        """Twilio's name of the voice `name`; None: the one that it has for `language`."""
        english = language is None or language.lower().startswith("en")
        if name and _OWN.fullmatch(name):
            return name
        nearest = _NEAREST.get((name or "").lower())
        if nearest is not None and english:
            return f"Polly.{nearest}-Neural"
        if name and nearest is None and name not in self._unknown:
            self._unknown.add(name)
            self._logger.warning(
                "Twilio has no such voice; twilio.voice speaks instead", extra={"voice": name}
            )
        return self._configured or (_ENGLISH if english else None)
