"""How does a service manager learn how the gateway is? Datagrams as sd_notify(3) sends them."""

from __future__ import annotations

import os
import socket
import time
from contextlib import suppress


def notify(*lines: str) -> None:
    """Tell `lines`, like ``READY=1``, to who started us with ``NOTIFY_SOCKET``; else to nobody.

    A manager that does not listen is no reason for a gateway to stop.
    """
    address = os.environ.get("NOTIFY_SOCKET")
    if not address or address[0] not in "/@":
        return
    path = "\0" + address[1:] if address.startswith("@") else address
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        sender.sendto("\n".join(lines).encode(), path)


def ready(status: str) -> None:
    """The gateway takes calls, `status` says where."""
    notify("READY=1", f"STATUS={status}")


def reloading() -> None:
    """The configuration is being read again; `ready` follows, whatever comes of it."""
    microseconds = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    notify("RELOADING=1", f"MONOTONIC_USEC={microseconds}")


def stopping() -> None:
    """Calls may still finish; new ones are refused."""
    notify("STOPPING=1", "STATUS=draining")
