"""How are methods asked for over HTTP? One a path, or in JSON-RPC 2.0."""

from __future__ import annotations

from quart import Quart, Response, request

from voicecall.rpc import jsonrpc
from voicecall.rpc.faults import Fault, fault_of
from voicecall.rpc.json_text import read_json
from voicecall.rpc.methods import METHODS, Payload, RpcContext, invoke
from voicecall.rpc.openapi import status_of
from voicecall.web.replies import body_reply, json_reply


def add_rpc(app: Quart, context: RpcContext) -> None:
    """Serve ``POST /rpc/<method>`` and ``POST /rpc``."""

    @app.post("/rpc/<method>")
    async def rpc(method: str) -> Response:
        body = await request.get_data(cache=False, as_text=False, parse_form_data=False)
        try:
            return json_reply(await invoke(context, method, read_json(body)))
        except Exception as error:
            fault = fault_of(error)
            status = status_of(fault) if method in METHODS else 404
            return json_reply({"error": fault.as_json()}, status)

    @app.post("/rpc")
    async def json_rpc() -> Response:
        message = jsonrpc.read(
            await request.get_data(cache=False, as_text=False, parse_form_data=False)
        )
        body = message.reply([await _outcome(context, ask) for ask in message.asks])
        if body is None:
            nothing = Response(status=204)
            del nothing.headers["Content-Type"]
            return nothing
        return body_reply(body)


async def _outcome(context: RpcContext, ask: jsonrpc.Ask) -> Payload | Fault:
    try:
        return await invoke(context, ask.method, ask.params)
    except Exception as error:
        return fault_of(error)
