"""What does the private listener serve, for machines? Its OpenAPI document, from the one table.

https://spec.openapis.org/oas/v3.1.0
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from voicecall import __version__
from voicecall.rpc.faults import INVALID_REQUEST, Fault
from voicecall.rpc.methods import METHODS, Method
from voicecall.rpc.wire import EVENT_NAMES

Json = dict[str, Any]

_REF = "#/components/schemas/{model}"
_STATUS_OF_KIND = {"conflict": 409}

_REFUSALS = {
    "400": "The request is not what the method takes; nothing was done.",
    "401": "The token is missing or wrong, or stands in the query string.",
    "403": "The request comes from the wrong side: a Host or Origin that is not ours.",
    "404": "There is nothing under this path.",
    "408": "The body did not arrive in time.",
    "409": "The idempotency key belongs to another request.",
    "413": "The body is too large.",
    "503": "It could not be done; `error.details.kind` says why.",
}
_ENTRY = ("401", "403")
_BODY = (*_ENTRY, "408", "413")


def status_of(fault: Fault) -> int:
    """The HTTP status that tells of `fault`."""
    other = 400 if fault.code == INVALID_REQUEST else 503
    return _STATUS_OF_KIND.get(fault.kind, other)


def openapi_document() -> Json:
    """The document; holds no secret."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "voicecall gateway",
            "version": __version__,
            "summary": "Phone calls: place, steer and look at them.",
            "description": "Two doors on the same port have descriptions of their own: the Model"
            " Context Protocol at `/mcp`, and OpenClaw gateway frames on a WebSocket at any path.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "security": [{"token": []}],
        "tags": [{"name": name} for name in ("methods", "events", "health")],
        "paths": {f"/rpc/{name}": {"post": _of(each)} for name, each in METHODS.items()} | _PATHS,
        "components": {
            "schemas": _schemas() | _SCHEMAS,
            "responses": {status: _refusal(text) for status, text in _REFUSALS.items()},
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "`gateway.token`, or the one in the state directory.",
                }
            },
        },
    }


def _of(method: Method[Any]) -> Json:
    required = any(field.is_required() for field in method.params.model_fields.values())
    statuses = ("400", "409", "503") if "idempotency_key" in method.params.model_fields else ()
    return {
        "operationId": method.name,
        "tags": ["methods"],
        "summary": method.summary,
        "requestBody": {"required": required, "content": _json_of(method.params)},
        "responses": {
            "200": {"description": "It was done.", "content": _json_of(method.result)},
            **_refusals(*_BODY, *(statuses or ("400", "503"))),
        },
    }


def _json_of(model: type[BaseModel] | str) -> Json:
    name = model if isinstance(model, str) else model.__name__
    return {"application/json": {"schema": {"$ref": _REF.format(model=name)}}}


def _schemas() -> Json:
    models: dict[type[BaseModel], None] = {}
    for method in METHODS.values():
        models |= {method.params: None, method.result: None}
    _, schema = models_json_schema([(model, "validation") for model in models], ref_template=_REF)
    return dict(schema["$defs"])


def _refusals(*statuses: str) -> Json:
    return {each: {"$ref": f"#/components/responses/{each}"} for each in sorted(statuses)}


def _refusal(text: str) -> Json:
    return {"description": text, "content": _json_of("Refusal")}


def _object(required: tuple[str, ...] = (), **properties: Json) -> Json:
    return {
        "type": "object",
        "required": list(required or properties),
        "properties": properties,
        "additionalProperties": False,
    }


_TEXT: Json = {"type": "string", "minLength": 1}
_KIND = {"type": "object", "required": ["kind"], "properties": {"kind": _TEXT}}
_ID: Json = {"type": ["string", "number", "null"]}
_VERSION: Json = {"const": "2.0"}

