"""What does the private listener serve? RPC over HTTP, event streams, and health.

::

    POST /rpc/<method>        JSON object or nothing in, the method's payload out
    GET  /calls/<id>/events   server-sent events: what is stored, then live until the call ended,
                              at last the call itself
    GET  /events              the same for all calls, from now on
    GET  /healthz             the process lives (no token)
    GET  /readyz              new calls are admitted, else 503 (no token)

Every error body is ``{"error": {"code", "message", "details"?}}``.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

from anyio.abc import TaskGroup
from quart import Quart, Response, request
from werkzeug.exceptions import HTTPException

from voicecall import __version__
from voicecall.errors import InvalidRequest
from voicecall.rpc.auth import Doorkeeper, Knock, Refusal
from voicecall.rpc.errands import Errands
from voicecall.rpc.faults import INVALID_REQUEST, fault_of
from voicecall.rpc.methods import METHODS, RpcContext, invoke
from voicecall.service import Service
from voicecall.web.event_stream import event_stream

MAX_BODY_BYTES = 1024 * 1024
BODY_TIMEOUT_SECONDS = 10

_OPEN_PATHS = frozenset({"/healthz", "/readyz"})
_STATUS_OF_CODE = {INVALID_REQUEST: 400}
_CODE_OF_STATUS = {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED", 413: "TOO_LARGE", 408: "TIMEOUT"}


def gateway_app(service: Service, *, token: str, bind: str, tasks: TaskGroup) -> Quart:
    """The web application of the private listener.

    Args:
        service: what it is a door of.
        token: what clients must show.
        bind: the address that it will be bound to, for the check of Host.
        tasks: owns what outlives a request: a client that goes away does not cancel a call
            that is being placed.
    """
    app = Quart("voicecall.gateway", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.config["BODY_TIMEOUT"] = BODY_TIMEOUT_SECONDS
    context = RpcContext(service=service, errands=Errands(tasks))
    _guard(app, Doorkeeper(token=token, bind=bind))
    _add_health(app, service)
    _add_rpc(app, context)
    _add_events(app, service, tasks)
    return app


def _guard(app: Quart, doorkeeper: Doorkeeper) -> None:
    @app.before_request
    async def refuse() -> Response | None:
        check = doorkeeper.refuse_address if request.path in _OPEN_PATHS else doorkeeper.refuse
        refusal = check(_knock())
        return None if refusal is None else _refused(refusal)

    @app.errorhandler(HTTPException)
    async def explain(error: HTTPException) -> Response:
        status = error.code or 500
        code = _CODE_OF_STATUS.get(status, "UNAVAILABLE" if status >= 500 else INVALID_REQUEST)
        reply = _json({"error": {"code": code, "message": error.name}}, status)
        for name, value in error.get_headers():
            if name == "Allow":
                reply.headers[name] = value
        return reply


def _add_health(app: Quart, service: Service) -> None:
    @app.get("/healthz")
    async def healthz() -> Response:
        return _json({"ok": True, "version": __version__})

    @app.get("/readyz")
    async def readyz() -> Response:
        return _json({"ready": service.ready}, 200 if service.ready else 503)


def _add_rpc(app: Quart, context: RpcContext) -> None:
    @app.post("/rpc/<method>")
    async def rpc(method: str) -> Response:
        body = await request.get_data(as_text=False)
        try:
            payload = await invoke(context, method, _decoded(body))
        except Exception as error:
            fault = fault_of(error)
            status = 404 if method not in METHODS else _STATUS_OF_CODE.get(fault.code, 503)
            return _json({"error": fault.as_json()}, status)
        return _json(payload)


def _add_events(app: Quart, service: Service, tasks: TaskGroup) -> None:
    @app.get("/calls/<path:call_id>/events")
    async def of_call(call_id: str) -> Response:
        record = await service.find(call_id)
        if record is None:
            return _refused(Refusal(status=404, code=INVALID_REQUEST, message="Call not found"))
        return _streamed(event_stream(service, record.call_id, tasks))

    @app.get("/events")
    async def of_all() -> Response:
        return _streamed(event_stream(service, None, tasks))


def _knock() -> Knock:
    return Knock(
        hosts=request.headers.getlist("Host"),
        origins=request.headers.getlist("Origin"),
        authorizations=request.headers.getlist("Authorization"),
        query_string=request.query_string.decode("latin-1"),
    )


def _decoded(body: str | bytes) -> object:
    if not body.strip():
        return None
    try:
        return json.loads(body)
    except ValueError:
        raise InvalidRequest("the body is not JSON") from None
    except RecursionError:
        raise InvalidRequest("the body is nested too deeply") from None


def _json(payload: object, status: int = 200) -> Response:
    text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    reply = Response(text, status=status, content_type="application/json")
    reply.headers["Cache-Control"] = "no-store"
    reply.headers["X-Content-Type-Options"] = "nosniff"
    return reply


def _refused(refusal: Refusal) -> Response:
    reply = _json({"error": {"code": refusal.code, "message": refusal.message}}, refusal.status)
    if refusal.status == 401:
        reply.headers["WWW-Authenticate"] = "Bearer"
    return reply


def _streamed(events: AsyncIterator[bytes]) -> Response:
    reply = Response(events, content_type="text/event-stream")
    reply.headers["Cache-Control"] = "no-store"
    reply.timeout = None
    return reply
