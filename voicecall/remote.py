"""How does a program in Python use a running gateway? Over HTTP, found as every client finds it."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from voicecall.config.state import read_address, state_dir
from voicecall.errors import (
    GatewayAuthFailed,
    GatewayError,
    GatewayRefused,
    GatewayUnreachable,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

JsonObject = dict[str, Any]

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 15.0
"""For what the gateway answers by itself."""
CARRIER_SECONDS = 90.0
"""For what waits for a carrier."""
PEOPLE_SECONDS = 900.0
"""For what waits for people."""
SILENCE_SECONDS = 35.0
"""An event stream shows a sign of life every ten seconds; silent for this long, it is dead."""

_PATIENCE = {
    "voicecall.initiate": CARRIER_SECONDS,
    "voicecall.start": CARRIER_SECONDS,
    "voicecall.dtmf": CARRIER_SECONDS,
    "voicecall.end": CARRIER_SECONDS,
    "voicecall.speak": PEOPLE_SECONDS,
    "voicecall.continue": PEOPLE_SECONDS,
}


class RemoteGateway:
    """A gateway that runs elsewhere; found anew for every call, so that it may be restarted.

    Args:
        url: ``http://host:port``; None: `$VOICECALL_URL`, else the gateway of `directory`.
        token: None: `$VOICECALL_TOKEN`, else what the gateway of `directory` wrote down.
        directory: a state directory; None: `$VOICECALL_STATE_DIR`, else ``~/.voicecall``.
    """

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        directory: Path | None = None,
    ) -> None:
        self._url = url
        self._token = token
        self._directory = directory

    async def call(self, method: str, params: Mapping[str, object]) -> JsonObject:
        """The payload of RPC `method`.

        Raises:
            GatewayUnreachable: none runs, or it does not answer in time.
            GatewayAuthFailed, GatewayRefused, ConfigError.
        """
        url, token = self._found()
        sent = {name: value for name, value in params.items() if value is not None}
        async with _client(url, token, _PATIENCE.get(method, ANSWER_SECONDS)) as client:
            with _explained(url):
                answer = await client.post(f"/rpc/{method}", content=json.dumps(sent).encode())
        if answer.status_code != 200:
            raise _refusal(url, answer.status_code, answer.content)
        return _object(url, answer.status_code, answer.content)

    @asynccontextmanager
    async def events(self, call_id: str) -> AsyncIterator[AsyncIterator[JsonObject]]:
        """Events of a call, stored ones first, until it has ended; at last the call itself.

        Raises:
            GatewayUnreachable, GatewayAuthFailed, GatewayRefused, ConfigError.
        """
        url, token = self._found()
        async with _client(url, token, SILENCE_SECONDS) as client:
            path = f"/calls/{quote(call_id, safe='')}/events"
            request = client.build_request("GET", path)
            with _explained(url):
                response = await client.send(request, stream=True)
            try:
                if response.status_code != 200:
                    raise _refusal(url, response.status_code, await response.aread())
                yield _read(url, response)
            finally:
                await response.aclose()

    def _found(self) -> tuple[str, str]:
        directory = self._directory or state_dir(os.environ)
        local = read_address(directory)
        url = self._url or os.environ.get("VOICECALL_URL") or (local and local.url)
        if not url:
            raise GatewayUnreachable("no gateway is running; start one with 'voicecall serve'")
        url = url.rstrip("/")
        token = self._token or os.environ.get("VOICECALL_TOKEN")
        if not token and local is not None and local.url.rstrip("/") == url:
            token = local.token
        if not token:
            raise GatewayAuthFailed(f"no token for the gateway at {url}; set VOICECALL_TOKEN")
        return url, token


@asynccontextmanager
async def _client(url: str, token: str, seconds: float) -> AsyncIterator[httpx.AsyncClient]:
    import httpx

    timeout = httpx.Timeout(seconds, connect=CONNECT_SECONDS)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    with _explained(url):
        client = httpx.AsyncClient(
            base_url=url, headers=headers, timeout=timeout, follow_redirects=False, trust_env=False
        )
    async with client:
        yield client


async def _read(url: str, response: httpx.Response) -> AsyncIterator[JsonObject]:
    with _explained(url):
        async for line in response.aiter_lines():
            if line.startswith("data: "):
                yield _object(url, 200, line[6:].encode())


@contextmanager
def _explained(url: str) -> Iterator[None]:
    import httpx

    try:
        yield
    except httpx.ConnectError:
        raise GatewayUnreachable(
            f"no gateway listens at {url}; start one with 'voicecall serve'"
        ) from None
    except httpx.TimeoutException:
        raise GatewayUnreachable(
            f"the gateway at {url} did not answer in time; is it overloaded or stuck?"
        ) from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise GatewayUnreachable(
            f"the connection to the gateway at {url} failed: {type(error).__name__}"
        ) from None


def _refusal(url: str, status: int, body: bytes) -> GatewayError:
    error = _object(url, status, body).get("error")
    if not isinstance(error, dict):
        return _stranger(url, status)
    message = str(error.get("message") or error.get("code") or status)
    if status in (401, 403):
        return GatewayAuthFailed(f"the gateway at {url} does not let us in: {message}")
    details = error.get("details")
    return GatewayRefused(
        message,
        code=str(error.get("code", "UNAVAILABLE")),
        details=details if isinstance(details, dict) else None,
    )


def _object(url: str, status: int, body: bytes) -> JsonObject:
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise _stranger(url, status)
    return found


def _stranger(url: str, status: int) -> GatewayUnreachable:
    return GatewayUnreachable(
        f"what answers at {url} is no voicecall gateway (HTTP {status}); check the URL"
    )
