"""What does the network know? Gateways, calls, and every order that it ever received."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import anyio
import httpx
from anyio.abc import TaskGroup
from pydantic import ValidationError

from voicecall.sdk import CallId, Direction, Instruction, is_e164, same
from voicecall_mock.config import Phone
from voicecall_mock.network.call import NetworkCall
from voicecall_mock.network.courier import Courier
from voicecall_mock.network.plan import CallPlan
from voicecall_mock.network.studio import Studio
from voicecall_mock.network.tools import NetworkTools
from voicecall_mock.orders import CallView, DialOrder, LedgerEntry, PlaceOrder, Registration

INBOUND_RING_SECONDS = 60.0
INBOUND_LONGEST_SECONDS = 4 * 3600.0
REPORTED_SECONDS = 2.0
"""How long, in real seconds, a hang-up waits until the gateway has been told everything."""
SHUT_DOWN_SECONDS = 3.0


class Refusal(Exception):
    """A request that the network refuses, as an HTTP status, a code and a message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


@dataclass(slots=True)
class Gateway:
    """A gateway that registered, as it last did."""

    registration: Registration
    phones: dict[str, Phone]
    default_phone: Phone | None

    @property
    def secret(self) -> str:
        """The key that signs its webhooks."""
        return self.registration.secret


