"""What must no line of ours say, whoever worded it? Secrets that were read, and whole numbers.

Secrets are typed, and nothing of ours prints them. This is for the words of others: an exception
of a library, a vendor's answer, a traceback.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from urllib.parse import quote

from voicecall.model.phone import hide_numbers

SHORTEST = 8
"""Characters. A shorter secret is also part of innocent words, which would tell where it is."""
MASK = "**********"

_USER_OF_URL = re.compile(r"(?<=://)[^\s/@?#'\"]+(?=@)")
"""User and password in a URL."""


class Hiding:
    """Takes secrets out of text."""

    def __init__(self) -> None:
        self._forms: tuple[str, ...] = ()

    def remember(self, secret: str) -> str:
        """Never let `secret` be said from now on; gives it back."""
        if secret not in self._forms:
            longest_first = sorted({*self._forms, *_forms(secret)}, key=len, reverse=True)
            self._forms = tuple(longest_first)
        return secret

    def secrets(self, text: str) -> str:
        """`text` without any secret, and without the user and password of a URL."""
        for form in self._forms:
            if form in text:
                text = text.replace(form, MASK)
        return _USER_OF_URL.sub(MASK, text) if "@" in text else text

    def private(self, text: str) -> str:
        """`text` without any secret and without whole phone numbers."""
        return hide_numbers(self.secrets(text))


hiding = Hiding()
"""Of this process; what reads a secret tells it."""


def _forms(secret: str) -> Iterator[str]:
    """How `secret` is written by those who quote it."""
    for text in {secret, secret.strip()}:
        if len(text) >= SHORTEST:
            escaped = repr(text.encode())[2:-1]
            yield from (text, json.dumps(text)[1:-1], repr(text)[1:-1], escaped)
            yield from (json.dumps(escaped)[1:-1], quote(text, safe=""))
