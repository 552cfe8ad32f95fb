"""What can be asked of the network? Its REST interface, request in, answer out."""

from __future__ import annotations

import base64
import binascii
from typing import TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec

from voicecall_mock import documents
from voicecall_mock.network.exchange import Exchange, Gateway, Refusal
from voicecall_mock.network.http import Request, Response
from voicecall_mock.orders import DialOrder, PlaceOrder, Registration

LINES_SECONDS = 10.0

_Body = TypeVar("_Body")


class NetworkApi:
    """``/v1/gateways``, ``/v1/calls``, ``/v1/dial`` and ``/v1/ledger``.

    Requests about calls carry the gateway's id and secret as basic authentication, except the
    simulation's own: ``dial``, ``ledger`` and a call's ``lines``. Bodies are JSON and must say
    so, which keeps foreign web pages out.
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def answer(self, request: Request) -> Response:
        """Answer one request."""
        try:
            status, answer = await self._route(request)
        except Refusal as refusal:
            status, answer = refusal.status, {"code": refusal.code, "message": refusal.message}
        return Response(status=status, body=msgspec.json.encode(answer))

    async def _route(self, request: Request) -> tuple[int, object]:
        target = urlsplit(request.target)
        parts = tuple(unquote(part) for part in target.path.strip("/").split("/"))
        if request.method == "POST" and request.header("content-type") != "application/json":
            raise Refusal(415, "content-type", "the body must be application/json")
        match request.method, parts:
            case "POST", ("v1", "gateways"):
                self._exchange.register(_decode(request.body, Registration))
                return 200, {}
            case "POST", ("v1", "dial"):
                return 201, self._exchange.dial(_decode(request.body, DialOrder))
            case "GET", ("v1", "ledger"):
                return 200, self._exchange.ledger
            case "GET", ("v1", "calls", call_id, "lines"):
                after = _after(target.query)
                return 200, await self._exchange.lines(call_id, after, LINES_SECONDS)
            case _, ("v1", "calls", *rest):
                return await self._calls(request.method, rest, request.body, self._gateway(request))
        raise Refusal(404, "path", "no such path")

    async def _calls(
        self, method: str, rest: list[str], body: bytes, gateway: Gateway
    ) -> tuple[int, object]:
        match method, rest:
            case "POST", []:
                return 201, self._exchange.place(_decode(body, PlaceOrder), gateway)
            case "GET", []:
                return 200, self._exchange.live
            case "GET", [call_id]:
                return 200, self._exchange.view(call_id)
            case "DELETE", [call_id]:
                await self._exchange.hang_up(call_id)
                return 200, {}
            case "POST", [call_id, "commands"]:
                try:
                    instructions = documents.read(body)
                except ValueError as error:
                    raise Refusal(422, "document", str(error)) from error
                self._exchange.command(call_id, instructions)
                return 202, {}
        raise Refusal(404, "path", "no such path")

    def _gateway(self, request: Request) -> Gateway:
        kind, _, encoded = request.header("authorization").partition(" ")
        try:
            pair = base64.b64decode(encoded, validate=True).decode()
        except (binascii.Error, UnicodeError):
            pair = ""
        name, found, secret = pair.partition(":")
        if kind.lower() != "basic" or not found:
            raise Refusal(401, "auth", "basic authentication is missing")
        return self._exchange.authenticate(name, secret)


def _after(query: str) -> int:
    text = parse_qs(query).get("after", ["0"])[0]
    if not (text.isascii() and text.isdigit()):
        raise Refusal(422, "after", "'after' is a number of lines")
    return int(text)


def _decode(body: bytes, kind: type[_Body]) -> _Body:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.MsgspecError as error:
        raise Refusal(422, "body", str(error)) from error
