"""How does a command talk to the gateway? With the standard library's HTTP client, and no more."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlsplit

from voicecall.cli.exit_codes import UsageError
from voicecall.config.hiding import hiding
from voicecall.errors import GatewayAuthFailed, GatewayRefused, GatewayUnreachable

Payload = dict[str, Any]

START_ONE = "start one with 'voicecall serve', or name one with --url"
TOKEN_HINT = (
    "; give --token or VOICECALL_TOKEN what the gateway's configuration has as gateway.token, else "
    "the text of the file gateway.token in its state directory"
)

CONNECT_SECONDS = 5.0
QUICK_SECONDS = 15.0
"""For questions that the gateway answers by itself."""
CARRIER_SECONDS = 90.0
"""For what waits for a carrier."""
TURN_SECONDS = 900.0
"""For what waits for people."""
SILENCE_SECONDS = 35.0
"""An event stream shows a sign of life every ten seconds; silent for this long, it is dead."""


class NobodyListens(GatewayUnreachable):
    """The connection was refused: surely no gateway is there."""


class GatewayClient:
    """A client of one gateway.

    Args:
        url: ``http://host:port`` or ``https://…``.
        token: what it lets us in with.

    Raises:
        UsageError: the URL or the token cannot be used.
    """

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError(f"not a gateway URL: {url!r}; use http://HOST:PORT")
        self.url = url.rstrip("/")
        self._secure = parts.scheme == "https"
        self._host = parts.hostname
        self._port = parts.port
        self._prefix = parts.path.rstrip("/")
        if not (token.isascii() and token.isprintable()):
            raise UsageError(
                "the token holds a line break or another character that cannot be sent; correct "
                "--token or VOICECALL_TOKEN"
            )
        self._headers = {"Authorization": f"Bearer {hiding.remember(token)}"}

    def call(
        self, method: str, params: Payload | None = None, *, seconds: float = QUICK_SECONDS
    ) -> Payload:
        """The payload of RPC `method`.

        Raises:
            GatewayUnreachable: no answer within `seconds`, or none of a voicecall gateway.
            GatewayAuthFailed, GatewayRefused.
        """
        sent = {name: value for name, value in (params or {}).items() if value is not None}
        body = json.dumps(sent).encode()
        with self._exchange("POST", f"/rpc/{method}", body, seconds) as response:
            with self._explained():
                answer = response.read()
            return self._payload(answer)

    @contextmanager
    def events(self, call_id: str | None = None) -> Iterator[Iterator[Payload]]:
        """Events of one call, stored ones first, until it ended; of all calls without end.

        Raises:
            GatewayUnreachable, GatewayAuthFailed, GatewayRefused.
        """
        path = "/events" if call_id is None else f"/calls/{quote(call_id, safe='')}/events"
        with self._exchange("GET", path, None, SILENCE_SECONDS) as response:
            with self._explained():
                response.readline()  # the first sign of life: the watch has begun
            yield self._read_events(response)

    def _read_events(self, response: http.client.HTTPResponse) -> Iterator[Payload]:
        while True:
            with self._explained():
                line = response.readline()
            if not line:
                return
            if line.startswith(b"data: "):
                yield self._payload(line[6:])

    @contextmanager
    def _exchange(
        self, verb: str, path: str, body: bytes | None, seconds: float
    ) -> Iterator[http.client.HTTPResponse]:
        connection = self._connection()
        try:
            with self._explained():
                connection.connect()
                connection.sock.settimeout(seconds)
                connection.request(verb, self._prefix + path, body, self._headers)
                response = connection.getresponse()
                if response.status != 200:
                    raise self._refusal(response)
            yield response
        finally:
            connection.close()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except ConnectionRefusedError:
            raise NobodyListens(f"no gateway listens at {self.url}; {START_ONE}") from None
        except TimeoutError:
            raise GatewayUnreachable(
                f"the gateway at {self.url} did not answer in time; is it overloaded or stuck?"
            ) from None
        except OSError as error:
            raise GatewayUnreachable(
                f"the connection to the gateway at {self.url} failed: {error.strerror or error}"
            ) from None
        except http.client.HTTPException as error:
            raise self._stranger(type(error).__name__) from None

    def _connection(self) -> http.client.HTTPConnection:
        if self._secure:
            return http.client.HTTPSConnection(self._host, self._port, timeout=CONNECT_SECONDS)
        return http.client.HTTPConnection(self._host, self._port, timeout=CONNECT_SECONDS)

    def _refusal(self, response: http.client.HTTPResponse) -> Exception:
        error = self._payload(response.read(), status=response.status).get("error")
        if not isinstance(error, dict):
            return self._stranger(f"HTTP {response.status}")
        message = str(error.get("message") or error.get("code") or response.reason)
        if response.status in (401, 403):
            hint = TOKEN_HINT if response.status == 401 else ""
            return GatewayAuthFailed(
                f"the gateway at {self.url} does not let us in: {message}{hint}"
            )
        details = error.get("details")
        return GatewayRefused(
            message,
            code=str(error.get("code", "UNAVAILABLE")),
            details=details if isinstance(details, dict) else None,
        )

    def _payload(self, body: bytes, status: int = 200) -> Payload:
        try:
            payload = json.loads(body)
        except ValueError:
            payload = None
        if not isinstance(payload, dict):
            raise self._stranger(f"HTTP {status}")
        return payload

    def _stranger(self, answer: str) -> GatewayUnreachable:
        return GatewayUnreachable(
            f"what answers at {self.url} is no voicecall gateway ({answer}); check the URL"
        )
