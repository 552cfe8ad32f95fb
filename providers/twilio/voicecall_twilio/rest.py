"""How does Twilio's SDK reach Twilio? Through the HTTP client that the kernel lends.

The SDK's own asynchronous client ignores its timeout and has to be closed by hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode, urlsplit

from twilio.http import AsyncHttpClient  # type: ignore[import-untyped]
from twilio.http.response import Response  # type: ignore[import-untyped]
from twilio.rest import Client  # type: ignore[import-untyped]

from voicecall.sdk import CarrierUnreachable, ProviderContext
from voicecall_twilio.config import TwilioConfig
from voicecall_twilio.refusals import raise_for

REQUEST_SECONDS = 10.0
"""For one whole exchange with the API."""


class BorrowedHttp(AsyncHttpClient):  # type: ignore[misc]
    """The SDK's requests over `context.http`; what is no success becomes an error of ours."""

    def __init__(self, context: ProviderContext, base_url: str | None) -> None:
        super().__init__(context.logger, is_async=True, timeout=REQUEST_SECONDS)
        self._http = context.http
        self._base_url = base_url.rstrip("/") if base_url else None

    async def request(
        self,
        method: str,
        url: str,
        params: dict[str, Any] | None = None,
        data: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Response:
        """Send one request, once, and follow no redirect.

        Raises:
            CarrierError: no answer, or one that is no success.
        """
        path = urlsplit(url).path
        answer = await self._http.request(
            method,
            self._target(url, params),
            headers=headers,
            form=_form(data) if data else None,
            basic_auth=auth,
            timeout_seconds=timeout or REQUEST_SECONDS,
        )
        raise_for(answer.status, answer.headers, answer.body, about_call="/Calls/" in path)
        return Response(answer.status, answer.body.decode("utf-8", "replace"), answer.headers)

    def _target(self, url: str, params: dict[str, Any] | None) -> str:
        parts = urlsplit(url)
        origin = self._base_url or f"{parts.scheme}://{parts.netloc}"
        query = "&".join(each for each in (parts.query, urlencode(params or {})) if each)
        return f"{origin}{parts.path}?{query}" if query else f"{origin}{parts.path}"


@contextmanager
def readable() -> Iterator[None]:
    """A success that is not what Twilio's API answers: nobody knows what was done.

    Raises:
        CarrierUnreachable: instead of what the SDK raises when it cannot read an answer.
    """
    try:
        yield
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise CarrierUnreachable(
            "the answer is not one of Twilio's API; check twilio.apiBaseUrl"
        ) from error


def open_client(config: TwilioConfig, context: ProviderContext) -> Client:
    """The SDK's client for the account of `config`."""
    region, edge = config.home
    user, password = config.account_sid, config.auth_token
    if config.api_key_sid is not None and config.api_key_secret is not None:
        user, password = config.api_key_sid, config.api_key_secret
    return Client(
        user,
        password.get_secret_value(),
        account_sid=config.account_sid,
        region=region,
        edge=edge,
        http_client=BorrowedHttp(context, config.api_base_url),
        # Anything but an empty mapping; it would read region and edge from the process's own.
        environment={"TWILIO_REGION": ""},
    )


def _form(data: dict[str, Any]) -> dict[str, str | list[str]]:
    return {
        name: [_text(each) for each in value] if isinstance(value, list) else _text(value)
        for name, value in data.items()
    }


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
