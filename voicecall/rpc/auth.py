"""Who may use the gateway? Who has the token, and asks from no foreign web page."""

from __future__ import annotations

import hmac
import ipaddress
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

OLD_KEYS_SECONDS = 600.0
"""How long a token or password is still good after another has taken its place."""

_SECRET_NAMES = frozenset({"token", "access_token", "auth", "authorization", "password", "key"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Knock:
    """What of a request decides whether it is let in: header values as they came, in order."""

    hosts: Sequence[str]
    origins: Sequence[str]
    authorizations: Sequence[str]
    query_string: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a request is not let in. `status` is the HTTP status."""

    status: int
    code: str
    message: str


_FOREIGN_HOST = Refusal(status=403, code="FORBIDDEN", message="this Host is not served here")
_FOREIGN_ORIGIN = Refusal(status=403, code="FORBIDDEN", message="no web page may use this")
_IN_QUERY = Refusal(
    status=401,
    code="UNAUTHORIZED",
    message="no token in a query string: send it as 'Authorization: Bearer TOKEN'",
)
_MISSING = Refusal(
    status=401, code="AUTH_TOKEN_MISSING", message="send 'Authorization: Bearer TOKEN'"
)
_MISMATCH = Refusal(
    status=401, code="AUTH_TOKEN_MISMATCH", message="the token is not the right one"
)
_NEITHER = Refusal(
    status=401, code="AUTH_TOKEN_MISSING", message="send the gateway's token in auth.token"
)
_WRONG_PASSWORD = Refusal(
    status=401, code="AUTH_PASSWORD_MISMATCH", message="the password is not the right one"
)


class Doorkeeper:
    """Checks requests to the private listener.

    Args:
        token: what clients must show.
        bind: the address that the listener is bound to. On loopback only loopback names count
            as Host, so that no DNS name that points here (rebinding) can be used from a page.
        password: what WebSocket clients may show instead; None: the token is that, too.
        now: seconds that never jump.
    """

    def __init__(
        self,
        *,
        token: str,
        bind: str,
        password: str | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keys = self._old_keys = _Keys.of(token, password)
        self._old_until = now()
        self._now = now
        self._local_only = is_loopback(bind)

    def renew(self, *, token: str, password: str | None = None) -> None:
        """Let in who shows these from now on.

        Who shows what was right before is let in for `OLD_KEYS_SECONDS` more, so that clients
        can follow one by one; but no longer than until the next time that this is called.
        """
        self._old_keys, self._keys = self._keys, _Keys.of(token, password)
        self._old_until = self._now() + OLD_KEYS_SECONDS

    def refuse_address(self, knock: Knock) -> Refusal | None:
        """Why `knock` comes from the wrong side, or None. For every route."""
        if len(knock.hosts) != 1 or (self._local_only and not is_loopback(_name(knock.hosts[0]))):
            return _FOREIGN_HOST
        if any(not _same_origin(origin, knock.hosts[0]) for origin in knock.origins):
            return _FOREIGN_ORIGIN
        return None

    def refuse(self, knock: Knock) -> Refusal | None:
        """Why `knock` is not let in, or None. For every route that does or tells something."""
        return self.refuse_address(knock) or self._refuse_token(knock)

    def refuse_handshake(self, knock: Knock) -> Refusal | None:
        """Why a WebSocket is not opened, or None; its secrets come later, in a frame."""
        return self.refuse_address(knock) or self._refuse_query(knock)

    def refuse_secrets(self, token: str | None, password: str | None) -> Refusal | None:
        """Why a WebSocket client is not let in that shows these, or None. A token goes first."""
        if token:
            return None if self._is_token(token) else _MISMATCH
        if not password:
            return _NEITHER
        given = _bytes(password)
        right = [hmac.compare_digest(given, keys.password) for keys in self._valid()]
        return None if any(right) else _WRONG_PASSWORD

    def _refuse_query(self, knock: Knock) -> Refusal | None:
        for name, value in parse_qsl(knock.query_string, keep_blank_values=True):
            if name.lower() in _SECRET_NAMES or self._is_token(value):
                return _IN_QUERY
        return None

    def _refuse_token(self, knock: Knock) -> Refusal | None:
        if refusal := self._refuse_query(knock):
            return refusal
        if len(knock.authorizations) != 1:
            return _MISSING
        scheme, _, token = knock.authorizations[0].strip().partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            return _MISSING
        return None if self._is_token(token.strip()) else _MISMATCH

    def _is_token(self, text: str) -> bool:
        given = _bytes(text)
        return any([hmac.compare_digest(given, keys.token) for keys in self._valid()])

    def _valid(self) -> tuple[_Keys, ...]:
        in_time = self._now() < self._old_until
        return (self._keys, self._old_keys) if in_time else (self._keys,)


@dataclass(frozen=True, slots=True)
class _Keys:
    token: bytes
    password: bytes

    @classmethod
    def of(cls, token: str, password: str | None) -> _Keys:
        return cls(token.encode(), (token if password is None else password).encode())


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def is_loopback(host: str) -> bool:
    """Whether `host`, a name or an address without port, means this machine only."""
    host = host.strip("[]").lower()
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _name(authority: str) -> str:
    try:
        return urlsplit(f"//{authority}").hostname or ""
    except ValueError:
        return ""


def _same_origin(origin: str, host: str) -> bool:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and parts.netloc.lower() == host.lower()
