"""What things are called: opaque text ids that a type checker keeps apart."""

from __future__ import annotations

import secrets
import uuid
from typing import NewType

CallId = NewType("CallId", str)
"""Ours, a uuid; made before the carrier is asked to dial."""

CarrierCallId = NewType("CarrierCallId", str)
"""The carrier's id of a call; may contain ``:`` and ``/``. A call can get a second one."""

TurnToken = NewType("TurnToken", str)
"""Names one listening turn, so that a stale answer cannot satisfy a newer turn."""

StreamToken = NewType("StreamToken", str)
"""Admits one media socket once."""


def new_call_id() -> CallId:
    """A fresh call id."""
    return CallId(str(uuid.uuid4()))


def new_turn_token() -> TurnToken:
    """A fresh turn token, 96 bits, safe in a URL."""
    return TurnToken(secrets.token_urlsafe(12))


def new_stream_token() -> StreamToken:
    """A fresh stream token, 256 bits, safe in a URL path."""
    return StreamToken(secrets.token_urlsafe(32))
