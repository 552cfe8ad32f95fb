"""The commands as clients of a gateway: output, exit codes, one JSON document, plain errors."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

TALKS, BUSY, STAYS = "+15551230001", "+15551230002", "+15551230003"
REFUSED, CARRIER_SAYS_NO, TOO_LONG = "+15551230006", "+15551230007", "+15551230009"
SLOW_CARRIER = "+15551230010"


def place(terminal: Any, to: str = STAYS) -> str:
    return str(terminal.run("start", "--to", to, "--no-wait", "--json").document["callId"])


def test_a_call_is_shown_line_by_line_with_its_speakers(terminal: Any) -> None:
    ran = terminal.run("call", "-m", "hi", "-t", TALKS)
    assert ran.code == 0
    assert "bot   Good morning" in ran.out
    assert "user  Hello" in ran.out
    assert "answered in 640 ms" in ran.out
    assert "hangup-user" in ran.out
    assert "/somewhere/call.wav" in ran.out


def test_what_a_callee_says_cannot_steer_the_terminal(terminal: Any) -> None:
    assert "\x1b" not in terminal.run("call", "-m", "hi", "-t", TALKS).out


@pytest.mark.parametrize(
    ("number", "code"),
    [(TALKS, 0), (BUSY, 8), (REFUSED, 6), (CARRIER_SAYS_NO, 7), (TOO_LONG, 9)],
)
def test_the_exit_code_tells_how_the_call_went(terminal: Any, number: str, code: int) -> None:
    assert terminal.run("start", "--to", number).code == code


def test_json_is_exactly_one_document_and_progress_goes_to_stderr(terminal: Any) -> None:
    ran = terminal.run("call", "--json", "-m", "hi", "-t", TALKS)
    assert ran.document["initiated"] is True
    assert ran.document["call"]["endReason"] == "hangup-user"
    assert "Good morning" in ran.err
    assert "\x1b" not in ran.out + ran.err


def test_a_failed_call_in_json_is_one_document_too(terminal: Any) -> None:
    ran = terminal.run("call", "--json", "-m", "hi", "-t", REFUSED)
    assert ran.code == 6
    assert ran.document["error"]["details"]["reason"] == "policy.destination"
    assert ran.err.count("\n") == 1


def test_no_wait_returns_while_the_call_goes_on(terminal: Any, gateway: Any) -> None:
    call_id = place(terminal)
    live = [record.call_id for record in gateway.portal.call(gateway.service.live_calls)]
    assert live == [call_id]


def test_ctrl_c_detaches_and_says_how_to_end_the_call(terminal: Any, gateway: Any) -> None:
    with terminal.start("start", "--to", STAYS, "--json") as process:
        while "answered" not in process.stderr.readline():
            pass
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    call_id = json.loads(out)["callId"]
    assert process.returncode == 130
    assert f"voicecall end --call-id {call_id}" in err
    assert len(gateway.portal.call(gateway.service.live_calls)) == 1


def test_ctrl_c_while_the_carrier_is_asked_says_that_the_call_may_exist(
    terminal: Any, gateway: Any
) -> None:
    with terminal.start("start", "--to", SLOW_CARRIER) as process:
        gateway.wait(gateway.service.dialling)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "may have been placed" in err
    assert "Traceback" not in err


def test_speak_continue_dtmf_and_end_work_on_a_live_call(terminal: Any, gateway: Any) -> None:
    call_id = place(terminal)
    assert terminal.run("speak", "--call-id", call_id, "--message", "hello").code == 0
    answer = terminal.run("continue", "--call-id", call_id, "--message", "is it ready?")
    assert answer.out == "yes please\n"
    keys = terminal.run("dtmf", "--json", "--call-id", call_id, "--digits", "1#")
    assert keys.document == {"success": True}
    for _ in range(2):
        assert terminal.run("end", "--call-id", call_id).code == 0
    assert gateway.service.said == ["hello", "is it ready?"]
    assert gateway.service.keys == ["1#"]


def test_nobody_answering_a_continue_is_a_timeout(terminal: Any) -> None:
    call_id = place(terminal)
    ran = terminal.run("continue", "--call-id", call_id, "--message", "anybody there?")
    assert ran.code == 9
    assert ran.err == "voicecall: nobody answered within 180 s\n"


def test_speaking_on_an_ended_call_fails(terminal: Any) -> None:
    call_id = place(terminal, BUSY)
    assert terminal.run("speak", "--call-id", call_id, "--message", "hello").code == 8


def test_an_unknown_call_is_not_found_by_any_command(terminal: Any) -> None:
    for command in (("end",), ("speak", "--message", "x"), ("status",)):
        ran = terminal.run(*command, "--call-id", "nobody")
        assert (ran.code, ran.err) == (10, "voicecall: Call not found\n")


def test_status_lists_live_calls_and_describes_one(terminal: Any) -> None:
    assert terminal.run("status").out == "no live calls\n"
    call_id = place(terminal)
    assert call_id in terminal.run("status").out
    described = terminal.run("status", "--call-id", call_id, "--json").document
    assert described["found"] is True
    assert described["call"]["state"] == "active"


def test_global_options_may_stand_before_the_command(terminal: Any) -> None:
    assert terminal.run("--json", "status").document == {"calls": []}


def test_tail_prints_the_last_calls_oldest_first(terminal: Any) -> None:
    ids = [place(terminal, TALKS) for _ in range(3)]
    ran = terminal.run("tail", "--no-follow", "--since", "2", "--json")
    assert [json.loads(line)["callId"] for line in ran.out.splitlines()] == ids[1:]


def test_tail_follows_calls_as_they_change(terminal: Any, gateway: Any) -> None:
    call_id = place(terminal)
    with terminal.start("tail", "--json") as process:
        assert json.loads(process.stdout.readline())["state"] == "active"
        gateway.portal.call(gateway.service.end, call_id)
        assert json.loads(process.stdout.readline())["state"] == "hangup-bot"
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 130


def test_tail_reads_an_export_without_a_gateway(bare_terminal: Any, tmp_path: Path) -> None:
    export = tmp_path / "calls.jsonl"
    call = {
        "provider": "mock",
        "direction": "inbound",
        "state": "completed",
        "startedAt": 0,
        "transcript": [],
        "turns": [],
        "metadata": {"mode": "conversation", "turnCount": 0},
    }
    calls = [{"callId": f"c{n}", **call} for n in range(3)]
    export.write_text("".join(json.dumps(call) + "\n" for call in calls) + '{"callId": "unfin')
    ran = bare_terminal.run("tail", "--no-follow", "--since", "2", "--json", "--file", str(export))
    assert [json.loads(line) for line in ran.out.splitlines()] == calls[1:]
    assert bare_terminal.run("tail", "--no-follow", "--file", "/nowhere").code == 2


@pytest.mark.parametrize("line", ["junk", "[]", '{"callId": "c"}', '{"type": "state"}', "\xff"])
def test_a_file_that_is_no_export_is_said_to_be_none(
    bare_terminal: Any, tmp_path: Path, line: str
) -> None:
    (tmp_path / "file").write_text(line + "\n", encoding="latin-1")
    ran = bare_terminal.run("tail", "--no-follow", "--file", str(tmp_path / "file"))
    assert ran.code == 2
    assert "neither a call" in ran.err


def test_latency_is_a_table_for_people_and_numbers_for_programs(terminal: Any) -> None:
    place(terminal, TALKS)
    assert "turnLatency" in terminal.run("latency").out
    assert terminal.run("latency", "--json").document["turnLatency"]["p50Ms"] == 640


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("statsu",), "did you mean 'status'?"),
        (("status", "--frobnicate"), "voicecall status --help"),
        (("call",), "-m/--message"),
        (("call", "-m", "x", "--mode", "shout"), "notify"),
        (("latency", "--last", "many"), "--last"),
        (("--url", "ftp://nowhere", "status"), "not a gateway URL"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(
    terminal: Any, arguments: tuple[str, ...], hint: str
) -> None:
    ran = terminal.run(*arguments)
    assert ran.code == 2
    assert hint in ran.err
    assert ran.err.count("\n") == 1


def test_wrong_usage_with_json_is_still_one_document(terminal: Any) -> None:
    assert terminal.run("call", "--json").document["error"]["code"] == "USAGE"


def test_no_command_at_all_shows_what_there_is(bare_terminal: Any) -> None:
    ran = bare_terminal.run()
    assert ran.code == 2
    assert "usage: voicecall" in ran.err
    assert bare_terminal.run("--help").code == 0


def test_a_reader_that_leaves_early_is_not_an_error(terminal: Any) -> None:
    place(terminal, TALKS)
    with terminal.start("tail", "--no-follow") as process:
        process.stdout.close()
        err = process.stderr.read()
        assert process.wait(timeout=30) == 0
    assert err == ""
