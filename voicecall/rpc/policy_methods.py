"""What do operators ask policy, and tell it? Handlers of methods about numbers, not calls."""

from __future__ import annotations

from typing import Protocol

from voicecall.calls.assessment import Explanation, Ruling
from voicecall.calls.number_lists import ListedNumber
from voicecall.calls.pairing import Pairing
from voicecall.rpc import params as ask
from voicecall.service import Service

Payload = dict[str, object]


class Context(Protocol):
    """What these handlers work with."""

    @property
    def service(self) -> Service:
        """The application."""
        ...


def explanation_object(explanation: Explanation) -> Payload:
    """`explanation` as every door shows it."""
    return {
        "number": explanation.number,
        "outbound": _ruling(explanation.outbound),
        "inbound": _ruling(explanation.inbound),
    }


async def explain(context: Context, wish: ask.Explain) -> Payload:
    """`voicecall.policy.explain`."""
    found = await context.service.policy.explain(wish.number, wish.attestation)
    return explanation_object(found)


async def do_not_call_list(context: Context, wish: ask.NoParams) -> Payload:
    """`voicecall.doNotCall.list`."""
    policy = context.service.policy
    configured = [
        {"number": number, "source": "config"} for number in policy.configured_do_not_call
    ]
    return {"numbers": [*configured, *map(_opted_out, await policy.do_not_call())]}


async def do_not_call_add(context: Context, wish: ask.Listed) -> Payload:
    """`voicecall.doNotCall.add`."""
    return _done(await context.service.policy.add_do_not_call(wish.number))


async def do_not_call_remove(context: Context, wish: ask.Listed) -> Payload:
    """`voicecall.doNotCall.remove`."""
    return _done(await context.service.policy.remove_do_not_call(wish.number))


async def pairing_list(context: Context, wish: ask.NoParams) -> Payload:
    """`voicecall.pairing.list`."""
    pairing = context.service.policy.pairing
    return {
        "pending": [_pending(pairing, entry) for entry in await pairing.pending()],
        "paired": [
            {"number": entry.number, "pairedAt": round(entry.at * 1000)}
            for entry in await pairing.paired()
        ],
    }


async def pairing_approve(context: Context, wish: ask.Approve) -> Payload:
    """`voicecall.pairing.approve`."""
    return _done(await context.service.policy.pairing.approve(wish.code))


async def pairing_revoke(context: Context, wish: ask.Listed) -> Payload:
    """`voicecall.pairing.revoke`."""
    await context.service.policy.pairing.revoke(wish.number)
    return _done(wish.number)


def _done(number: str) -> Payload:
    return {"success": True, "number": number}


def _ruling(ruling: Ruling) -> Payload:
    refusal = ruling.refusal
    payload: Payload = {"allowed": refusal is None}
    if refusal is not None:
        payload |= {"reason": refusal.reason, "rule": refusal.rule, "why": refusal.why}
    rules = []
    for verdict in ruling.verdicts:
        row: Payload = {"rule": verdict.rule, "allowed": verdict.allows, "why": verdict.why}
        rules.append(row if verdict.reason is None else row | {"reason": verdict.reason})
    return payload | {"rules": rules}


def _opted_out(entry: ListedNumber) -> Payload:
    listed: Payload = {
        "number": entry.number,
        "source": entry.source,
        "addedAt": round(entry.at * 1000),
    }
    return listed if entry.call_id is None else listed | {"callId": entry.call_id}


def _pending(pairing: Pairing, entry: ListedNumber) -> Payload:
    return {
        "code": entry.code,
        "number": entry.number,
        "askedAt": round(entry.at * 1000),
        "expiresAt": round(pairing.expires(entry) * 1000),
        "calls": entry.calls,
    }
