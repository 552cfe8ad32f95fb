"""How do plugins reach their vendors? Through this client, with timeouts and without retries."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpx

from voicecall.errors import CarrierUnreachable
from voicecall.sdk.http import HttpClient, HttpResponse
from voicecall.web.addresses import is_public, resolve

MOST_BYTES = 32 * 1024 * 1024
"""An answer that is longer is none of a vendor's."""


class VendorClient:
    """`HttpClient` over httpx."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        json: object | None = None,
        form: Mapping[str, str | list[str]] | None = None,
        basic_auth: tuple[str, str] | None = None,
        timeout_seconds: float = 10.0,
    ) -> HttpResponse:
        """Send one request and read the whole answer; see `HttpClient.request`."""
        body: dict[str, Any] = {"content": content, "json": json, "data": form}
        given = {name: value for name, value in body.items() if value is not None}
        asked: dict[str, Any] = {"headers": headers, "auth": basic_auth, **given}
        try:
            # httpx's own timeout begins anew with every byte.
            with anyio.fail_after(timeout_seconds):
                return await self._exchange(method, url, timeout=timeout_seconds, **asked)
        except TimeoutError as error:
            raise _unreachable(method, url, f"no whole answer in {timeout_seconds:g} s") from error
        except httpx.HTTPError as error:
            why = str(error) if isinstance(error, _TooLong) else type(error).__name__
            raise _unreachable(method, url, why) from error

    async def _exchange(self, method: str, url: str, **asked: Any) -> HttpResponse:
        async with self._client.stream(method, url, **asked) as response:
            body = bytearray()
            async for piece in response.aiter_bytes():
                body += piece
                if len(body) > MOST_BYTES:
                    raise _TooLong(f"more than {MOST_BYTES // 2**20} MiB")
        return HttpResponse(
            status=response.status_code,
            headers={name.lower(): value for name, value in response.headers.items()},
            body=bytes(body),
        )


class _TooLong(httpx.ReadError):
    """The answer does not end."""


def _unreachable(method: str, url: str, why: str) -> CarrierUnreachable:
    return CarrierUnreachable(
        f"{method} to {urlsplit(url).hostname} failed ({why}); "
        "check the network and the vendor's status page"
    )


@asynccontextmanager
async def open_http_client() -> AsyncIterator[HttpClient]:
    """A client whose connections are closed with the block. Reads no proxy from a stranger."""
    async with httpx.AsyncClient(follow_redirects=False) as client:
        yield VendorClient(client)


@asynccontextmanager
async def open_public_http_client() -> AsyncIterator[HttpClient]:
    """A client that connects to public addresses only, whatever a name resolves to."""
    inner = httpx.AsyncHTTPTransport()
    async with httpx.AsyncClient(
        transport=_PublicOnly(inner), follow_redirects=False, trust_env=False
    ) as client:
        yield VendorClient(client)


class _PublicOnly(httpx.AsyncBaseTransport):
    """Resolves a name once and connects to an address that it checked: a name whose address
    changes between check and connection (DNS rebinding) cannot lead elsewhere."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        host = request.url.host
        request.url = request.url.copy_with(host=await self._checked(request, host))
        request.extensions = {**request.extensions, "sni_hostname": host}
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def _checked(self, request: httpx.Request, host: str) -> str:
        port = request.url.port or (443 if request.url.scheme == "https" else 80)
        try:
            addresses = await resolve(host, port)
        except OSError as error:
            raise httpx.ConnectError(f"{host} does not resolve", request=request) from error
        if not addresses or not all(is_public(address) for address in addresses):
            raise NotPublic(f"{host} is no public address", request=request)
        return addresses[0]


class NotPublic(httpx.ConnectError):
    """The name leads into a private network; nothing was sent."""