_SCHEMAS: Json = {
    "Refusal": _object(
        error=_object(("code", "message"), code=_TEXT, message=_TEXT, details=_KIND)
    ),
    "Lives": _object(ok={"const": True}, version=_TEXT),
    "Readiness": _object(
        ("ready",),
        ready={"type": "boolean"},
        publicUrl=_object(
            ("status", "url"),
            status={"enum": ["unchecked", "reachable", "unreachable"]},
            url=_TEXT,
            problem=_TEXT,
        ),
    ),
    "ServerSentEvent": {
        "type": "object",
        "description": "One event as it arrives; comment lines in between are signs of life.",
        "required": ["event", "data"],
        "properties": {
            "id": {"type": "string", "description": "`number`, of an event that is stored"},
            "event": {"enum": [*EVENT_NAMES, "call"]},
            "data": {
                "type": "string",
                "contentMediaType": "application/json",
                "contentSchema": {
                    "type": "object",
                    "required": ["type", "callId", "number", "at"],
                    "properties": {
                        "type": {"enum": [*EVENT_NAMES, "call"]},
                        "callId": _TEXT,
                        "number": {"type": "integer"},
                        "at": {"type": "integer", "description": "milliseconds since 1970"},
                    },
                },
            },
        },
    },
    "RpcRequest": {
        "type": "object",
        "required": ["jsonrpc", "method"],
        "properties": {
            "jsonrpc": _VERSION,
            "id": _ID,
            "method": {"type": "string", "examples": ["health"]},
            "params": {"type": ["object", "array"]},
        },
    },
    "RpcRequests": {
        "anyOf": [
            {"$ref": _REF.format(model="RpcRequest")},
            {"type": "array", "items": {"$ref": _REF.format(model="RpcRequest")}, "minItems": 1},
        ]
    },
    "RpcResponse": {
        "oneOf": [
            _object(jsonrpc=_VERSION, id=_ID, result={"type": "object"}),
            _object(
                jsonrpc=_VERSION,
                id=_ID,
                error=_object(
                    code={"type": "integer"},
                    message=_TEXT,
                    data=_object(code=_TEXT, details=_KIND),
                ),
            ),
        ]
    },
    "RpcResponses": {
        "anyOf": [
            {"$ref": _REF.format(model="RpcResponse")},
            {"type": "array", "items": {"$ref": _REF.format(model="RpcResponse")}, "minItems": 1},
        ]
    },
}


def _events(name: str, summary: str, *statuses: str, **more: Any) -> Json:
    schema = {"$ref": _REF.format(model="ServerSentEvent")}
    told = {"description": summary, "content": {"text/event-stream": {"schema": schema}}}
    return {
        "get": {
            "operationId": name,
            "tags": ["events"],
            "summary": summary,
            "responses": {"200": told, **_refusals(*statuses)},
            **more,
        }
    }


def _open(name: str, summary: str, model: str, *statuses: str) -> Json:
    """What needs no token and answers in one form whatever its status."""
    told = {status: {"description": summary, "content": _json_of(model)} for status in statuses}
    operation = {"operationId": name, "tags": ["health"], "summary": summary, "security": []}
    return {"get": {**operation, "responses": {**told, **_refusals("403")}}}


_PATHS: Json = {
    "/rpc": {
        "post": {
            "operationId": "jsonRpc",
            "tags": ["methods"],
            "summary": "JSON-RPC 2.0: one request, or several in a batch, run in their order.",
            "requestBody": {"required": True, "content": _json_of("RpcRequests")},
            "responses": {
                "200": {"description": "Answers.", "content": _json_of("RpcResponses")},
                "204": {"description": "Nothing but notifications was asked."},
                **_refusals(*_BODY),
            },
        }
    },
    "/calls/{callId}/events": _events(
        "callEvents",
        "Server-sent events of a call, stored ones first, until it has ended; then the call.",
        *_ENTRY,
        "404",
        parameters=[
            {
                "name": "callId",
                "in": "path",
                "required": True,
                "description": "id of the call, ours or the carrier's",
                "schema": _TEXT,
            }
        ],
    ),
    "/events": _events("events", "Server-sent events of all calls, from now on.", *_ENTRY),
    "/healthz": _open("healthz", "The process lives.", "Lives", "200"),
    "/readyz": _open("readyz", "New calls are taken; 503: not now.", "Readiness", "200", "503"),
    "/metrics": {
        "get": {
            "operationId": "metrics",
            "tags": ["health"],
            "summary": "Figures for Prometheus, in its text format.",
            "responses": {
                "200": {
                    "description": "Figures.",
                    "content": {"text/plain": {"schema": {"type": "string"}}},
                },
                **_refusals(*_ENTRY),
            },
        }
    },
    "/openapi.json": {
        "get": {
            "operationId": "openapi",
            "tags": ["health"],
            "summary": "This document.",
            "security": [],
            "responses": {
                "200": {
                    "description": "This document.",
                    "content": {"application/json": {"schema": {"type": "object"}}},
                },
                **_refusals("403"),
            },
        }
    },
}
