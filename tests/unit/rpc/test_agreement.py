"""Do all doors agree with the one table: names, parameters, defaults, results, errors?"""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from voicecall.agent_tool import ACTIONS
from voicecall.cli.command_table import COMMANDS
from voicecall.cli.exit_codes import _BY_KIND
from voicecall.cli.main import main
from voicecall.cli.options import Parser
from voicecall.mcp.tools import EFFECTS, NOT_FOR_AGENTS, all_tools, tool_name
from voicecall.rpc.faults import _KINDS
from voicecall.rpc.jsonrpc import CODE_OF_KIND
from voicecall.rpc.methods import METHODS, Method
from voicecall.rpc.openapi import openapi_document
from voicecall.rpc.params import Params, read_params

COMMAND_OF = {
    "call": "voicecall.initiate",
    "start": "voicecall.start",
    "continue": "voicecall.continue",
    "speak": "voicecall.speak",
    "dtmf": "voicecall.dtmf",
    "end": "voicecall.end",
    "status": "voicecall.status",
    "tail": "voicecall.history",
    "latency": "voicecall.latency",
    "reload": "voicecall.reload",
}
METHOD_OF_ACTION = {
    ("policy", "explain", "+15550002222"): "voicecall.policy.explain",
    ("do-not-call", "list"): "voicecall.doNotCall.list",
    ("do-not-call", "add", "+15550002222"): "voicecall.doNotCall.add",
    ("do-not-call", "remove", "+15550002222"): "voicecall.doNotCall.remove",
    ("pairing", "list"): "voicecall.pairing.list",
    ("pairing", "approve", "123456"): "voicecall.pairing.approve",
    ("pairing", "revoke", "+15550002222"): "voicecall.pairing.revoke",
}
"""Commands that have actions, as they are written → the method that one stands for."""
UNDER_ANOTHER_NAME = {"tail": {"since": "limit"}}
OF_THE_COMMAND_LINE = {"help", "no_wait", "follow", "no_follow", "file", "timeout"}
"""What is about the command, not the call."""

NO_COMMAND = {"voicecall.continue.start", "voicecall.continue.result", "health"}
"""For programs, which cannot wait as a command does."""


def parameters(model: type[Params]) -> dict[str, tuple[bool, Any]]:
    """Name on the wire → whether it is required, and its default."""
    return {
        field.alias or name: (field.is_required(), None if field.is_required() else field.default)
        for name, field in model.model_fields.items()
    }


def of_schema(schema: dict[str, Any]) -> dict[str, tuple[bool, Any]]:
    """The same, of a JSON Schema."""
    required = schema.get("required", [])
    return {
        name: (name in required, field.get("default"))
        for name, field in schema.get("properties", {}).items()
    }


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return openapi_document()


@pytest.mark.parametrize("method", METHODS.values(), ids=list(METHODS))
def test_http_takes_and_answers_what_the_table_says(
    method: Method[Any], document: dict[str, Any]
) -> None:
    operation = document["paths"][f"/rpc/{method.name}"]["post"]
    schemas = document["components"]["schemas"]

    def named(content: dict[str, Any]) -> str:
        return str(content["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[1])

    assert of_schema(schemas[named(operation["requestBody"])]) == parameters(method.params)
    assert named(operation["responses"]["200"]) == method.result.__name__
    assert operation["summary"] == method.summary


def test_mcp_has_a_tool_for_every_method_that_takes_and_answers_the_same() -> None:
    assert set(EFFECTS) | NOT_FOR_AGENTS == set(METHODS)
    tools = {tool.name: tool for tool in all_tools()}
    for name in EFFECTS:
        method, tool = METHODS[name], tools[tool_name(name)]
        assert of_schema(dict(tool.input_schema)) == parameters(method.params), name
        expected = {"type": "object", **method.result.model_json_schema()}
        assert tool.output_schema == expected, name


@pytest.mark.parametrize("name", ACTIONS)
def test_an_action_of_the_tool_takes_what_its_method_takes(name: str) -> None:
    action = ACTIONS[name]
    method = METHODS[action.method]
    taken = parameters(action)
    del taken["action"]
    assert taken.items() <= parameters(method.params).items()
    assert action.required == method.params.required


def options_of(command: str) -> dict[str, tuple[bool, Any]]:
    """Parameter → whether the command requires it, and its default."""
    module, _ = COMMANDS[command]
    parser = Parser()
    import_module(f"voicecall.cli.commands.{module}").arguments(parser)
    renamed = UNDER_ANOTHER_NAME.get(command, {})
    found = {}
    for action in parser._actions:
        if action.dest not in OF_THE_COMMAND_LINE:
            first, *rest = action.dest.split("_")
            camel = first + "".join(word.capitalize() for word in rest)
            found[renamed.get(camel, camel)] = (action.required, action.default)
    return found


@pytest.mark.parametrize("command", COMMAND_OF)
def test_a_command_takes_what_its_method_takes(command: str) -> None:
    expected = parameters(METHODS[COMMAND_OF[command]].params)
    for name, (required, default) in options_of(command).items():
        assert name in expected, name
        assert required == expected[name][0], name
        if (command, name) != ("call", "mode"):  # a person who calls wants to talk
            assert default == expected[name][1], name
    left = {name for name, (required, _) in expected.items() if required} - set(options_of(command))
    assert not left


@pytest.mark.parametrize("words", METHOD_OF_ACTION, ids=" ".join)
def test_an_action_of_a_command_asks_what_its_method_takes(
    words: tuple[str, ...], tmp_path: Path
) -> None:
    asked: list[tuple[str, Any]] = []

    class Gateway(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            asked.append((self.path, json.loads(self.rfile.read(length))))
            self.send_error(503)

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Gateway) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        place = ["--url", url, "--token", "t", "--state-dir", str(tmp_path)]
        main([*words, *place])
        server.shutdown()
    method = METHODS[METHOD_OF_ACTION[words]]
    ((path, params),) = asked
    assert path == f"/rpc/{method.name}"
    given = read_params(method.params, params).model_dump(exclude_none=True)
    assert list(given.values()) == list(words[2:])


def test_every_method_has_a_command_or_a_reason_why_not() -> None:
    of_commands = {*COMMAND_OF.values(), *METHOD_OF_ACTION.values()}
    assert of_commands | NO_COMMAND == set(METHODS)


def test_every_kind_of_error_has_its_code_at_every_door() -> None:
    kinds = {kind for _, _, kind in _KINDS}
    assert set(CODE_OF_KIND) == kinds
    assert set(_BY_KIND) >= kinds - {"internal", "store"}  # which are exit code 1


def test_every_status_of_the_document_is_explained_once(document: dict[str, Any]) -> None:
    told = document["components"]["responses"]
    used = {
        status
        for path in document["paths"].values()
        for operation in path.values()
        for status, answer in operation["responses"].items()
        if "$ref" in answer
    }
    assert used == set(told)
