"""How is the agent told what to forward, and asked under which name? Through its local API.

Source: https://ngrok.com/docs/agent/api
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from functools import partial
from http.client import HTTPException
from typing import Any

import anyio
import anyio.to_thread
from pyngrok import ngrok
from pyngrok.exception import PyngrokError, PyngrokNgrokHTTPError

from voicecall.sdk import ExposureError
from voicecall_expose_ngrok import faults

ASK_SECONDS = 4.0
"""Real seconds for one answer; making an endpoint asks ngrok's service."""
NAME = "voicecall"
"""Of our endpoint, the only one: the agent is ours alone."""
# At DEBUG it logs whole answers of the agent, which may repeat the token.
logging.getLogger("pyngrok").setLevel(logging.WARNING)
_PUBLIC = re.compile(r"https://[a-z0-9][a-z0-9.-]*(:\d+)?", re.IGNORECASE)


class AgentApi:
    """The API of one agent.

    Args:
        base: ``http://127.0.0.1:PORT``.
        secrets: that must not be repeated.
    """

    def __init__(self, base: str, *secrets: str) -> None:
        self.base = base
        self._secrets = secrets

    async def public_url(self) -> str | None:
        """``https://HOST`` of our endpoint at the moment; None: there is none.

        Raises:
            Unanswered: the agent has no answer.
        """
        try:
            answer = await self._ask("GET")
        except PyngrokNgrokHTTPError as error:
            raise self._silent(f"it answered {error.status_code}") from None
        all_of_it = answer.get("endpoints") or ()
        found = [_public(each) for each in all_of_it if isinstance(each, dict)]
        return next((each for each in found if each is not None), None)

    async def make(self, upstream: str, domain: str | None) -> str:
        """Have `upstream` made public; gives ``https://HOST``.

        Raises:
            ExposureError: ngrok will not.
        """
        wanted: dict[str, object] = {"name": NAME, "upstream": {"url": upstream}}
        if domain is not None:
            wanted["url"] = f"https://{domain}"
        try:
            found = _public(await self._ask("POST", wanted))
        except PyngrokNgrokHTTPError as error:
            raise faults.of_answer(error.status_code, error.body, *self._secrets) from None
        if found is None:
            raise ExposureError(
                "ngrok made an endpoint that carriers cannot be given",
                remedy="run `ngrok update` for the newest agent",
            )
        return found

    async def _ask(self, method: str, data: Mapping[str, object] | None = None) -> dict[str, Any]:
        call = partial(
            ngrok.api_request,
            f"{self.base}/api/endpoints",
            method=method,
            data=None if data is None else dict(data),
            timeout=ASK_SECONDS,
        )
        try:
            with anyio.fail_after(ASK_SECONDS):
                answer = await anyio.to_thread.run_sync(call, abandon_on_cancel=True)
        except PyngrokNgrokHTTPError:
            raise
        except TimeoutError as error:
            raise self._silent(f"nothing came within {ASK_SECONDS:g} s") from error
        except (PyngrokError, OSError, HTTPException, ValueError) as error:
            raise self._silent(str(error)) from error
        return answer if isinstance(answer, dict) else {}

    def _silent(self, why: str) -> faults.Unanswered:
        return faults.Unanswered(
            f"the ngrok agent at {self.base} does not answer: {faults.plain(why, *self._secrets)}",
            remedy="it is started anew when that goes on; a proxy set by http_proxy needs "
            "no_proxy=127.0.0.1",
        )


def _public(endpoint: Mapping[str, Any]) -> str | None:
    url = endpoint.get("url") or endpoint.get("public_url")
    if not isinstance(url, str) or not _PUBLIC.fullmatch(url.rstrip("/")):
        return None
    return url.rstrip("/").lower()
