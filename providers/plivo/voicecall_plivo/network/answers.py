"""How does Plivo's REST API word its answers?

https://www.plivo.com/docs/voice/api/overview
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from uuid import uuid4

from voicecall_conformance import RestAnswer

APPLICATION = "29986316244302815"


def answer_json(
    body: Mapping[str, object], *, status: int = 200, headers: Mapping[str, str] | None = None
) -> RestAnswer:
    """An answer; every one names itself."""
    return RestAnswer(
        status=status,
        body=json.dumps({"api_id": str(uuid4()), **body}).encode(),
        headers={"content-type": "application/json", **(headers or {})},
    )


def refusal(status: int, error: object, *, headers: Mapping[str, str] | None = None) -> RestAnswer:
    """An error: a text, or texts by field."""
    return answer_json({"error": error}, status=status, headers=headers)


def unauthorized() -> RestAnswer:
    """Bad credentials are told in plain text."""
    text = b"Could not verify your access level for that URL."
    return RestAnswer(status=401, body=text, headers={"content-type": "text/html"})


def account_resource(
    auth_id: str, path: Sequence[str], *, application: Mapping[str, object]
) -> RestAnswer:
    """The account, any number of it, and the one application that numbers are assigned to."""
    match path:
        case []:
            account = {"auth_id": auth_id, "cash_credits": "12.50000", "state": "active"}
            return answer_json(account)
        case ["Number", number]:
            assigned = f"/v1/Account/{auth_id}/Application/{APPLICATION}/"
            facts = {"number": number, "voice_enabled": True, "application": assigned}
            return answer_json(facts)
        case ["Application", app_id] if app_id == APPLICATION:
            return answer_json({"app_id": app_id, **application})
    return refusal(404, "not found")
