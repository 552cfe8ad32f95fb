"""What can be asked of a gateway? The one table that stands behind every door."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic

from pydantic import BaseModel

from voicecall import __version__
from voicecall.calls.timing import latency
from voicecall.errors import CallNotFound, ConfigError, InvalidRequest
from voicecall.model.call import CallRecord
from voicecall.rpc import params as ask
from voicecall.rpc import policy_methods as policy
from voicecall.rpc import results as answer
from voicecall.rpc.errands import Errands
from voicecall.rpc.operations import Operations
from voicecall.rpc.params import P, read_params
from voicecall.rpc.summary import summary_object
from voicecall.rpc.wire import call_object, latency_object
from voicecall.service import CallRequest, Service

Payload = dict[str, object]

Reload = Callable[[], Awaitable[Sequence[str]]]
"""Puts the configuration as it is now into force and names the keys that have changed."""


Tally = Callable[[str, Exception | None], None]
"""Is told of every request: the name that was asked for, and why it failed, if it did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RpcContext:
    """What handlers work with; one a gateway, shared by all its doors."""

    service: Service
    errands: Errands
    reload: Reload | None = None
    tally: Tally = lambda name, error: None
    operations: Operations = field(default_factory=Operations)


@dataclass(frozen=True, slots=True, kw_only=True)
class Method(Generic[P]):
    """One method: its name, the models of what it takes and answers, what it does and is for."""

    name: str
    params: type[P]
    result: type[BaseModel]
    handler: Callable[[RpcContext, P], Awaitable[Payload]]
    summary: str


async def invoke(context: RpcContext, name: str, raw: object) -> Payload:
    """Run method `name` with the decoded JSON value `raw` as parameters.

    The work is an errand: cancelling this call does not stop it.

    Raises:
        InvalidRequest: no such method, or parameters that do not fit.
        VoicecallError: what the service raised.
    """
    try:
        payload = await _run(context, name, raw)
    except Exception as error:
        context.tally(name, error)
        raise
    context.tally(name, None)
    return payload


async def _run(context: RpcContext, name: str, raw: object) -> Payload:
    method = METHODS.get(name)
    if method is None:
        raise InvalidRequest(f"unknown method {name[:60]!r}")
    arguments = read_params(method.params, raw)
    return await context.errands.start(partial(method.handler, context, arguments)).result()


async def _initiate(context: RpcContext, wish: ask.Initiate) -> Payload:
    call_id = await context.service.initiate(
        CallRequest(
            to_number=wish.to,
            message=wish.message,
            mode=wish.mode,
            dtmf_sequence=wish.dtmf_sequence,
            session_key=wish.session_key,
            idempotency_key=wish.idempotency_key,
        )
    )
    payload: Payload = {"callId": call_id, "initiated": True}
    if wish.wait:
        record = await _ended(context.service, call_id)
        payload |= {"call": call_object(record), "summary": summary_object(record)}
    return payload


async def _start(context: RpcContext, wish: ask.Start) -> Payload:
    call_id = await context.service.initiate(
        CallRequest(
            to_number=wish.to,
            message=wish.message,
            mode=wish.mode,
            dtmf_sequence=wish.dtmf_sequence,
            session_key=wish.session_key,
        )
    )
    return {"callId": call_id, "initiated": True}


async def _continue(context: RpcContext, wish: ask.Utter) -> Payload:
    transcript = await context.service.continue_call(wish.call_id, wish.message)
    return {"success": True, "transcript": transcript}


async def _continue_start(context: RpcContext, wish: ask.Utter) -> Payload:
    await _existing(context.service, wish.call_id)
    context.operations.require_room()
    errand = context.errands.start(partial(_continue, context, wish))
    return {"operationId": context.operations.add(errand)}


async def _continue_result(context: RpcContext, wish: ask.Result) -> Payload:
    errand = context.operations.find(wish.operation_id)
    return await errand.result() if errand.is_done else {"status": "pending"}


async def _speak(context: RpcContext, wish: ask.Utter) -> Payload:
    await context.service.speak(wish.call_id, wish.message)
    return {"success": True}


async def _dtmf(context: RpcContext, wish: ask.Dtmf) -> Payload:
    await context.service.send_digits(wish.call_id, wish.digits)
    return {"success": True}


async def _end(context: RpcContext, wish: ask.End) -> Payload:
    await context.service.end(wish.call_id)
    return {"success": True}


async def _status(context: RpcContext, wish: ask.Status) -> Payload:
    call_id = wish.call_id or wish.sid
    if call_id is None:
        return {"calls": [call_object(record) for record in context.service.live_calls()]}
    record = await context.service.find(call_id)
    return {"found": False} if record is None else {"found": True, "call": call_object(record)}


async def _history(context: RpcContext, wish: ask.History) -> Payload:
    records = await context.service.history(wish.limit)
    return {"calls": [call_object(record) for record in records]}


