"""Is a text a usable public URL, and what is its one normal form?"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import SplitResult, quote, urlsplit

import idna

_DEFAULT_PORTS = {"https": 443, "http": 80}
_HOST = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9_-]{1,63}(?<!-))*")
_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f-\xa0\\]")
_PATH_CHARACTERS = "/%:@!$&'()*+,;=~"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicUrl:
    """A URL without query, fragment and user: ``https://`` `authority` `path`.

    `authority` is ASCII, without the scheme's own port; `path` is empty or begins with ``/``
    and does not end in one.
    """

    secure: bool
    authority: str
    path: str

    def __str__(self) -> str:
        return f"{'https' if self.secure else 'http'}://{self.authority}{self.path}"


def parse_public_url(text: str) -> PublicUrl:
    """The normal form of `text`.

    Raises:
        ValueError: it is no URL that a carrier can be given; the message says why, and never
            repeats what might be a password.
    """
    parts = _split(text)
    host = _host(parts)
    secure = parts.scheme == "https"
    if not secure and not _is_loopback(host):
        raise ValueError(
            f"must begin with https://; http:// is for loopback only, not for {host!r}"
        )
    port = _port(parts)
    bracketed = f"[{host}]" if ":" in host else host
    suffix = f":{port}" if port not in (None, _DEFAULT_PORTS[parts.scheme]) else ""
    return PublicUrl(secure=secure, authority=bracketed + suffix, path=_path(parts))


def _split(text: str) -> SplitResult:
    if _UNPRINTABLE.search(text):
        raise ValueError("must not contain spaces, backslashes or control characters")
    try:
        parts = urlsplit(text)
    except ValueError as error:
        raise ValueError("is not a URL; write it like https://voice.example.com") from error
    if parts.scheme not in _DEFAULT_PORTS or not parts.netloc:
        raise ValueError("must be a whole URL such as https://voice.example.com/voice/webhook")
    if "@" in parts.netloc:
        raise ValueError("must not hold a user or password")
    if "?" in text:
        raise ValueError("must not have a query; carriers' queries are added to it")
    if "#" in text:
        raise ValueError("must not have a fragment (#...)")
    return parts


def _host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    if ":" in host:
        return str(_address(host))
    if not host.isascii():
        host = _to_ascii(host)
    host = host.removesuffix(".")
    if not _HOST.fullmatch(host) or len(host) > 253:
        raise ValueError(f"has no valid host name: {host!r}")
    # A name whose last label is a number is an IPv4 address or a mistake.
    return str(_address(host)) if host.rpartition(".")[2].isdigit() else host


def _address(host: str) -> object:
    try:
        return ip_address(host)
    except ValueError as error:
        raise ValueError(f"has no valid address: {host!r}") from error


def _to_ascii(host: str) -> str:
    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except idna.IDNAError as error:
        raise ValueError(f"has no valid host name: {host!r}") from error


def _port(parts: SplitResult) -> int | None:
    try:
        port = parts.port
    except ValueError as error:
        raise ValueError("has no valid port; it must be 1 to 65535") from error
    if port == 0 or parts.netloc.endswith(":"):
        raise ValueError("has no valid port; it must be 1 to 65535")
    return port


def _path(parts: SplitResult) -> str:
    path = quote(parts.path, safe=_PATH_CHARACTERS)
    if any(segment in (".", "..") for segment in path.split("/")):
        raise ValueError("must not have '.' or '..' in its path")
    return path.rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
