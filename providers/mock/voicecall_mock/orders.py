"""What is said over the network's REST interface? The bodies, the same for both sides."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import anyio
import msgspec

ADDRESS_FILE = "mock-network.json"


class Registration(msgspec.Struct, rename="camel", frozen=True, forbid_unknown_fields=True):
    """A gateway makes itself known: ``POST /v1/gateways``. Repeating it changes the entry.

    `webhook_url` gets inbound calls; `phones` are scripts as in `mock.phones`.
    """

    gateway_id: str
    secret: str
    webhook_url: str
    time_scale: float
    numbers: tuple[str, ...] = ()
    phones: dict[str, Any] = {}
    default_phone: dict[str, Any] | None = None


class PlaceOrder(msgspec.Struct, rename="camel", frozen=True, forbid_unknown_fields=True):
    """Dial: ``POST /v1/calls``. The same `order_id` again gives the same call again."""

    order_id: str
    to_number: str
    callback_url: str
    ring_timeout_seconds: float
    max_duration_seconds: float
    from_number: str | None = None
    dtmf_sequence: str | None = None
    detect_machine: bool = False


class DialOrder(msgspec.Struct, rename="camel", frozen=True, forbid_unknown_fields=True):
    """A phone calls a gateway: ``POST /v1/dial``."""

    from_number: str
    to_number: str


class Line(msgspec.Struct, rename="camel", frozen=True):
    """One line of what was said and done at a phone.

    `at` is seconds since it was answered; `speaker` is ``phone`` or ``us`` (the gateway's
    side); `kind` is ``said``, ``heard``, ``pressed``, ``digits`` or ``note``.
    """

    at: float
    speaker: str
    kind: str
    text: str


class CallView(msgspec.Struct, rename="camel", frozen=True, omit_defaults=True):
    """A call as the network tells it: ``GET /v1/calls/<id>``.

    `id` may be the network's or the gateway's own; `state` is ``ringing``, ``answered`` or
    ``ended``.
    """

    id: str
    state: str
    direction: str
    order_id: str | None = None
    cause: str | None = None
    ended_by: str | None = None
    detail: str | None = None
    transferred_to: str | None = None
    recording: str | None = None
    lines: tuple[Line, ...] = ()


class LedgerEntry(msgspec.Struct, rename="camel", frozen=True):
    """One order that reached the network: how often it was received, how often dialled."""

    order_id: str
    id: str
    received: int
    dialled: int


class NetworkAddress(msgspec.Struct, rename="camel", frozen=True):
    """Where the network is and who we are there; kept in the state directory, mode 0600."""

    url: str
    gateway_id: str
    secret: str


def read_address(state_dir: Path) -> NetworkAddress | None:
    """The address that a provider wrote here, None when there is none."""
    try:
        return msgspec.json.decode((state_dir / ADDRESS_FILE).read_bytes(), type=NetworkAddress)
    except (OSError, msgspec.MsgspecError):
        return None


async def write_address(state_dir: Path, address: NetworkAddress) -> None:
    """Keep `address` for the next start and for `voicecall mock dial`."""
    target = anyio.Path(state_dir / ADDRESS_FILE)
    draft = anyio.Path(state_dir / f"{ADDRESS_FILE}.new")
    await draft.unlink(missing_ok=True)
    await draft.touch(mode=0o600)
    await draft.write_bytes(msgspec.json.encode(address))
    await draft.replace(target)


def plain(model: Any) -> dict[str, Any]:
    """A configuration section as the JSON that it was read from, set keys only."""
    parsed: dict[str, Any] = json.loads(model.model_dump_json(by_alias=True, exclude_unset=True))
    return parsed