class Exchange:
    """The network's whole state.

    Args:
        tools: what it is made with.
        client: posts webhooks.
        tasks: where calls and speech backends live.
    """

    def __init__(self, tools: NetworkTools, client: httpx.AsyncClient, tasks: TaskGroup) -> None:
        self._tools = tools
        self._client = client
        self._tasks = tasks
        self._studio = Studio(tools.speech, tasks, tools.logger)
        self._gateways: dict[str, Gateway] = {}
        self._calls: dict[str, NetworkCall] = {}
        self._ended: dict[str, CallView] = {}
        self._ledger: dict[str, LedgerEntry] = {}

    # -- gateways

    def register(self, registration: Registration) -> None:
        """Take up a gateway, or what has changed about it.

        Raises:
            Refusal: its key is not the one that it registered with, or it runs at another speed.
        """
        known = self._gateways.get(registration.gateway_id)
        if known is not None and not same(known.secret, registration.secret):
            raise Refusal(401, "auth", "this gateway registered with another secret")
        scale = self._tools.clock.scale
        if registration.time_scale != scale:
            raise Refusal(
                409,
                "time-scale",
                f"the network runs {scale:g} times faster than life, the gateway "
                f"{registration.time_scale:g} times; set mock.timeScale and --time-scale alike",
            )
        try:
            phones = {n: Phone.model_validate(raw) for n, raw in registration.phones.items()}
            default = registration.default_phone
            fallback = None if default is None else Phone.model_validate(default)
        except ValidationError as error:
            raise Refusal(422, "phones", f"the phones cannot be used: {error}") from error
        self._gateways.pop(registration.gateway_id, None)
        self._gateways[registration.gateway_id] = Gateway(registration, phones, fallback)

    def authenticate(self, gateway_id: str, secret: str) -> Gateway:
        """The gateway that sends a request.

        Raises:
            Refusal: nobody with this name and key has registered.
        """
        gateway = self._gateways.get(gateway_id)
        if gateway is None or not same(gateway.secret, secret):
            raise Refusal(401, "auth", "unknown gateway; register first")
        return gateway

    def _phone(self, gateway: Gateway, number: str) -> Phone:
        config = self._tools.config
        scripted = gateway.phones.get(number) or config.phones.get(number)
        return scripted or gateway.default_phone or config.default_phone

    # -- calls

    def place(self, order: PlaceOrder, gateway: Gateway) -> CallView:
        """Dial; an order that was placed before gives its call again.

        Raises:
            Refusal: the number is none.
        """
        known = self._ledger.get(order.order_id)
        if known is not None:
            again = LedgerEntry(
                order_id=known.order_id,
                id=known.id,
                received=known.received + 1,
                dialled=known.dialled,
            )
            self._ledger[order.order_id] = again
            return self.view(known.id)
        if not is_e164(order.to_number):
            raise Refusal(422, "number", "'toNumber' is no E.164 number")
        plan = CallPlan(
            id=_new_id(),
            direction=Direction.OUTBOUND,
            from_number=order.from_number,
            to_number=order.to_number,
            ring_timeout=order.ring_timeout_seconds,
            max_duration=order.max_duration_seconds,
            order_id=CallId(order.order_id),
            dtmf_sequence=order.dtmf_sequence,
            detect_machine=order.detect_machine,
        )
        self._ledger[order.order_id] = LedgerEntry(
            order_id=order.order_id, id=plan.id, received=1, dialled=1
        )
        phone = self._phone(gateway, order.to_number)
        return self._begin(plan, gateway, phone, order.callback_url)

    def dial(self, order: DialOrder) -> CallView:
        """A phone calls `to_number`: the gateway of that number, else the newest.

        Raises:
            Refusal: a number is none, or no gateway has registered.
        """
        if not is_e164(order.from_number) or not is_e164(order.to_number):
            raise Refusal(422, "number", "'fromNumber' and 'toNumber' are E.164 numbers")
        gateways = list(reversed(self._gateways.values()))
        if not gateways:
            raise Refusal(409, "no-gateway", "no gateway has registered at this network")
        mine = [each for each in gateways if order.to_number in each.registration.numbers]
        gateway = (mine or gateways)[0]
        plan = CallPlan(
            id=_new_id(),
            direction=Direction.INBOUND,
            from_number=order.from_number,
            to_number=order.to_number,
            ring_timeout=INBOUND_RING_SECONDS,
            max_duration=INBOUND_LONGEST_SECONDS,
        )
        phone = self._phone(gateway, order.from_number)
        return self._begin(plan, gateway, phone, gateway.registration.webhook_url)

    def view(self, any_id: str) -> CallView:
        """A call, by the network's id or the gateway's.

        Raises:
            Refusal: nobody knows it.
        """
        call = self._find(any_id)
        return call.view() if call is not None else self._ended[self._resolve(any_id)]

    def command(self, any_id: str, instructions: tuple[Instruction, ...]) -> None:
        """Carry out `instructions`.

        Raises:
            Refusal: nobody knows the call, it is over, or it is not answered yet.
        """
        call = self._find(any_id)
        if call is None or call.over.is_set():
            raise Refusal(410, "ended", "the call is over")
        if not call.takes_instructions:
            raise Refusal(409, "ringing", "the call is not answered yet")
        call.instruct(instructions)

    async def hang_up(self, any_id: str) -> None:
        """End a call; returns when its last webhook was delivered, or after a while.

        Raises:
            Refusal: nobody knows the call.
        """
        call = self._find(any_id)
        if call is not None:
            call.hang_up()
            with anyio.move_on_after(REPORTED_SECONDS):
                await call.reported.wait()

    async def lines(self, any_id: str, after: int, patience: float) -> dict[str, Any]:
        """The lines of a call from number `after` on; waits for the next one or the end."""
        call = self._find(any_id)
        if call is None:
            view, over = self.view(any_id), True
        else:
            with anyio.move_on_after(patience):
                while len(call.journal.lines) <= after and not call.finished.is_set():
                    await call.journal.changed()
            view, over = call.view(), call.finished.is_set()
        return {"lines": view.lines[after:], "over": over, "cause": view.cause}

    @property
    def ledger(self) -> tuple[LedgerEntry, ...]:
        """Every order that was ever received."""
        return tuple(self._ledger.values())

    @property
    def live(self) -> tuple[CallView, ...]:
        """Every call that is not over."""
        return tuple(call.view() for call in self._calls.values() if not call.over.is_set())

    async def shut_down(self) -> None:
        """Lose what is still up, and give what has ended a moment to be kept."""
        calls = list(self._calls.values())
        for call in calls:
            call.lose("the network was shut down", hurry=True)
        with anyio.move_on_after(SHUT_DOWN_SECONDS):
            for call in calls:
                await call.finished.wait()

    def _find(self, any_id: str) -> NetworkCall | None:
        return self._calls.get(self._resolve(any_id))

    def _resolve(self, any_id: str) -> str:
        order = self._ledger.get(any_id)
        call_id = any_id if order is None else order.id
        if call_id not in self._calls and call_id not in self._ended:
            raise Refusal(404, "unknown", "no such call")
        return call_id

    def _begin(self, plan: CallPlan, gateway: Gateway, phone: Phone, url: str) -> CallView:
        gateway_id = gateway.registration.gateway_id
        courier = Courier(
            client=self._client,
            url=url,
            key=lambda: self._gateways[gateway_id].secret,
            clock=self._tools.clock,
            chaos=self._tools.config.chaos,
            seed=str(len(self._calls) + len(self._ended)),
            logger=self._tools.logger,
        )
        call = NetworkCall(
            plan,
            phone=phone,
            courier=courier,
            client=self._client,
            studio=self._studio,
            tools=self._tools,
        )
        self._calls[call.id] = call
        self._tasks.start_soon(self._live, call)
        return call.view()

    async def _live(self, call: NetworkCall) -> None:
        try:
            await call.run()
        finally:
            self._ended[call.id] = call.view()
            del self._calls[call.id]


def _new_id() -> str:
    return f"MC{uuid4().hex}"
