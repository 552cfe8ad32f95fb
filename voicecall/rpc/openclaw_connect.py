"""Who is let in through the gateway WebSocket, and what is a client told that is?

Source: https://docs.openclaw.ai/gateway/protocol
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import msgspec

from voicecall import __version__
from voicecall.rpc.auth import Doorkeeper
from voicecall.rpc.faults import Fault
from voicecall.rpc.openclaw_device import SignedConnect, refuse_device
from voicecall.rpc.openclaw_frames import Request, event, invalid
from voicecall.rpc.wire import JsonObject

PROTOCOLS = (3, 4)
"""Of March and of September 2026; a client's `maxProtocol` must be one of them."""

ROLE = "operator"
EVENTS = ("connect.challenge", "tick", "shutdown", "voicecall.call", "voicecall.transcript")
CHALLENGE = EVENTS[0]

POLICY_VIOLATION = 1008
PROTOCOL_ERROR = 1002

_NonEmpty = Annotated[str, msgspec.Meta(min_length=1)]
_Protocol = Annotated[int, msgspec.Meta(ge=1)]


class _Client(msgspec.Struct, rename="camel"):
    id: _NonEmpty
    version: _NonEmpty
    platform: _NonEmpty
    mode: _NonEmpty
    device_family: str | None = None


class _Auth(msgspec.Struct):
    token: str | None = None
    password: str | None = None


class _Device(msgspec.Struct, rename="camel"):
    id: _NonEmpty
    public_key: _NonEmpty
    signature: _NonEmpty
    signed_at: int
    nonce: _NonEmpty


class _Connect(msgspec.Struct, rename="camel"):
    min_protocol: _Protocol
    max_protocol: _Protocol
    client: _Client
    role: _NonEmpty = ROLE
    scopes: list[str] | None = None
    auth: _Auth | None = None
    device: _Device | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a client must keep to, as the hello tells it; bytes and milliseconds."""

    max_payload: int
    max_buffered_bytes: int
    tick_interval_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """A client that is let in."""

    request_id: str
    protocol: int
    scopes: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A client that is not: what it is answered, and how its socket is closed then."""

    fault: Fault
    close_code: int = POLICY_VIOLATION


def challenge(nonce: str, now: float) -> str:
    """The first frame of every connection. `now` in seconds since the epoch."""
    return event(CHALLENGE, {"nonce": nonce, "ts": int(now * 1000)})


def admit(
    request: Request, *, doorkeeper: Doorkeeper, nonce: str, now: float
) -> Admission | Rejection:
    """Decide about a connection's first request.

    Args:
        request: should be ``connect``.
        doorkeeper: knows the secrets.
        nonce: of this connection's challenge.
        now: seconds since the epoch.
    """
    if request.method != "connect":
        return Rejection(fault=invalid("invalid handshake: first request must be connect"))
    try:
        wish = msgspec.convert(request.params, _Connect)
    except msgspec.ValidationError as error:
        return Rejection(fault=invalid(f"invalid connect params: {error}"))
    rejection = (
        _refuse_protocol(wish)
        or _refuse_secrets(wish, doorkeeper)
        or _refuse_proof(wish, nonce, now)
    )
    if rejection is not None:
        return rejection
    scopes = [scope for scope in wish.scopes or () if scope]
    return Admission(request_id=request.id, protocol=wish.max_protocol, scopes=scopes)


def hello(
    admission: Admission,
    *,
    conn_id: str,
    methods: Sequence[str],
    health: JsonObject,
    uptime_ms: int,
    policy: Policy,
) -> JsonObject:
    """The payload that answers ``connect``.

    Clients of protocol 3 take an `auth` in it for a device token of their own, so only those of
    protocol 4 get one.
    """
    payload: JsonObject = {
        "type": "hello-ok",
        "protocol": admission.protocol,
        "server": {"version": __version__, "connId": conn_id},
        "features": {"methods": list(methods), "events": list(EVENTS)},
        "snapshot": {
            "presence": [],
            "health": health,
            "stateVersion": {"presence": 0, "health": 0},
            "uptimeMs": uptime_ms,
        },
        "policy": {
            "maxPayload": policy.max_payload,
            "maxBufferedBytes": policy.max_buffered_bytes,
            "tickIntervalMs": policy.tick_interval_ms,
        },
    }
    if admission.protocol >= 4:
        payload["auth"] = {"role": ROLE, "scopes": list(admission.scopes)}
    return payload


def _refuse_protocol(wish: _Connect) -> Rejection | None:
    if wish.max_protocol not in PROTOCOLS or wish.min_protocol > wish.max_protocol:
        fault = invalid(
            "protocol mismatch",
            code="PROTOCOL_MISMATCH",
            clientMinProtocol=wish.min_protocol,
            clientMaxProtocol=wish.max_protocol,
            expectedProtocol=max(PROTOCOLS),
        )
        return Rejection(fault=fault, close_code=PROTOCOL_ERROR)
    if wish.role != ROLE:
        return Rejection(fault=invalid(f"invalid role; only {ROLE!r} is served here"))
    return None


def _refuse_secrets(wish: _Connect, doorkeeper: Doorkeeper) -> Rejection | None:
    auth = wish.auth or _Auth()
    refusal = doorkeeper.refuse_secrets(auth.token, auth.password)
    if refusal is None:
        return None
    fault = invalid(
        f"unauthorized: {refusal.message}",
        code=refusal.code,
        canRetryWithDeviceToken=False,
        recommendedNextStep="update_auth_credentials",
    )
    return Rejection(fault=fault)


def _refuse_proof(wish: _Connect, nonce: str, now: float) -> Rejection | None:
    device = wish.device
    if device is None:
        return None
    signed = SignedConnect(
        device_id=device.id,
        public_key=device.public_key,
        signature=device.signature,
        signed_at=device.signed_at,
        nonce=device.nonce,
        client_id=wish.client.id,
        client_mode=wish.client.mode,
        role=wish.role,
        scopes=wish.scopes or (),
        token=(wish.auth and wish.auth.token) or "",
        platform=wish.client.platform,
        device_family=wish.client.device_family or "",
    )
    refusal = refuse_device(signed, nonce=nonce, now=now)
    if refusal is None:
        return None
    return Rejection(fault=invalid(refusal.message, code=refusal.code))
