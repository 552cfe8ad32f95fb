"""Is the tool's schema the table's, and does each consumer get a form that it accepts?"""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from voicecall.agent_tool import ACTIONS, FORMATS, TOOL_NAME, read_action, tool_schema
from voicecall.cli.main import main
from voicecall.errors import InvalidRequest
from voicecall.rpc.methods import METHODS

SPECIFIED = {
    "initiate_call": ({"message"}, {"to", "mode", "dtmfSequence"}),
    "continue_call": ({"callId", "message"}, set()),
    "speak_to_user": ({"callId", "message"}, set()),
    "send_dtmf": ({"callId", "digits"}, set()),
    "end_call": ({"callId"}, set()),
    "get_status": (set(), {"callId"}),
}
FITTING: list[dict[str, Any]] = [
    {"action": "initiate_call", "message": "hi"},
    {"action": "initiate_call", "message": "hi", "to": "+15550002222", "mode": "notify"},
    {"action": "initiate_call", "message": "hi", "mode": "conversation", "dtmfSequence": "1w#"},
    {"action": "continue_call", "callId": "c", "message": "hi"},
    {"action": "speak_to_user", "callId": "c", "message": "hi"},
    {"action": "send_dtmf", "callId": "c", "digits": "1"},
    {"action": "end_call", "callId": "c"},
    {"action": "get_status"},
    {"action": "get_status", "callId": "c"},
]
UNFITTING: list[Any] = [
    {},
    [],
    {"action": "dial", "message": "hi"},
    {"action": ["initiate_call"], "message": "hi"},
    {"action": "initiate_call"},
    {"action": "initiate_call", "message": 7},
    {"action": "initiate_call", "message": "hi", "mode": "shout"},
    {"action": "initiate_call", "message": "hi", "from": "+15550009999"},
    {"action": "initiate_call", "message": "hi", "from": None},
    {"action": "initiate_call", "message": "hi", "digits": "1"},
    {"action": "end_call", "callId": "c", "message": "bye"},
    {"action": "end_call"},
    {"action": "get_status", "sid": "c"},
]


def bare(shape: Any) -> Any:
    """A schema without what is only told to people."""
    if isinstance(shape, dict):
        told = ("title", "description", "examples")
        return {key: bare(value) for key, value in shape.items() if key not in told}
    return [bare(value) for value in shape] if isinstance(shape, list) else shape


@pytest.mark.parametrize("action", ACTIONS)
def test_every_field_of_an_action_is_that_of_its_method(action: str) -> None:
    model = ACTIONS[action]
    ours = model.model_json_schema()
    theirs = METHODS[model.method].params.model_json_schema()
    fields = {name: shape for name, shape in ours["properties"].items() if name != "action"}
    assert {name: bare(shape) for name, shape in fields.items()} == {
        name: bare(theirs["properties"][name]) for name in fields
    }
    assert set(ours["required"]) - {"action"} == set(theirs.get("required", ()))


def test_the_actions_and_their_arguments_are_the_specified_ones() -> None:
    found = {}
    for name, model in ACTIONS.items():
        schema = model.model_json_schema()
        required = set(schema["required"]) - {"action"}
        found[name] = (required, set(schema["properties"]) - required - {"action"})
    assert found == SPECIFIED


def test_the_union_accepts_what_is_carried_out_and_refuses_what_is_not() -> None:
    schema = tool_schema("json-schema")
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for arguments in FITTING:
        assert validator.is_valid(arguments), arguments
        assert read_action(arguments).action == arguments["action"]
    for arguments in UNFITTING:
        assert not validator.is_valid(arguments), arguments
        with pytest.raises(InvalidRequest):
            read_action(arguments)
    assert schema["discriminator"]["propertyName"] == "action"


@pytest.mark.parametrize("form", [form for form in FORMATS if form != "json-schema"])
def test_parameters_for_a_model_are_one_flat_object(form: str) -> None:
    parameters = parameters_of(form)
    assert parameters["type"] == "object"
    assert not {"oneOf", "anyOf", "allOf", "not", "enum"} & set(parameters)
    assert parameters["additionalProperties"] is False
    jsonschema.Draft202012Validator.check_schema(parameters)
    validator = jsonschema.Draft202012Validator(parameters)
    names = parameters["required"]
    for arguments in FITTING:
        filled = dict.fromkeys(names, None) | arguments
        assert validator.is_valid(filled), filled
        assert read_action(filled).params() == read_action(arguments).params()


@pytest.mark.parametrize("form", ["openai", "openai-responses"])
def test_strict_parameters_name_every_field_and_use_no_unsupported_keyword(form: str) -> None:
    parameters = parameters_of(form)
    assert parameters["required"] == list(parameters["properties"])
    for shape in parameters["properties"].values():
        assert set(shape) <= {"type", "enum", "description"}


def test_the_model_is_never_offered_a_caller_id_an_address_or_a_carrier() -> None:
    for form in FORMATS:
        text = json.dumps(tool_schema(form)).lower()
        for name in ("from", "url", "provider", "token", "sessionkey"):
            assert f'"{name}"' not in text, (form, name)


@pytest.mark.parametrize("form", FORMATS)
def test_the_command_prints_what_the_module_gives(
    form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tool-schema", "--format", form]) == 0
    assert json.loads(capsys.readouterr().out) == tool_schema(form)


def test_an_unknown_format_is_refused_and_the_known_ones_are_named() -> None:
    with pytest.raises(ValueError, match="json-schema"):
        tool_schema("morse")


def parameters_of(form: str) -> dict[str, Any]:
    definition = tool_schema(form)
    function = definition.get("function", definition)
    assert function["name"] == TOOL_NAME
    found: dict[str, Any] = function.get("parameters") or function["input_schema"]
    return found
