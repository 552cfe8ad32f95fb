"""What does the private listener serve? RPC over HTTP, event streams, and health.

::

    POST /rpc/<method>        JSON object or nothing in, the method's payload out
    POST /rpc                 JSON-RPC 2.0
    GET  /calls/<id>/events   server-sent events: what is stored, then live until the call ended,
                              at last the call itself
    GET  /events              the same for all calls, from now on
    GET  /healthz             the process lives (no token)
    GET  /readyz              new calls are admitted, else 503; the public URL (no token)
    GET  /metrics             Prometheus
    GET  /openapi.json        all this for machines (no token)
    POST /mcp                 the Model Context Protocol
    WebSocket, any path       OpenClaw gateway frames

Every error body is ``{"error": {"code", "message", "details"?}}``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

from anyio.abc import TaskGroup
from quart import Quart, Response, request
from werkzeug.exceptions import HTTPException

from voicecall import __version__
from voicecall.rpc.auth import Doorkeeper, Refusal
from voicecall.rpc.errands import Errands
from voicecall.rpc.faults import INVALID_REQUEST
from voicecall.rpc.methods import Reload, RpcContext
from voicecall.rpc.openapi import openapi_document
from voicecall.sdk.clock import SystemClock
from voicecall.service import Service
from voicecall.web.event_stream import event_stream
from voicecall.web.mcp_door import McpDoor
from voicecall.web.metrics import CONTENT_TYPE, Metrics, Sources
from voicecall.web.openclaw_sockets import OpenClawSockets
from voicecall.web.prober import Verdict
from voicecall.web.replies import body_reply, json_reply, knock, refused
from voicecall.web.rpc_routes import add_rpc

MAX_BODY_BYTES = 1024 * 1024
BODY_TIMEOUT_SECONDS = 10

_OPEN_PATHS = frozenset({"/healthz", "/readyz", "/openapi.json"})
_CODE_OF_STATUS = {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED", 413: "TOO_LARGE", 408: "TIMEOUT"}


def gateway_app(
    service: Service,
    *,
    doorkeeper: Doorkeeper,
    tasks: TaskGroup,
    reload: Reload | None = None,
    max_unsent_bytes: int = 1024 * 1024,
    sources: Sources | None = None,
) -> Quart:
    """The web application of the private listener.

    Args:
        service: what it is a door of.
        doorkeeper: decides who may come in.
        tasks: owns what outlives a request: a client that goes away does not cancel a call
            that is being placed.
        reload: puts a changed configuration into force; None: nothing does.
        max_unsent_bytes: for each WebSocket.
        sources: what else is counted in this process, for metrics.
    """
    app = Quart("voicecall.gateway", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.config["BODY_TIMEOUT"] = BODY_TIMEOUT_SECONDS
    metrics = Metrics(service, sources or Sources())
    tasks.start_soon(metrics.follow)
    context = RpcContext(
        service=service, errands=Errands(tasks), reload=reload, tally=metrics.asked
    )
    _guard(app, doorkeeper)
    _add_health(app, service, (sources or Sources()).reach)
    _add_descriptions(app, metrics)
    add_rpc(app, context)
    _add_events(app, service, tasks)
    app.asgi_app = McpDoor(  # type: ignore[method-assign, assignment]
        app.asgi_app, context=context, doorkeeper=doorkeeper, tasks=tasks
    )
    app.asgi_app = OpenClawSockets(  # type: ignore[method-assign, assignment]
        app.asgi_app,
        context=context,
        doorkeeper=doorkeeper,
        clock=SystemClock(),
        max_buffered_bytes=max_unsent_bytes,
    )
    return app


def _guard(app: Quart, doorkeeper: Doorkeeper) -> None:
    @app.before_request
    async def refuse() -> Response | None:
        check = doorkeeper.refuse_address if request.path in _OPEN_PATHS else doorkeeper.refuse
        refusal = check(knock())
        return None if refusal is None else refused(refusal)

    @app.errorhandler(HTTPException)
    async def explain(error: HTTPException) -> Response:
        status = error.code or 500
        code = _CODE_OF_STATUS.get(status, "UNAVAILABLE" if status >= 500 else INVALID_REQUEST)
        reply = json_reply({"error": {"code": code, "message": error.name}}, status)
        for name, value in error.get_headers():
            if name == "Allow":
                reply.headers[name] = value
        return reply


def _add_health(app: Quart, service: Service, reach: Callable[[], Verdict | None]) -> None:
    @app.get("/healthz")
    async def healthz() -> Response:
        return json_reply({"ok": True, "version": __version__})

    @app.get("/readyz")
    async def readyz() -> Response:
        verdict = reach()
        ready = service.ready and (verdict is None or verdict.ready)
        return json_reply({"ready": ready, **_shown(verdict)}, 200 if ready else 503)


def _shown(verdict: Verdict | None) -> dict[str, object]:
    if verdict is None:
        return {}
    shown = {"status": verdict.reached, "url": verdict.url}
    if verdict.problem:
        shown["problem"] = verdict.problem
    if verdict.behind:
        shown["carrier"] = f"does not know this URL: {verdict.behind}"
    return {"publicUrl": shown}


def _add_descriptions(app: Quart, metrics: Metrics) -> None:
    document = openapi_document()

    @app.get("/metrics")
    async def figures() -> Response:
        return body_reply(metrics.page(), kind=CONTENT_TYPE)

    @app.get("/openapi.json")
    async def openapi() -> Response:
        return json_reply(document)


def _add_events(app: Quart, service: Service, tasks: TaskGroup) -> None:
    @app.get("/calls/<path:call_id>/events")
    async def of_call(call_id: str) -> Response:
        record = await service.find(call_id)
        if record is None:
            return refused(Refusal(status=404, code=INVALID_REQUEST, message="Call not found"))
        return _streamed(event_stream(service, record.call_id, tasks))

    @app.get("/events")
    async def of_all() -> Response:
        return _streamed(event_stream(service, None, tasks))


def _streamed(events: AsyncIterator[bytes]) -> Response:
    reply = Response(events, content_type="text/event-stream")
    reply.headers["Cache-Control"] = "no-store"
    # nginx would collect events until its buffer is full.
    reply.headers["X-Accel-Buffering"] = "no"
    reply.timeout = None
    return reply
