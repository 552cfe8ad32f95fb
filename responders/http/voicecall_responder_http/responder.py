"""How does a web service answer a turn? With one JSON object, several lines of them, or text."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import httpx

from voicecall.sdk import (
    ReplySink,
    ReplyText,
    Responder,
    ResponderError,
    Turn,
    read_reply_line,
    turn_object,
)
from voicecall_responder_http.config import HttpConfig

LINES = "application/x-ndjson"
LONGEST_ANSWER = 256 * 1024


class HttpResponder(Responder):
    """Posts every turn to one URL.

    Args:
        config: where to.
        client: with timeouts; follows no redirects.
    """

    def __init__(self, config: HttpConfig, client: httpx.AsyncClient) -> None:
        self._url = config.url
        self._client = client
        self._headers = {
            "content-type": "application/json",
            "accept": f"{LINES}, application/json, text/plain",
            **{name: value.get_secret_value() for name, value in config.headers.items()},
        }
        if config.token is not None:
            self._headers["authorization"] = f"Bearer {config.token.get_secret_value()}"

    async def respond(self, turn: Turn, out: ReplySink) -> None:
        """Post `turn` and pass the answer on while it comes.

        Raises:
            ResponderError: no answer, an error status, or what is no reply.
        """
        body = json.dumps(turn_object(turn), ensure_ascii=False).encode("utf-8", "replace")
        request = self._client.stream("POST", self._url, content=body, headers=self._headers)
        try:
            async with request as response:
                await _pass_on(response, out)
        except httpx.HTTPError as error:
            raise ResponderError(
                f"the web service did not answer ({type(error).__name__}); "
                "check responders.http.url and that it runs"
            ) from error


async def _pass_on(response: httpx.Response, out: ReplySink) -> None:
    status = response.status_code
    if status == 204:
        return
    if status != 200:
        raise ResponderError(f"the web service answered {status}; it must answer 200, or 204")
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == LINES:
        async for line in _lines(response):
            await _write(line, out, end="\n")
    elif kind == "text/plain":
        text = (await _whole(response)).decode("utf-8", "replace")
        if text.strip():
            await out.write(ReplyText(text=text))
    elif kind == "application/json":
        await _write(await _whole(response), out)
    else:
        raise ResponderError(
            f"the web service answered with {kind!r}; "
            f"it must be application/json, {LINES} or text/plain"
        )


async def _write(line: str | bytes, out: ReplySink, *, end: str = "") -> None:
    """Pass on what one object says and wants; with `end`, its text waits for no next object."""
    for part in read_reply_line(line).parts:
        await out.write(ReplyText(text=part.text + end) if isinstance(part, ReplyText) else part)


async def _whole(response: httpx.Response) -> bytes:
    body = bytearray()
    async for piece in response.aiter_bytes():
        body += piece
        _require_short(len(body))
    return bytes(body)


async def _lines(response: httpx.Response) -> AsyncIterator[bytes]:
    rest, size = b"", 0
    async for piece in response.aiter_bytes():
        size += len(piece)
        _require_short(size)
        *lines, rest = (rest + piece).split(b"\n")
        for line in filter(bytes.strip, lines):
            yield line
    if rest.strip():
        yield rest


def _require_short(size: int) -> None:
    if size > LONGEST_ANSWER:
        raise ResponderError(f"the web service's answer is longer than {LONGEST_ANSWER} bytes")
