"""Is an address one of the public internet? Asked before we connect to where others point us."""

from __future__ import annotations

import ipaddress
import socket
from contextlib import suppress
from threading import Thread

import anyio
from anyio import from_thread
from anyio.lowlevel import current_token

_CARRIER_GRADE_NAT = ipaddress.ip_network("100.64.0.0/10")


def is_public(address: str) -> bool:
    """Whether the IP `address` is reachable from everywhere and belongs to one host.

    Not public are loopback, private, link-local, shared (carrier-grade NAT), multicast and
    reserved ones, also when they are wrapped into IPv6 (mapped, 6to4, NAT64, Teredo).
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = _wrapped(ip)
        if inner is not None:
            return is_public(str(inner))
    elif ip in _CARRIER_GRADE_NAT:
        return False
    return ip.is_global and not ip.is_multicast


def sender(address: str) -> str:
    """Who has the IP `address`, for counting: in IPv6 the /64, in which one host may take any."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv4Address) or ip.ipv4_mapped or ip.is_loopback:
        return address
    return str(ipaddress.ip_network((ip, 64), strict=False))


async def resolve(host: str, port: int) -> list[str]:
    """The addresses of `host`, in the system's order of preference.

    A name server that says nothing keeps neither a cancelled caller nor the end of the process.

    Raises:
        OSError: the name does not resolve.
    """
    outcome: list[list[str] | OSError] = []
    there, token = anyio.Event(), current_token()

    def look_up() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            outcome.append(list(dict.fromkeys(str(entry[4][0]) for entry in found)))
        except (OSError, UnicodeError) as error:
            outcome.append(error if isinstance(error, OSError) else OSError(str(error)))
        with suppress(RuntimeError):  # the event loop is gone
            from_thread.run_sync(there.set, token=token)

    # anyio's own threads would be waited for when the interpreter ends.
    Thread(target=look_up, name=f"resolve {host}", daemon=True).start()
    await there.wait()
    if isinstance(outcome[0], OSError):
        raise outcome[0]
    return outcome[0]


def _wrapped(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if ip in ipaddress.ip_network("64:ff9b::/96"):
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
