"""What does Tailscale serve on this machine, and which of it is ours?

Read from `tailscale serve status --json`, which is ``ipn.ServeConfig``; source:
https://github.com/tailscale/tailscale, ipn/serve.go.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Mount:
    """``https://host:port/path`` leads to `target`, a URL or what else is served there."""

    host: str
    port: int
    path: str
    target: str

    def __str__(self) -> str:
        port = "" if self.port == 443 else f":{self.port}"
        return f"https://{self.host}{port}{self.path} ({self.target})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """All of it.

    Args:
        mounts: of the background configuration.
        funnels: names and ports that are open to the internet.
        reserved: ports with something else than https in the background, or with anything in a
            session in the foreground → what that is.
    """

    mounts: frozenset[Mount]
    funnels: frozenset[tuple[str, int]]
    reserved: tuple[tuple[int, str], ...]

    def others(self, port: int, ours: Collection[Mount]) -> list[str]:
        """What is on `port`, under whatever name, that is not among `ours`."""
        web = [str(each) for each in sorted(self.mounts) if each.port == port and each not in ours]
        return [*web, *(what for at, what in self.reserved if at == port)]

    def is_funnel(self, host: str, port: int) -> bool:
        """Whether the internet gets in there."""
        return (host, port) in self.funnels


def read_serving(document: object) -> Serving:
    """What `document` says; nothing at all is served when it is null."""
    config = _mapping(document)
    sessions = [_mapping(each) for each in _mapping(config.get("Foreground")).values()]
    return Serving(
        mounts=frozenset(_mounts(config)),
        funnels=frozenset(
            _host_port(name) for name, on in _mapping(config.get("AllowFunnel")).items() if on
        ),
        reserved=(*_forwards(config), *(each for one in sessions for each in _session(one))),
    )


def _mounts(config: Mapping[str, Any]) -> Iterator[Mount]:
    for name, server in _mapping(config.get("Web")).items():
        host, port = _host_port(name)
        for path, handler in _mapping(_mapping(server).get("Handlers")).items():
            yield Mount(host=host, port=port, path=path, target=_target(_mapping(handler)))


def _target(handler: Mapping[str, Any]) -> str:
    """A proxy's URL; of what else may be served only the kind."""
    proxy = handler.get("Proxy")
    if isinstance(proxy, str) and set(handler) == {"Proxy"}:
        return proxy
    return " and ".join(sorted(key.lower() for key in handler)) or "nothing"


def _forwards(config: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    for port, handler in _mapping(config.get("TCP")).items():
        if not _mapping(handler).get("HTTPS") and port.isdigit():
            yield int(port), f"port {port} (TCP or plain HTTP)"


def _session(config: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    for port in _mapping(config.get("TCP")):
        if port.isdigit():
            yield int(port), f"port {port} (a session in the foreground)"


def _host_port(name: str) -> tuple[str, int]:
    host, _, port = name.rpartition(":")
    return host.lower(), int(port) if port.isdigit() else 0


def _mapping(found: object) -> Mapping[str, Any]:
    return found if isinstance(found, Mapping) else {}
