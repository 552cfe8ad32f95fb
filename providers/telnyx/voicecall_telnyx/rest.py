"""How is Telnyx's REST API asked, and what do its refusals mean? Requests, answers, errors.

Errors: developers.telnyx.com, *API errors*.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, NoReturn
from urllib.parse import quote, urlencode

from voicecall.sdk import (
    CarrierAuthFailed,
    CarrierCallGone,
    CarrierCallId,
    CarrierRateLimited,
    CarrierRejected,
    CarrierUnreachable,
    HttpClient,
    HttpResponse,
)
from voicecall_telnyx.config import TelnyxConfig

TIMEOUT_SECONDS = 10.0
"""Real seconds for one request."""
_GONE = frozenset({"10005", "10006", "90015", "90018"})
_GONE_WORDS = re.compile(r"already ended|no longer active|not active anymore", re.IGNORECASE)
_PLAIN_TITLE = re.compile(r"[A-Za-z][A-Za-z ]{2,59}", re.ASCII)
_REMEDIES = {
    "10000": "check the request against the API's reference",
    "10004": "a parameter is missing",
    "10010": "check the outbound voice profile, its allowed destinations, and the balance",
    "10015": "a parameter is wrong",
    "10016": "numbers must be in the form +15550001234",
    "10027": "a parameter is wrong",
}


class NotPossibleNow(CarrierRejected):
    """A command that does not fit what the call does: not answered yet, running already."""


class RestApi:
    """Telnyx's REST API with the account's key. It sends nothing twice.

    Args:
        config: key and origin.
        http: sends.
    """

    def __init__(self, config: TelnyxConfig, http: HttpClient) -> None:
        self._base = config.api_base_url.rstrip("/").removesuffix("/v2") + "/v2"
        self._key = config.api_key.get_secret_value()
        self._http = http

    def renew(self, config: TelnyxConfig) -> None:
        """From the next request on the key is that of `config`."""
        self._key = config.api_key.get_secret_value()

    async def dial(self, body: Mapping[str, object]) -> CarrierCallId:
        """Dial.

        Raises:
            CarrierError: it was not dialled, or (`CarrierUnreachable`) nobody knows.
        """
        answer = await self._send("POST", "/calls", body)
        found = _data(answer).get("call_control_id")
        if not isinstance(found, str) or not found:
            raise CarrierUnreachable("Telnyx took the order and named no call; see the portal")
        return CarrierCallId(found)

    async def act(self, call: CarrierCallId, action: str, fields: Mapping[str, object]) -> None:
        """Give one command.

        Raises:
            CarrierCallGone: the call has ended, or never was.
            NotPossibleNow: it does not fit what the call does.
            CarrierError: otherwise.
        """
        await self._send("POST", f"{call_path(call)}/actions/{action}", fields, about_call=True)

    async def call(self, call: CarrierCallId) -> Mapping[str, Any]:
        """What Telnyx knows about a call.

        Raises:
            CarrierCallGone: nothing any more.
            CarrierError: otherwise.
        """
        return _data(await self._send("GET", call_path(call), about_call=True))

    async def get(self, path: str, **query: str) -> Any:
        """The `data` of anything else.

        Args:
            path: behind ``/v2``; identifiers already escaped.
            query: escaped here.

        Raises:
            CarrierError: it could not be had.
        """
        asked = f"{path}?{urlencode(query)}" if query else path
        return _content(await self._send("GET", asked))

    async def change(self, path: str, fields: Mapping[str, object]) -> None:
        """Change what is at `path`, behind ``/v2``, identifiers already escaped.

        Raises:
            CarrierError: it was not changed, or (`CarrierUnreachable`) nobody knows.
        """
        await self._send("PATCH", path, fields)

    async def _send(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        *,
        about_call: bool = False,
    ) -> HttpResponse:
        response = await self._http.request(
            method,
            self._base + path,
            headers={"authorization": f"Bearer {self._key}", "accept": "application/json"},
            json=body,
            timeout_seconds=TIMEOUT_SECONDS,
        )
        if not 200 <= response.status < 300:
            _refuse(response, about_call=about_call)
        return response


def call_path(call: CarrierCallId) -> str:
    """The path of a call; its id has ``:`` in it and may have ``/``."""
    return f"/calls/{quote(call, safe=':')}"


def _refuse(response: HttpResponse, *, about_call: bool) -> NoReturn:
    status, problem = response.status, _problem(response)
    code = problem.get("code")
    text = _sentence(status, problem)
    if status == 401:
        raise CarrierAuthFailed(f"{text}; check telnyx.apiKey", code=code)
    if about_call and (status == 404 or (status == 422 and _says_gone(problem))):
        raise CarrierCallGone(f"{text}: the call has ended or never was", code=code)
    if status == 429:
        raise CarrierRateLimited(
            f"{text}; wait before the next request", code=code, retry_after=_wait(response)
        )
    if status == 408 or status >= 500:
        raise CarrierUnreachable(f"{text}; what was asked may have been done", code=code)
    if status < 400:
        raise CarrierUnreachable(f"{text}, which is no answer; check telnyx.apiBaseUrl", code=code)
    if about_call and status == 422 and _is_about_state(problem):
        raise NotPossibleNow(text, code=code)
    raise CarrierRejected(text, code=code)


def _problem(response: HttpResponse) -> dict[str, str]:
    """The first error of an answer, its values as text; empty when it has none."""
    try:
        first = response.json()["errors"][0]
        found = {name: str(first[name]) for name in ("code", "title", "detail") if name in first}
        pointer = (first.get("source") or {}).get("pointer")
        return {**found, "pointer": str(pointer)} if pointer else found
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return {}


def _says_gone(problem: Mapping[str, str]) -> bool:
    words = f"{problem.get('title', '')} {problem.get('detail', '')}"
    if _GONE_WORDS.search(words):
        return True
    field = problem.get("pointer", "").rpartition("/")[2]
    return problem.get("code") in _GONE and field in ("", "call_control_id")


def _is_about_state(problem: Mapping[str, str]) -> bool:
    """Whether no field is to blame. Telnyx does not list the codes of these, ``90xxx``."""
    code = problem.get("code", "")
    return code.startswith("90") or (code not in _REMEDIES and "pointer" not in problem)


def _sentence(status: int, problem: Mapping[str, str]) -> str:
    """What may be told of a refusal; Telnyx's own words can hold numbers, so few are repeated."""
    code = problem.get("code", "")
    parts = [f"Telnyx answered {status}"]
    if code.isascii() and code.isdigit() and len(code) <= 6:
        parts.append(f"code {code}")
    title = problem.get("title", "")
    remedy = _REMEDIES.get(code) or (title if _PLAIN_TITLE.fullmatch(title) else "")
    field = problem.get("pointer", "").rpartition("/")[2]
    if re.fullmatch(r"[a-z_]{1,40}", field, re.ASCII):
        parts.append(f"field {field!r}")
    told = ", ".join(parts)
    return f"{told}: {remedy}" if remedy else told


def _wait(response: HttpResponse) -> float | None:
    try:
        seconds = float(response.headers.get("retry-after", ""))
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _content(response: HttpResponse) -> Any:
    try:
        return response.json()["data"]
    except (ValueError, KeyError, TypeError) as error:
        raise CarrierUnreachable(
            "that is no answer of Telnyx's; check telnyx.apiBaseUrl"
        ) from error


def _data(response: HttpResponse) -> Mapping[str, Any]:
    found = _content(response)
    if not isinstance(found, dict):
        raise CarrierUnreachable("that is no answer of Telnyx's; check telnyx.apiBaseUrl")
    return found
