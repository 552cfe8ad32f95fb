"""How does Plivo call a URL? Signed anew at every try, tried again as the URL's fragment says.

https://www.plivo.com/docs/voice/concepts/callbacks
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urldefrag, urlencode, urlsplit

from voicecall_conformance.phones import Letter, Posted, Poster, Reply, Retries
from voicecall_plivo.double.signing import signed_headers
from voicecall_plivo.network.habits import Habits

FORM = "application/x-www-form-urlencoded"
RETRY_SECONDS = 0.2
"""Before a further try, real seconds."""
RETRIES_BY_DEFAULT = "1"
RETRIED_BY_DEFAULT = "ct,rt"
OF_ACCOUNT, OF_MAIN_ACCOUNT = "x-plivo-signature-v3", "x-plivo-signature-ma-v3"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """A URL that Plivo was given, and how it is called."""

    url: str
    method: str = "POST"


@dataclass(frozen=True, slots=True, kw_only=True)
class Courier:
    """Carries the callbacks of one call.

    Args:
        token: signs them.
        poster: delivers them.
    """

    token: str
    habits: Habits
    poster: Poster

    def notify(self, hook: Hook | None, fields: Mapping[str, str]) -> None:
        """Call a URL whose answer is not read; nobody, where none was given."""
        if hook is not None:
            self.poster.notify(self._letter(hook, fields))

    async def fetch(self, hook: Hook, fields: Mapping[str, str]) -> Reply | None:
        """Call a URL for its answer; None: it could not be had."""
        reply = await self.poster.fetch(self._letter(hook, fields))
        return reply if reply is not None and 200 <= reply.status < 300 else None

    def _letter(self, hook: Hook, fields: Mapping[str, str]) -> Letter:
        url, fragment = urldefrag(hook.url)
        form: Mapping[str, str] = fields
        if hook.method == "GET":
            url += f"{'&' if urlsplit(url).query else '?'}{urlencode(fields)}"
            form = {}
        body = urlencode(form).encode()
        kind = {"content-type": FORM} if form else {}
        nonce = new_nonce()

        def write(attempt: int) -> Posted:
            headers = proof(
                self.habits,
                token=self.token,
                method=hook.method,
                url=url,
                nonce=nonce if self.habits.one_nonce else new_nonce(),
                form=form,
            )
            told = {**headers, **kind, "user-agent": "Plivo"}
            return Posted(headers=told, body=body, method=hook.method)

        return Letter(url=url, write=write, retries=_retries(fragment))


def proof(
    habits: Habits,
    *,
    token: str,
    method: str,
    url: str,
    nonce: str,
    form: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The headers that prove a request: of the account, and of its main account."""
    headers = signed_headers(token=token, method=method, url=url, nonce=nonce, form=form)
    headers[OF_MAIN_ACCOUNT] = headers[OF_ACCOUNT]
    if habits.main_account_only:
        del headers[OF_ACCOUNT]
    return headers


def new_nonce() -> str:
    """As Plivo makes them: a number of up to twenty digits."""
    return str(secrets.randbelow(10**20))


def _retries(fragment: str) -> Retries:
    """What ``rc`` and ``rp`` ask for."""
    asked = dict(parse_qsl(fragment))
    after = set(asked.get("rp", RETRIED_BY_DEFAULT).split(","))

    def again(status: int | None) -> bool:
        if status is None:
            return not after.isdisjoint({"ct", "rt", "all"})
        return status >= 400 and not after.isdisjoint({f"{status // 100}xx", "all"})

    count = int(asked.get("rc", RETRIES_BY_DEFAULT))
    return Retries(pauses=(RETRY_SECONDS,) * count, again=again)
