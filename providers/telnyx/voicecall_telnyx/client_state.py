"""What does Telnyx repeat in every event of a leg? Our `client_state`: whose call, which turns.

Telnyx keeps one state a leg, that of the last command that brought one, and copies it into every
event from then on (developers.telnyx.com, *Receiving webhooks for Voice API*).
"""

from __future__ import annotations

import base64
import binascii

import msgspec

from voicecall.sdk import CallId, TurnToken

TRANSFERRED = "transferred"


class ClientState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The state of one leg.

    Args:
        call: our call id.
        secret: the call's own secret.
        say: the turn of what is being spoken.
        listen: the turn that is listened to.
        up: whether the call had been answered when the state was set.
        leg: `TRANSFERRED` on a leg that Telnyx dialled to hand a caller on.
    """

    call: CallId | None = None
    secret: str | None = None
    say: TurnToken | None = None
    listen: TurnToken | None = None
    up: bool = False
    leg: str | None = None


def write_state(state: ClientState) -> str:
    """`state` as Telnyx takes it: base64."""
    return base64.b64encode(msgspec.json.encode(state)).decode()


def read_state(text: object) -> ClientState | None:
    """The state that an event carries; None when it carries none, or somebody else's."""
    if not isinstance(text, str) or not text:
        return None
    try:
        state = msgspec.json.decode(base64.b64decode(text, validate=True), type=ClientState)
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        return None
    return state if state.call is not None or state.leg is not None else None
