"""Is every mistake reported, all together, each at its place, and without any secret?"""

from pathlib import Path
from typing import Any

import pytest

from voicecall.config.loader import load_config
from voicecall.config.problems import Severity
from voicecall.errors import ConfigError

EIGHT_MISTAKES = """\
{
  provider: "mock",
  fromNumbr: "+15550001111",                  // an unknown key
  serve: { port: "many" },                    // a wrong type
  inboundPolicy: "allowlst",                  // a value that is none of the possible ones
  allowFrom: ["0301234567"],                  // a number that is none
  maxConcurrentCalls: 0,                      // out of bounds
  toNumber: "+15550002222", toNumber: "+15550003333",
  gateway: { token: "${MISSING}" },           // a variable that is not set
  acme: { accountSid: "AC1", authTokn: "canary" },
}
"""


def test_eight_kinds_of_mistakes_are_eight_reports_in_order_with_their_places(
    problems: Any,
) -> None:
    found = problems(EIGHT_MISTAKES)
    places = [(problem.line, problem.column, problem.key_path) for problem in found]
    assert places == [
        (3, 3, "fromNumbr"),
        (4, 18, "serve.port"),
        (5, 18, "inboundPolicy"),
        (6, 15, "allowFrom[0]"),
        (7, 23, "maxConcurrentCalls"),
        (8, 29, "toNumber"),
        (9, 21, "gateway.token"),
        (10, 30, "acme.authTokn"),
    ]
    assert all(problem.severity is Severity.ERROR for problem in found)
    assert [problem.owner for problem in found][-2:] == ["voicecall", "built-for-a-test 0"]


def test_the_report_shows_the_line_with_a_caret_and_what_to_do(load: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(EIGHT_MISTAKES)
    blocks = str(caught.value).split(f"{tmp_path / 'voicecall.json5'}:")
    assert blocks[0] == "the configuration cannot be used: 8 errors\n"
    first = blocks[1].splitlines()
    assert first[0] == "3:3: error: unknown key 'fromNumbr'"
    assert first[1].index("fromNumbr") == first[2].index("^")
    assert "owner: voicecall" in first[3]
    assert "did you mean 'fromNumber'?" in first[4]


def test_a_repeated_key_names_both_lines(problems: Any) -> None:
    (problem,) = problems('{\n  fromNumber: "+15550001111",\n\n  "fromNumber": "+15550001112",\n}')
    assert "on lines 2 and 4" in problem.message
    assert (problem.line, problem.column) == (4, 3)


def test_a_missing_variable_is_named(problems: Any) -> None:
    (problem,) = problems('{ gateway: { token: "${NOT_THERE}" } }')
    assert "environment variable NOT_THERE is not set" in problem.message


@pytest.mark.parametrize(
    "text",
    [
        '{ acme: { authTokn: "canary" }, fromNumbr: 1 }',
        '{ acme: { authToken: "canary", accountSid: 5 } }',
        "{ provider: 'acme', acme: { authToken: 'canary' } }",
        '{ unknown: { x: "canary" }, serve: { port: "x" } }',
        '{ gateway: { token: ["canary"] } }',
        '{ gateway: { token: "canary", prt: 1 } }',
        '{ tts: { cloud: { apiKey: "canary", pitch: 1 } } }',
        '{ sinks: [{ use: "hook", token: "canary" }] }',
        '{ numbers: { "+15550001111": { tts: { cloud: { apiKey: "canary", x: 1 } } } } }',
        '{ prt: 1 /* "canary" */ } // canary',
        '{ gateway: { token: "canary" } prt: 1 }',
        '{ gateway: { token: "canary',
        "{ gateway: { token: canary } }",
    ],
)
def test_no_problem_shows_a_secret(problems: Any, text: str) -> None:
    found = problems(text)
    assert found
    assert "canary" not in "\n".join(map(str, found))


def test_no_problem_shows_a_whole_phone_number(problems: Any) -> None:
    found = problems(
        '{ numbers: { "+15550001111": { greeting: "x" } },'
        '  allowFrom: ["+15550001111", "+1555000111122223333"] }'
    )
    text = "\n".join(map(str, found))
    assert len(found) == 2
    assert "0001111" not in text and "+1555•••1111" in text


def test_the_caret_stays_under_its_token_when_text_before_it_is_masked(problems: Any) -> None:
    (problem,) = problems('{ acme: { authToken: "long secret text" }, serve: { prt: 1 } }')
    line, caret = problem.excerpt.splitlines()
    assert line.index("prt") == caret.index("^")


def test_a_file_that_is_no_json5_is_reported_with_its_place(problems: Any) -> None:
    (problem,) = problems('{\n  provider: "mock"\n  serve: {},\n}')
    assert (problem.line, problem.column) == (3, 3)
    assert "not JSON5: unexpected 's'" in problem.message


@pytest.mark.parametrize("text", ["", "  \n", "[]", "5", '"x"'])
def test_a_file_without_an_object_is_refused(problems: Any, text: str) -> None:
    (problem,) = problems(text)
    assert problem.severity is Severity.ERROR


def test_a_file_that_is_not_there_is_named(registry: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="gone.json5: error: there is no such file"):
        load_config(tmp_path / "gone.json5", registry, environ={})


@pytest.mark.parametrize("key", ["__proto__", "prototype", "constructor"])
def test_a_key_that_poisons_objects_elsewhere_is_refused(problems: Any, key: str) -> None:
    (problem,) = problems(f"{{ serve: {{ {key}: {{}} }} }}")
    assert f"the key {key!r} is refused" in problem.message
