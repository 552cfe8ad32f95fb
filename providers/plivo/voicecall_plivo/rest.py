"""How is Plivo's REST API asked, and what do its refusals mean?

https://www.plivo.com/docs/voice/api/overview. Nothing is tried again here: a second "make call"
is a second call.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from voicecall.sdk import (
    CarrierAuthFailed,
    CarrierCallGone,
    CarrierCallId,
    CarrierError,
    CarrierRateLimited,
    CarrierRejected,
    CarrierUnreachable,
    HttpClient,
    HttpResponse,
)

REST_SECONDS = 10.0
"""How long one request may take, real seconds."""
MAX_REASON = 200

_NUMBER = re.compile(r"\d(?:[\s().-]?\d){4,}")


class PlivoApi:
    """The part of the API below one account.

    Args:
        http: the kernel's client.
        base_url: origin of the API.
        auth_id: the account's.
        auth_token: the account's.
    """

    def __init__(self, http: HttpClient, *, base_url: str, auth_id: str, auth_token: str) -> None:
        self._http = http
        self._account = f"{base_url.rstrip('/')}/v1/Account/{quote(auth_id, safe='')}/"
        self._credentials = (auth_id, auth_token)

    def renew(self, auth_token: str) -> None:
        """From the next request on the account's token is `auth_token`."""
        self._credentials = (self._credentials[0], auth_token)

    async def ask(
        self,
        method: str,
        *path: str,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, object] | None = None,
        to: str,
    ) -> Any:
        """Send one request.

        Args:
            method: upper case.
            path: segments below the account, not yet escaped.
            query: what follows the path.
            body: sent as JSON.
            to: what was wanted, for the message of an error: "Plivo did not …".

        Returns:
            The answer's JSON object, `{}` when it has none.

        Raises:
            CarrierError: Plivo did not do it, or (`CarrierUnreachable`) nobody knows.
        """
        url = self._account + "".join(f"{quote(segment, safe='')}/" for segment in path)
        try:
            response = await self._http.request(
                method,
                f"{url}?{urlencode(query)}" if query else url,
                json=body,
                basic_auth=self._credentials,
                timeout_seconds=REST_SECONDS,
            )
        except CarrierUnreachable as error:
            text = f"no answer from Plivo, which may {to} nevertheless: {error}"
            raise CarrierUnreachable(text, code=error.code) from error
        if response.status >= 300:
            raise _refusal(response, to)
        answer = _json(response) if response.body else {}
        if not isinstance(answer, dict):
            raise CarrierUnreachable(
                f"what answered the request to {to} is not Plivo; check plivo.apiBaseUrl"
            )
        return answer


def request_uuid(answer: Mapping[str, Any]) -> CarrierCallId:
    """The id of an order, which Plivo lists when several numbers were dialled.

    Raises:
        CarrierUnreachable: the answer names none, so nobody knows what was dialled.
    """
    told = answer.get("request_uuid")
    first = told[0] if isinstance(told, list) and told else told
    if not isinstance(first, str) or not first:
        raise CarrierUnreachable("Plivo took an order and named no request_uuid; see its call log")
    return CarrierCallId(first)


def _refusal(response: HttpResponse, to: str) -> CarrierError:
    status, code = response.status, str(response.status)
    text = f"Plivo did not {to}: {_reason(response)}"
    if status == 401:
        return CarrierAuthFailed(f"{text}; check plivo.authId and plivo.authToken", code=code)
    if status == 404:
        return CarrierCallGone(text, code=code)
    if status == 429:
        after = response.headers.get("retry-after", "")
        seconds = float(after) if after.isascii() and after.isdigit() else None
        return CarrierRateLimited(text, code=code, retry_after=seconds)
    if status >= 500:
        return CarrierUnreachable(f"{text}; it may have happened nevertheless", code=code)
    return CarrierRejected(text, code=code)


def _reason(response: HttpResponse) -> str:
    """Plivo's own words, without the numbers that it likes to repeat."""
    answer = _json(response)
    error = answer.get("error") if isinstance(answer, dict) else None
    if isinstance(error, dict):
        error = "; ".join(f"{field}: {_listed(texts)}" for field, texts in error.items())
    if not isinstance(error, str) or not error:
        return f"HTTP status {response.status}"
    told = "".join(each if each.isprintable() else " " for each in error)
    return f"{_NUMBER.sub('•••', told)[:MAX_REASON]} (HTTP status {response.status})"


def _listed(texts: object) -> str:
    return ", ".join(map(str, texts)) if isinstance(texts, list) else str(texts)


def _json(response: HttpResponse) -> object:
    try:
        parsed: object = response.json()
        return parsed
    except ValueError:
        return None
