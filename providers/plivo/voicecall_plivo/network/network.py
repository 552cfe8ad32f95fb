"""What is Plivo's live double? Its REST API on loopback, and the calls that it carries.

https://www.plivo.com/docs/voice/api/call
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote
from uuid import uuid4

from voicecall.sdk import Direction, same
from voicecall_conformance import RestAnswer, RestRequest
from voicecall_conformance.phones import CarrierNetwork, Leg, Surroundings
from voicecall_plivo.double import orders
from voicecall_plivo.network.answers import (
    APPLICATION,
    account_resource,
    answer_json,
    refusal,
    unauthorized,
)
from voicecall_plivo.network.call import PlivoCall
from voicecall_plivo.network.courier import Courier, Hook
from voicecall_plivo.network.habits import Habits
from voicecall_plivo.network.order import Order, application, called, ordered
from voicecall_plivo.network.stream import StreamTools

AUTH_ID = "MAXXXXXXXXXXXXXXXXXX"
AUTH_TOKEN = "the-token-of-the-double"
RING_SECONDS = 120
LONGEST_SECONDS = 14_400


class PlivoNetwork(CarrierNetwork):
    """Plivo, with phones behind it. `habits` may be set before a call begins."""

    name: ClassVar[str] = "plivo"

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around)
        self.habits = Habits()
        self.token = AUTH_TOKEN
        self.application = application(around.webhook_url)
        """The URLs of the application that the number is assigned to."""
        self._calls: dict[str, PlivoCall] = {}
        self._requests: dict[str, PlivoCall] = {}

    def section(self) -> Mapping[str, object]:
        """An account of this Plivo."""
        return {"authId": AUTH_ID, "authToken": self.token, "apiBaseUrl": self.base_url}

    def renew_secrets(self) -> None:
        """The account gets another token."""
        self.token = f"{self.token}-of-today"

    def new_call_id(self) -> str:
        """Of a call, or of an order."""
        return str(uuid4())

    def offer(self, leg: Leg) -> PlivoCall:
        """A caller; the number's application says who is asked."""
        return self._carry(leg, called(self.application))

    # -- the REST API

    def answer(self, request: RestRequest) -> RestAnswer:
        """The resources below the one account."""
        account, *path = request.path.removeprefix("/v1/Account/").rstrip("/").split("/")
        expected = f"Basic {b64encode(f'{AUTH_ID}:{self.token}'.encode()).decode()}"
        if account != AUTH_ID or not same(request.headers.get("authorization", ""), expected):
            return unauthorized()
        if not request.path.endswith("/"):
            return refusal(404, "not found")
        try:
            return self._answer(request, [unquote(segment) for segment in path])
        except ValueError as error:
            self.fault(f"{request.method} {request.path}: {error}")
            return refusal(400, str(error))

    def _answer(self, request: RestRequest, path: Sequence[str]) -> RestAnswer:
        match request.method, *path:
            case "POST", "Call":
                return self._dial(orders.read_order(request.body, orders.MAKE_CALL))
            case "GET", "Call":
                return self._list(parse_qs(request.query).get("status", [""])[0])
            case "GET", "Call", call:
                return self._tell(call, parse_qs(request.query).get("status", [""])[0])
            case "POST", "Call", call:
                return self._transfer(call, orders.read_order(request.body, orders.TRANSFER))
            case "POST", "Call", call, "DTMF":
                return self._press(call, orders.read_order(request.body, orders.DTMF))
            case "DELETE", "Call", call:
                orders.read_order(request.body, orders.EMPTY)
                return self._hang_up(self._calls.get(call))
            case "DELETE", "Request", ordered_as:
                orders.read_order(request.body, orders.EMPTY)
                call_ordered = self._requests.get(ordered_as)
                waits = call_ordered is not None and not call_ordered.leg.answered
                return self._hang_up(call_ordered if waits else None)
            case "POST", "Application", app_id if app_id == APPLICATION:
                changes = orders.read_order(request.body, orders.UPDATE_APPLICATION)
                self.application.update(changes)
                return answer_json({"message": "changed"}, status=202)
            case "GET", *rest:
                return account_resource(AUTH_ID, rest, application=self.application)
        return refusal(404, "not found")

    def _dial(self, order: Mapping[str, Any]) -> RestAnswer:
        requests = [self._call(order, to) for to in str(order["to"]).split("<")]
        told: object = requests if len(requests) > 1 else requests[0]
        message = "calls fired" if len(requests) > 1 else "call fired"
        return answer_json({"message": message, "request_uuid": told}, status=201)

    def _call(self, order: Mapping[str, Any], to: str) -> str:
        request = self.new_call_id()
        ring = int(order.get("ring_timeout", RING_SECONDS))
        leg = self.leg(
            self.new_call_id() if self.habits.own_call_uuid else request,
            to=_e164(to),
            from_number=_e164(str(order["from"])),
            direction=Direction.OUTBOUND,
            ring_seconds=float(min(ring, int(order.get("hangup_on_ring", ring)))),
            longest_seconds=float(order.get("time_limit", LONGEST_SECONDS)),
        )
        call = self._requests[request] = self._carry(leg, ordered(order, request=request))
        self.begin(leg, call)
        return request

    def _carry(self, leg: Leg, order: Order) -> PlivoCall:
        call = self._calls[leg.id] = PlivoCall(
            leg,
            order,
            courier=Courier(token=self.token, habits=self.habits, poster=self.poster(leg.id)),
            client=self.client,
            clock=self.around.clock,
            streams=StreamTools(
                account=AUTH_ID,
                token=self.token,
                habits=self.habits,
                reach=self.reach,
                clock=self.around.clock,
                fault=self.fault,
            ),
        )
        self.tasks.start_soon(call.report)
        return call

    def _tell(self, call_uuid: str, status: str) -> RestAnswer:
        call = self._calls.get(call_uuid)
        if status == "queued":
            call = self._requests.get(call_uuid, call)
        if call is not None and status == "live" and call.live:
            return answer_json(call.view())
        if call is not None and status == "queued" and call.queued:
            return answer_json(call.view())
        if call is not None and not status and call.leg.end is not None:
            return answer_json(call.history())
        return refusal(404, "call not found")

    def _list(self, status: str) -> RestAnswer:
        wanted = [
            uuid
            for uuid, call in self._calls.items()
            if (status == "live" and call.live) or (status == "queued" and call.queued)
        ]
        return answer_json({"calls": wanted})

    def _transfer(self, call_uuid: str, order: Mapping[str, Any]) -> RestAnswer:
        call = self._up(call_uuid)
        if call is None:
            return refusal(404, "call not found")
        if order.get("legs", "aleg") != "aleg":
            raise ValueError("the call has no bleg")
        if "aleg_url" not in order:
            raise ValueError("aleg_url is mandatory")
        call.transfer(Hook(url=order["aleg_url"], method=order.get("aleg_method", "POST")))
        message = {"message": "call transferred", "call_uuids": [call_uuid]}
        return answer_json(message, status=202)

    def _press(self, call_uuid: str, order: Mapping[str, Any]) -> RestAnswer:
        call = self._up(call_uuid)
        if call is None:
            return refusal(404, "call not found")
        call.press(order["digits"])
        return answer_json({"message": "digits sent"}, status=202)

    def _hang_up(self, call: PlivoCall | None) -> RestAnswer:
        if call is None or call.leg.end is not None:
            return refusal(404, "call not found")
        call.leg.hang_up()
        return RestAnswer(status=204)

    def _up(self, call_uuid: str) -> PlivoCall | None:
        """A call that was answered and is not over."""
        call = self._calls.get(call_uuid)
        return call if call is not None and call.live and call.leg.answered else None


def _e164(number: str) -> str:
    return number if number.startswith("sip:") else f"+{number}"
