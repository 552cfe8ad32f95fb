"""Does what the page and the skill of the agent tool tell a reader to copy work?"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from voicecall.agent_tool import ACTIONS, local_door, read_action, tool_schema
from voicecall.cli.command_table import COMMANDS
from voicecall.cli.exit_codes import Exit

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "agent-tool.md").read_text(encoding="utf-8")
SKILL = (ROOT / "skills" / "voice-call" / "SKILL.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
LOOK = {"action": "get_status"}

Answers = Callable[[dict[str, Any]], dict[str, Any]]


@pytest.fixture
def found(gateway: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The scripted gateway, which the environment names."""
    monkeypatch.setenv("VOICECALL_URL", gateway.url)
    monkeypatch.setenv("VOICECALL_TOKEN", gateway.token)
    return gateway


@contextmanager
def model(answers: Answers) -> Iterator[str]:
    """The URL of a provider whose model `answers` the bodies of requests."""

    class Provider(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = json.dumps(answers(body)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Provider) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def chat_model(body: dict[str, Any]) -> dict[str, Any]:
    assert body["tools"] == [tool_schema("openai")]
    last = body["messages"][-1]
    message: dict[str, Any] = {"role": "assistant", "content": f"I was told {last['content']}"}
    if last["role"] == "user":
        function = {"name": "voice_call", "arguments": json.dumps({**LOOK, "callId": None})}
        call = {"id": "c1", "type": "function", "function": function}
        message = {"role": "assistant", "content": None, "tool_calls": [call]}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}


def messages_model(body: dict[str, Any]) -> dict[str, Any]:
    assert body["tools"] == [tool_schema("anthropic")]
    last = body["messages"][-1]["content"]
    block: dict[str, Any] = {"type": "tool_use", "id": "t1", "name": "voice_call", "input": LOOK}
    if isinstance(last, list):
        block = {"type": "text", "text": f"I was told {last[0]['content']}"}
    return {
        "id": "m1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [block],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }


def test_the_first_example_holds_a_conversation(
    found: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    exec(PYTHON[0], {})
    assert capsys.readouterr().out == "yes please\n"
    assert found.service.said == ["Is seven o'clock all right?"]
    assert not found.portal.call(found.service.live_calls)


def test_the_example_without_a_socket_asks_the_service_itself(gateway: Any) -> None:
    names: dict[str, Any] = {}
    exec(PYTHON[1], names)
    assert names["local_door"] is local_door
    assert gateway.portal.call(names["look"], gateway.service) == {"calls": []}


@pytest.mark.parametrize(
    ("example", "answers", "variable", "path", "typed"),
    [
        (
            2,
            chat_model,
            "OPENAI",
            "/v1",
            [
                ("openai", "openai.types.chat", "ChatCompletionFunctionToolParam"),
                ("openai-responses", "openai.types.responses", "FunctionToolParam"),
            ],
        ),
        (3, messages_model, "ANTHROPIC", "", [("anthropic", "anthropic.types", "ToolParam")]),
    ],
)
def test_official_sdks_take_the_definition_and_their_loop_does_what_a_model_asks_for(
    example: int,
    answers: Answers,
    variable: str,
    path: str,
    typed: list[tuple[str, str, str]],
    found: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with model(answers) as url:
        monkeypatch.setenv(f"{variable}_BASE_URL", url + path)
        monkeypatch.setenv(f"{variable}_API_KEY", "a-key")
        names: dict[str, Any] = {}
        exec(PYTHON[example], names)
        names["client"].close()
    assert capsys.readouterr().out == 'I was told {"calls": []}\n'
    for form, place, name in typed:
        definition = tool_schema(form)
        taken = TypeAdapter(getattr(import_module(place), name)).validate_python(definition)
        if "input_schema" in taken:
            taken["input_schema"] = dict(taken["input_schema"])
        assert taken == definition


def test_the_page_tells_every_action(found: Any) -> None:
    rows = re.findall(r"^\| `([a-z]+_[a-z_]+)` \|", PAGE, re.MULTILINE)
    assert rows[: len(ACTIONS)] == list(ACTIONS)


# -- the skill


def test_the_skill_has_the_front_matter_that_agents_look_for() -> None:
    _, front, body = SKILL.split("---\n", 2)
    fields = dict(line.split(": ", 1) for line in front.strip().splitlines())
    assert fields["name"] == "voice-call"
    assert 1 <= len(fields["description"]) <= 1024
    assert set(fields) <= {
        "name",
        "description",
        "license",
        "compatibility",
        "metadata",
        "allowed-tools",
    }
    assert body.strip().startswith("# ")


def test_every_action_in_the_skill_is_one_and_all_are_there() -> None:
    (block,) = re.findall(r"^```json\n(.*?)^```$", SKILL, re.MULTILINE | re.DOTALL)
    shown = [read_action(json.loads(line)).action for line in block.splitlines()]
    assert sorted(shown) == sorted(ACTIONS)


def test_every_command_in_the_skill_is_understood() -> None:
    import shlex

    from voicecall.cli.options import command_parser, split_command

    typed = re.findall(r"^\$ voicecall (.*)$", SKILL, re.MULTILINE)
    assert len(typed) == 7
    for line in typed:
        name, rest = split_command(shlex.split(line))
        assert name is not None
        module, summary = COMMANDS[name]
        parser = command_parser(name, summary)
        import_module(f"voicecall.cli.commands.{module}").arguments(parser)
        parser.parse_args(rest)


def test_the_exit_codes_in_the_skill_are_the_commands_own() -> None:
    assert (Exit.OK, Exit.UNREACHABLE, Exit.REFUSED) == (0, 4, 6)
    assert (Exit.CALL_FAILED, Exit.TIMEOUT, Exit.NOT_FOUND) == (8, 9, 10)
    for code in (0, 4, 6, 8, 9, 10):
        assert re.search(rf"\b{code} [a-z]", SKILL), code
