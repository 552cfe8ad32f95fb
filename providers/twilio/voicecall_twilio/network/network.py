"""What is the live double of Twilio? Its REST API for one account, and the calls behind it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from urllib.parse import parse_qsl, unquote
from uuid import uuid4

from voicecall_conformance import RestAnswer, RestRequest
from voicecall_conformance.phones import CarrierNetwork, Leg, Surroundings
from voicecall_twilio.network.account import NOT_FOUND, ROOT, answer, resource
from voicecall_twilio.network.call import Exchange, TwilioCall
from voicecall_twilio.network.orders import Plan, called, ordered, wanted
from voicecall_twilio.network.phrases import ACCOUNT
from voicecall_twilio.network.resource import Fields, Refused, only, read_create, read_update
from voicecall_twilio.network.settings import (
    APPLICATION_SID,
    NUMBER_SID,
    Settings,
    settings_at,
)

TOKEN = "the-token-of-the-account"
_CALLS = "/Calls"


class TwilioNetwork(CarrierNetwork):
    """Twilio, with phones behind it."""

    name = "twilio"

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around)
        self.token = TOKEN
        self.calls: dict[str, TwilioCall] = {}
        """By their SIDs."""
        self.number = settings_at(around.webhook_url)
        """What is set of the number."""
        self.application: Settings | None = None
        """The TwiML application that the number points at, which then says who is asked."""

    def section(self) -> Mapping[str, object]:
        """The account, at another origin."""
        return {"accountSid": ACCOUNT, "authToken": self.token, "apiBaseUrl": self.base_url}

    def renew_secrets(self) -> None:
        """The secondary token is promoted."""
        self.token = f"{self.token}-of-today"

    def new_call_id(self) -> str:
        """A SID."""
        return f"CA{uuid4().hex}"

    def offer(self, leg: Leg) -> TwilioCall:
        """A call to the account's number."""
        return self._carry(leg, called(self.application or self.number))

    def answer(self, request: RestRequest) -> RestAnswer:
        """What the API answers."""
        try:
            return self._answer(request)
        except Refused as error:
            return answer(error.answer(), status=error.status)
        except ValueError as error:
            return answer(Refused(20001, f"unreadable: {error}").answer(), status=400)

    def _answer(self, request: RestRequest) -> RestAnswer:
        login = base64.b64encode(f"{ACCOUNT}:{self.token}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {login}":
            raise Refused(20003, "Authenticate", status=401)
        if not request.path.startswith(ROOT) or not request.path.endswith(".json"):
            raise NOT_FOUND
        path = request.path.removeprefix(ROOT).removesuffix(".json")
        if path == _CALLS and request.method == "POST":
            return self._dial(read_create(request.body.decode()))
        if path.startswith(f"{_CALLS}/"):
            return self._call(request, unquote(path.removeprefix(f"{_CALLS}/")))
        if request.method == "POST":
            return self._set(path, request.body.decode())
        if request.method != "GET":
            raise NOT_FOUND
        return resource(
            path,
            dict(parse_qsl(request.query)),
            number=self.around.number,
            settings=self.number,
            application=self.application,
        )

    def _set(self, path: str, body: str) -> RestAnswer:
        """Change the number, or its application."""
        settable = {
            f"/IncomingPhoneNumbers/{NUMBER_SID}": self.number,
            f"/Applications/{APPLICATION_SID}": self.application,
        }
        settings = settable.get(path)
        if settings is None:
            raise NOT_FOUND
        settings.change(body)
        return answer({"sid": path.rpartition("/")[2], "account_sid": ACCOUNT, **settings.view()})

    def _dial(self, fields: Fields) -> RestAnswer:
        if only(fields, "From") != self.around.number:
            raise Refused(21210, "The source phone number is not owned or verified.")
        leg = self.leg(
            self.new_call_id(),
            to=only(fields, "To"),
            ring_seconds=float(only(fields, "Timeout", "60")),
            longest_seconds=float(only(fields, "TimeLimit", "14400")),
        )
        call = self._carry(leg, ordered(fields))
        self.begin(leg, call)
        return answer(call.resource(), status=201)

    def _call(self, request: RestRequest, sid: str) -> RestAnswer:
        call, leg = self.calls.get(sid), self.legs.get(sid)
        if call is None or leg is None:
            raise NOT_FOUND
        if request.method == "POST":
            self._update(leg, call, read_update(request.body.decode()))
        elif request.method != "GET":
            raise NOT_FOUND
        return answer(call.resource())

    def _update(self, leg: Leg, call: TwilioCall, fields: Fields) -> None:
        status = only(fields, "Status")
        in_progress = leg.answered and leg.end is None
        allowed = in_progress if status != "canceled" else not leg.answered
        if leg.end is not None or not (allowed or status == "completed"):
            raise Refused(21220, "Call is not in-progress. Cannot redirect.")
        call.plan.change(fields)
        if status:
            leg.hang_up()
        else:
            call.replace(wanted(fields))

    def _carry(self, leg: Leg, plan: Plan) -> TwilioCall:
        shared = Exchange(
            token=self.token,
            reach=self.reach,
            clock=self.around.clock,
            client=self.client,
            tasks=self.tasks,
            fault=self.fault,
        )
        call = TwilioCall(leg, plan, poster=self.poster(leg.id), shared=shared)
        self.calls[leg.id] = call
        self.tasks.start_soon(call.run)
        return call
