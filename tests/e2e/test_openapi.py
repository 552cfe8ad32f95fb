"""Does the HTTP door answer nothing but what its OpenAPI document says, whatever it is asked?

The document is read as clients read it, and requests are made from it, valid ones and others, by
somebody else's program.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from anyio.from_thread import start_blocking_portal
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from schemathesis import GenerationMode, checks

from voicecall.config.loader import load_config
from voicecall.config.state import GatewayAddress, read_address
from voicecall.plugins.registry import Registry
from voicecall.rpc.methods import METHODS
from voicecall.runtime import running

BOB, CAROL = "+15550002222", "+15550007777"
ENDLESS = "/events"
EXAMPLES = 6

NEVER_DONE = {
    *(f"/rpc/voicecall.{name}" for name in ("continue", "dtmf", "speak")),
    "/rpc/voicecall.continue.result",
    *(f"/rpc/voicecall.pairing.{name}" for name in ("approve", "revoke")),
    "/rpc/voicecall.reload",
}
"""What needs a call that goes on, an operation that was begun, a stranger who was told a code, or a
file to read again."""

CHECKS = (
    checks.content_type_conformance,
    checks.ignored_auth,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.status_code_conformance,
    checks.unsupported_method,
)


@pytest.fixture(scope="module")
def address(
    registry: Registry, config_of: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayAddress]:
    """A gateway whose phones talk fast and hang up."""
    root = tmp_path_factory.mktemp("openapi")
    steps = [{"listen": True}, {"say": "Yes"}, {"hangUp": True}]
    mock = {"timeScale": 50, "defaultPhone": {"answerAfterMs": 10, "steps": steps}}
    (root / "voicecall.json5").write_text(
        json.dumps(config_of({"mock": mock, "streaming": None, "transcriptTimeoutMs": 5000}))
    )
    loaded = load_config(root / "voicecall.json5", registry, environ={})
    with start_blocking_portal() as portal:
        gateway = running(loaded, state_dir=root / "state", drain_seconds=0)
        with portal.wrap_async_context_manager(gateway):
            found = read_address(root / "state")
            assert found is not None
            yield found


@pytest.fixture(scope="module")
def document(address: GatewayAddress) -> dict[str, Any]:
    reply = httpx.get(f"{address.url}/openapi.json")
    assert reply.status_code == 200
    return dict(reply.json())


@pytest.fixture(scope="module")
def call_id(address: GatewayAddress) -> str:
    """A call that is known, and over or soon over."""
    headers = {"Authorization": f"Bearer {address.token}"}
    asked = {"to": BOB, "message": "Hello", "wait": True}
    url = f"{address.url}/rpc/voicecall.initiate"
    return str(httpx.post(url, json=asked, headers=headers, timeout=30).json()["callId"])


def test_the_document_is_one_and_holds_every_method_and_no_secret(
    document: dict[str, Any], address: GatewayAddress
) -> None:
    assert document["openapi"].startswith("3.1")
    assert {f"/rpc/{name}" for name in METHODS} <= set(document["paths"])
    assert address.token not in json.dumps(document)
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_every_answer_is_one_that_the_document_knows(
    document: dict[str, Any], address: GatewayAddress, call_id: str
) -> None:
    schema = schemathesis.openapi.from_dict(document)
    found = [each.ok() for each in schema.get_all_operations()]
    seen = {
        operation.path: _asked(operation, address, call_id)
        for operation in found
        if operation.path != ENDLESS
    }
    assert {path for path, statuses in seen.items() if 200 not in statuses} == NEVER_DONE


def _asked(operation: Any, address: GatewayAddress, call_id: str) -> set[int]:
    """With which statuses the requests that were made up for `operation` were answered."""
    headers = {"Authorization": f"Bearer {address.token}"}
    statuses: set[int] = set()

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=_requests(operation), known=st.booleans())
    def ask(case: Any, known: bool) -> None:
        if known:
            _as_known(case, call_id)
        reply = case.call_and_validate(
            base_url=address.url, headers=headers, checks=list(CHECKS), timeout=60
        )
        statuses.add(reply.status_code)

    ask()
    return statuses


def _requests(operation: Any) -> Any:
    """Requests that fit what is said of `operation`, and where it takes a body ones that do not."""
    fitting = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    if not operation.body:
        return fitting
    return fitting | operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)


def _as_known(case: Any, call_id: str) -> None:
    """Make the request one about a call, and a number, that there are."""
    given = {"callId": call_id, "sid": call_id, "to": BOB, "number": CAROL}
    for part in (case.body, case.path_parameters):
        if isinstance(part, dict):
            part.update({name: value for name, value in given.items() if name in part})
