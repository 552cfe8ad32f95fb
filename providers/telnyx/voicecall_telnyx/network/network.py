"""What is Telnyx's live double? Call Control v2 on loopback, and phones behind it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qs, unquote

from voicecall_conformance import RestAnswer, RestRequest
from voicecall_conformance.phones import CarrierNetwork, Leg, Surroundings
from voicecall_telnyx.network import account, answers, commands, fields
from voicecall_telnyx.network.answers import Refused
from voicecall_telnyx.network.call import TelnyxCall, place
from voicecall_telnyx.network.reports import CONNECTION_ID, private_key, public_key

_UPDATE = "client_state_update"
"""The only command that is put, not posted."""


class TelnyxNetwork(CarrierNetwork):
    """Telnyx Call Control v2, with phones.

    developers.telnyx.com, *Call Control*.
    """

    name = "telnyx"

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around)
        self.api_key = account.API_KEY
        self.key = private_key("the key of Telnyx's live double")
        self.application = account.Application(webhook_event_url=around.webhook_url)
        """What is set of the application that the number is assigned to."""
        self._dials: dict[str, tuple[TelnyxCall, float]] = {}

    def section(self) -> Mapping[str, object]:
        """An account whose application and number are the double's."""
        return {
            "apiKey": self.api_key,
            "connectionId": CONNECTION_ID,
            "publicKey": public_key(self.key),
            "apiBaseUrl": self.base_url,
        }

    def renew_secrets(self) -> None:
        """Another API key, and another key pair."""
        self.api_key = f"{self.api_key}-of-today"
        self.key = private_key("today's key of Telnyx's live double")

    def new_call_id(self) -> str:
        """An id with characters that a path must not hold as they are."""
        return f"v3:{uuid.uuid4().hex[:12]}/x y+z%2F{uuid.uuid4().hex[:8]}=="

    def offer(self, leg: Leg) -> TelnyxCall:
        """A leg that comes in; it is parked until a command answers or refuses it."""
        call = TelnyxCall(self, leg, self.key, {})
        self.tasks.start_soon(call.report.run)
        return call

    # -- REST

    def answer(self, request: RestRequest) -> RestAnswer:
        """What the REST API answers."""
        if request.headers.get("authorization") != f"Bearer {self.api_key}":
            return answers.UNAUTHENTICATED
        try:
            return self._route(request)
        except Refused as refused:
            return refused.answer
        except fields.BadField as bad:
            self.fault(f"{request.method} {request.path}: {bad.detail}")
            return answers.bad_field(bad)

    def _route(self, request: RestRequest) -> RestAnswer:
        match request.method, request.path.strip("/").split("/"):
            case "POST", ["v2", "calls"]:
                return self._dial(request.body)
            case "GET", ["v2", "calls", id]:
                return answers.data(self._call(unquote(id)).view())
            case "PUT", ["v2", "calls", id, "actions", "client_state_update" as action]:
                return self._act(unquote(id), action, request.body)
            case "POST", ["v2", "calls", id, "actions", action] if action != _UPDATE:
                return self._act(unquote(id), action, request.body)
            case "PATCH", ["v2", "call_control_applications", id] if id == CONNECTION_ID:
                self.application.change(request.body)
                return answers.data(self.application.view())
            case "GET", ["v2", *path]:
                return self._read("/".join(path), parse_qs(request.query))
        return answers.NOT_FOUND

    def _dial(self, body: bytes) -> RestAnswer:
        order = fields.read_body("dial", body)
        if order["connection_id"] != CONNECTION_ID:
            raise fields.BadField("10015", "connection_id", "no such Call Control application")
        if order["from"] != self.around.number:
            return answers.problem(403, "10010", "Authorization failed", pointer="/from")
        now, command_id = self.around.clock.now(), order.get("command_id", "")
        call, at = self._dials.get(command_id, (None, 0.0))
        if call is None or now - at >= commands.IGNORED_SECONDS:
            call = place(self, self.key, order)
            if command_id:
                self._dials[command_id] = (call, now)
        return answers.data({**call.view(), "is_alive": False})

    def _act(self, id: str, action: str, body: bytes) -> RestAnswer:
        call = self._call(id)
        if call.leg.end is not None:
            return answers.ENDED
        if action not in fields.ACTIONS:
            return answers.NOT_FOUND
        return answers.data(commands.perform(call, action, fields.read_body(action, body)))

    def _call(self, id: str) -> TelnyxCall:
        if not id.startswith("v3:"):
            raise Refused(answers.INVALID_ID)
        leg = self.legs.get(id)
        if leg is None:
            raise Refused(answers.NOT_FOUND)
        return _of(leg)

    def _read(self, path: str, query: Mapping[str, Sequence[str]]) -> RestAnswer:
        if path == f"connections/{CONNECTION_ID}/active_calls":
            live = [leg for leg in self.legs.values() if leg.end is None]
            return answers.page([_of(leg).view() for leg in live], query)
        if path == "call_events":
            return answers.page(self._events(query), query)
        return account.resource(
            path, query, number=self.around.number, application=self.application
        )

    def _events(self, query: Mapping[str, Sequence[str]]) -> Sequence[Mapping[str, object]]:
        """What happened to a leg, of one name."""
        (leg_id,), (name,) = query["filter[leg_id]"], query["filter[name]"]
        calls = [_of(leg) for leg in self.legs.values()]
        return [
            {"name": name, "metadata": {"payload": dict(told.payload)}}
            for call in calls
            for told in call.report.told
            if call.leg_id == leg_id and told.kind == name
        ]


def _of(leg: Leg) -> TelnyxCall:
    assert isinstance(leg.exchange, TelnyxCall)
    return leg.exchange
