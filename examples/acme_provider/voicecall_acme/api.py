"""How is Acme's REST API asked, and which error is each of its refusals?

https://docs.acme.example/api
"""

from __future__ import annotations

import re
from typing import Any, TypeVar

import msgspec

from voicecall.sdk import (
    CarrierAuthFailed,
    CarrierCallGone,
    CarrierRateLimited,
    CarrierRejected,
    CarrierUnreachable,
    HttpClient,
    HttpResponse,
)
from voicecall_acme.config import AcmeConfig

TIMEOUT_SECONDS = 10.0
CODE = re.compile(r"E\d{2}", re.ASCII)


class Placed(msgspec.Struct, frozen=True):
    """A call that was accepted."""

    call: str


class State(msgspec.Struct, frozen=True):
    """A call as Acme knows it; `why` and `by` once it is over."""

    up: bool
    answered: bool = False
    why: str | None = None
    by: str | None = None


class Account(msgspec.Struct, frozen=True):
    """Whose key it is, and which numbers may call."""

    numbers: tuple[str, ...]


Answer = TypeVar("Answer")


class Api:
    """Acme's REST API. No request is sent twice: whoever asked decides about that."""

    def __init__(self, config: AcmeConfig, http: HttpClient) -> None:
        self._base = config.api_base_url.rstrip("/")
        self._key = config.api_key
        self._http = http

    async def ask(
        self, method: str, path: str, kind: type[Answer], body: object | None = None
    ) -> Answer:
        """The answer to a request, as a `kind`.

        Raises:
            CarrierError: Acme did not do it, or nobody knows.
        """
        answer = await self._send(method, path, body)
        try:
            return msgspec.json.decode(answer.body, type=kind)
        except (msgspec.MsgspecError, UnicodeError) as error:
            raise CarrierUnreachable(
                f"Acme's answer to {method} {path.split('/')[1]} cannot be read; what was asked "
                "may be done"
            ) from error

    async def tell(self, method: str, path: str, body: object | None = None) -> None:
        """Send a request whose answer says nothing.

        Raises:
            CarrierError: Acme did not do it, or nobody knows.
        """
        await self._send(method, path, body)

    async def _send(self, method: str, path: str, body: object | None) -> HttpResponse:
        answer = await self._http.request(
            method,
            f"{self._base}{path}",
            headers={"authorization": f"Bearer {self._key.get_secret_value()}"},
            json=body,
            timeout_seconds=TIMEOUT_SECONDS,
        )
        _raise_for(answer)
        return answer


def _raise_for(answer: HttpResponse) -> None:
    """Turn Acme's refusal into ours. It writes the number into its messages, so they stay out."""
    code = _code(answer)
    match answer.status:
        case 401 | 403:
            raise CarrierAuthFailed("Acme does not accept the key; check acme.apiKey", code=code)
        case 404 | 410:
            raise CarrierCallGone("Acme says that the call has ended or never was", code=code)
        case 429:
            raise CarrierRateLimited(
                "Acme was asked too often; wait before the next call",
                code=code,
                retry_after=_seconds(answer.headers.get("retry-after", "")),
            )
        case status if status >= 500:
            raise CarrierUnreachable(
                f"Acme answered {status}; what was asked may be done", code=code
            )
        case status if status >= 300:
            raise CarrierRejected(
                f"Acme refused with {code or status}; README.md lists its codes", code=code
            )


def _code(answer: HttpResponse) -> str | None:
    """Acme's own error code: ``{"error": "E21", "message": …}``; it may be no answer of Acme's."""
    try:
        body: Any = answer.json()
    except ValueError:
        return None
    code = str(body.get("error")) if isinstance(body, dict) else ""
    return code if CODE.fullmatch(code) else None


def _seconds(text: str) -> float | None:
    return float(text) if text.isdecimal() else None