async def _latency(context: RpcContext, wish: ask.Latency) -> Payload:
    records = await context.service.history(wish.last)
    return latency_object(latency([record.turns for record in records]))


async def _reload(context: RpcContext, wish: ask.NoParams) -> Payload:
    if context.reload is None:
        raise ConfigError("this gateway cannot reload its configuration; restart it")
    return {"reloaded": True, "changed": list(await context.reload())}


async def _health(context: RpcContext, wish: ask.NoParams) -> Payload:
    return {
        "ok": True,
        "ready": context.service.ready,
        "version": __version__,
        "liveCalls": len(context.service.live_calls()),
    }


async def _existing(service: Service, call_id: str) -> CallRecord:
    record = await service.find(call_id)
    if record is None:
        raise CallNotFound(call_id)
    return record


async def _ended(service: Service, call_id: str) -> CallRecord:
    """The record once the call is over, however often a slow watch is cut off before that."""
    while (record := await _existing(service, call_id)).is_live:
        async with service.watch(call_id) as events:
            async for _ in events:
                pass
    return record


def _table(*methods: Method[Any]) -> Mapping[str, Method[Any]]:
    return {method.name: method for method in methods}


METHODS: Mapping[str, Method[Any]] = _table(
    Method(
        name="voicecall.initiate",
        params=ask.Initiate,
        result=answer.Initiated,
        handler=_initiate,
        summary="Place a call that says a message.",
    ),
    Method(
        name="voicecall.start",
        params=ask.Start,
        result=answer.Started,
        handler=_start,
        summary="Place a call to a number.",
    ),
    Method(
        name="voicecall.continue",
        params=ask.Utter,
        result=answer.Answered,
        handler=_continue,
        summary="Say something on a call and wait for the answer.",
    ),
    Method(
        name="voicecall.continue.start",
        params=ask.Utter,
        result=answer.Begun,
        handler=_continue_start,
        summary="Say something on a call; the answer is asked for later.",
    ),
    Method(
        name="voicecall.continue.result",
        params=ask.Result,
        result=answer.Outcome,
        handler=_continue_result,
        summary="The answer to `voicecall.continue.start`, if it is there yet.",
    ),
    Method(
        name="voicecall.speak",
        params=ask.Utter,
        result=answer.Done,
        handler=_speak,
        summary="Say something on a call.",
    ),
    Method(
        name="voicecall.dtmf",
        params=ask.Dtmf,
        result=answer.Done,
        handler=_dtmf,
        summary="Press keys on a call.",
    ),
    Method(
        name="voicecall.end", params=ask.End, result=answer.Done, handler=_end, summary="Hang up."
    ),
    Method(
        name="voicecall.reload",
        params=ask.NoParams,
        result=answer.Reloaded,
        handler=_reload,
        summary="Put the configuration file as it is now into force, for the calls to come.",
    ),
    Method(
        name="voicecall.status",
        params=ask.Status,
        result=answer.Looked,
        handler=_status,
        summary="Look at one call, or at all live ones.",
    ),
    Method(
        name="voicecall.history",
        params=ask.History,
        result=answer.Calls,
        handler=_history,
        summary="The last calls, newest first.",
    ),
    Method(
        name="voicecall.latency",
        params=ask.Latency,
        result=answer.Waits,
        handler=_latency,
        summary="How long people waited for answers.",
    ),
    Method(
        name="voicecall.policy.explain",
        params=ask.Explain,
        result=answer.PolicyExplained,
        handler=policy.explain,
        summary="What would become of calls to a number and from it, and why.",
    ),
    Method(
        name="voicecall.doNotCall.list",
        params=ask.NoParams,
        result=answer.DoNotCall,
        handler=policy.do_not_call_list,
        summary="The numbers that are not called.",
    ),
    Method(
        name="voicecall.doNotCall.add",
        params=ask.Listed,
        result=answer.ListChanged,
        handler=policy.do_not_call_add,
        summary="Never call a number again.",
    ),
    Method(
        name="voicecall.doNotCall.remove",
        params=ask.Listed,
        result=answer.ListChanged,
        handler=policy.do_not_call_remove,
        summary="Let a number that opted out be called again.",
    ),
    Method(
        name="voicecall.pairing.list",
        params=ask.NoParams,
        result=answer.Pairings,
        handler=policy.pairing_list,
        summary="Strangers who were told a code, and numbers that were paired.",
    ),
    Method(
        name="voicecall.pairing.approve",
        params=ask.Approve,
        result=answer.ListChanged,
        handler=policy.pairing_approve,
        summary="Let the number that was told a code join the allowlist.",
    ),
    Method(
        name="voicecall.pairing.revoke",
        params=ask.Listed,
        result=answer.ListChanged,
        handler=policy.pairing_revoke,
        summary="Take a paired number off the allowlist.",
    ),
    Method(
        name="health",
        params=ask.NoParams,
        result=answer.Health,
        handler=_health,
        summary="Whether the gateway works.",
    ),
)
