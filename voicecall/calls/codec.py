"""How an event is written down: JSON under its class name, readable by later versions.

A reader ignores fields that it does not know and gives missing ones their default, so a field
may be added to an event in any release; a field may never change its meaning.
"""

from __future__ import annotations

import msgspec

from voicecall.errors import StoreError
from voicecall.model.call_events import STORED_EVENTS, CallEvent

_KINDS = {kind.__name__: kind for kind in STORED_EVENTS}
_DECODERS = {name: msgspec.json.Decoder(kind) for name, kind in _KINDS.items()}
_ENCODER = msgspec.json.Encoder()


def kind_of(event: CallEvent) -> str:
    """The name under which `event` is stored: its class name.

    Raises:
        StoreError: events of this class are published only, never stored.
    """
    name = type(event).__name__
    if name not in _KINDS:
        raise StoreError(f"a {name} is never stored; publish it only (see STORED_EVENTS)")
    return name


def encode(event: CallEvent) -> bytes:
    """`event` as one JSON object in UTF-8, all fields, without its kind.

    What it returns can be decoded: that is tried, because a stored event that cannot be read
    again would keep a gateway from starting.

    Raises:
        StoreError: not a stored kind, or a field holds what its type does not allow: lone
            surrogates in a text, a time that is not finite.
    """
    kind = kind_of(event)
    try:
        body = _ENCODER.encode(event)
        _DECODERS[kind].decode(body)
    except (UnicodeEncodeError, msgspec.MsgspecError, TypeError, ValueError) as error:
        # The library's message may quote the text, and a transcript must not reach a log.
        raise StoreError(
            f"{kind} number {event.number} of call {event.call_id!r} cannot be written as JSON "
            f"({type(error).__name__}): its text must be valid Unicode, its times finite"
        ) from None
    return body


def decode(kind: str, body: bytes) -> CallEvent:
    """The event that was encoded to `body` under the name `kind`.

    Raises:
        StoreError: unknown kind, or a body that is not an event of that kind.
    """
    decoder = _DECODERS.get(kind)
    if decoder is None:
        raise StoreError(
            f"the store holds an event of the unknown kind {kind!r}; "
            "use the version of voicecall that wrote it, or a newer one"
        )
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise StoreError(
            f"a stored {kind} cannot be read: its JSON is damaged or of another version; "
            "restore the store from a backup, or use the version of voicecall that wrote it"
        ) from None
