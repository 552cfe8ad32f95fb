"""How do plugins reach their vendors? Through this client, with timeouts and without retries."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx

from voicecall.errors import CarrierUnreachable
from voicecall.sdk.http import HttpClient, HttpResponse


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
        try:
            response = await self._client.request(
                method,
                url,
                headers=headers,
                auth=basic_auth,
                timeout=timeout_seconds,
                **given,
            )
        except httpx.HTTPError as error:
            raise CarrierUnreachable(
                f"{method} to {urlsplit(url).hostname} failed ({type(error).__name__}); "
                "check the network and the vendor's status page"
            ) from error
        return HttpResponse(
            status=response.status_code,
            headers={name.lower(): value for name, value in response.headers.items()},
            body=response.content,
        )


@asynccontextmanager
async def open_http_client() -> AsyncIterator[HttpClient]:
    """A client whose connections are closed with the block. Reads no proxy from a stranger."""
    async with httpx.AsyncClient(follow_redirects=False) as client:
        yield VendorClient(client)
