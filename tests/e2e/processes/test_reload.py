"""A changed configuration while the gateway runs: whole or not at all, for the calls to come."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import wave
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from voicecall.config.state import read_address

BOB, PATIENT = "+15550002222", "+15550004444"
STAY = {"wait": 3_600_000}
LOUD = 500
WORDS = "Pizza is ready"
CLOSED = "a configuration that was replaced is closed"


def config(symbol_ms: int, **changes: Any) -> dict[str, Any]:
    """Changes to the common configuration; `symbol_ms` tells one voice from another."""
    return {
        "recording": {"enabled": True},
        "tts": {"providers": {"tones": {"symbolMs": symbol_ms}}},
        "mock": {"phones": {BOB: {"steps": [STAY]}, PATIENT: {"steps": [STAY]}}},
        **changes,
    }


def spoken_ms(recording: str) -> float:
    """For how long our side of a recording makes a sound."""
    with wave.open(recording) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").reshape(-1, 2)
        frame = file.getframerate() // 100
    ours = samples[: len(samples) // frame * frame, 1].astype(np.int32).reshape(-1, frame)
    return float((np.abs(ours).max(axis=1) > LOUD).sum() * 10)


@pytest.fixture
def line(new_machine: Callable[..., Any], config_of: Callable[..., Any]) -> Any:
    """A machine, and how to write another configuration for it."""
    machine = new_machine(config(20))
    machine.environ["VOICECALL_LOG"] = "DEBUG"
    machine.change = lambda **changes: machine.configure(json.dumps(config_of(config(**changes))))
    return machine


@pytest.fixture
def server(line: Any) -> Iterator[Any]:
    """Its gateway."""
    with line.serving() as running:
        yield running


def notified(machine: Any) -> float:
    """Tell Bob that the pizza is ready; for how long we spoke."""
    ran = machine.run("call", "-t", BOB, "-m", WORDS, "--mode", "notify", "--json")
    assert ran.code == 0, ran
    return spoken_ms(ran.document["call"]["recording"])


def test_acceptance_10_a_broken_file_keeps_the_old_one_live_and_a_good_one_gives_its_voice(
    line: Any, server: Any
) -> None:
    quick = notified(line)

    line.configure("{ provider: 'mock',\n  serve: { prot: 3334 } }")
    ran = line.run("reload", "--json")
    assert (ran.code, ran.document["error"]["details"]) == (3, {"kind": "config"})
    assert re.search(r"voicecall\.json5:2:\d+: error: .*prot", ran.err)
    server.popen.send_signal(signal.SIGHUP)
    line.eventually(lambda: "the old configuration stays in force" in server.errors)
    assert re.search(r"voicecall\.json5:2:\d+: error: .*prot", server.errors)
    assert notified(line) == pytest.approx(quick, rel=0.2)

    line.change(symbol_ms=60)
    ran = line.run("reload", "--json")
    assert ran.document == {"reloaded": True, "changed": ["tts"]}, ran
    assert notified(line) == pytest.approx(3 * quick, rel=0.2)

    line.change(symbol_ms=20)
    server.popen.send_signal(signal.SIGHUP)
    line.eventually(lambda: "reloaded: tts" in server.errors)
    assert notified(line) == pytest.approx(quick, rel=0.2)
    assert "Traceback" not in server.errors


def test_a_call_that_is_up_keeps_its_voice_and_the_old_one_is_closed_after_it(
    line: Any, server: Any
) -> None:
    placed = line.run("call", "-t", PATIENT, "-m", WORDS, "--no-wait", "--json").document
    call_id = placed["callId"]
    server.until_state(call_id, "listening")
    closed = server.errors.count(CLOSED)
    line.change(symbol_ms=60, maxConcurrentCalls=21)
    assert line.run("reload").out == "reloaded: maxConcurrentCalls, tts\n"
    assert line.run("speak", "--call-id", call_id, "-m", WORDS).code == 0
    slow = notified(line)
    assert server.errors.count(CLOSED) == closed
    assert line.run("end", "--call-id", call_id).code == 0
    line.eventually(lambda: server.errors.count(CLOSED) == closed + 1)
    assert spoken_ms(server.find(call_id)["recording"]) == pytest.approx(slow * 2 / 3, rel=0.2)


def test_what_only_a_restart_can_change_is_named_and_nothing_else_changes(
    line: Any, server: Any
) -> None:
    line.change(symbol_ms=20, maxConcurrentCalls=21)
    assert line.run("reload").code == 0
    line.change(symbol_ms=60, store=str(line.root / "other.db"))
    ran = line.run("reload")
    assert ran.code == 3
    assert "only a restart brings it into force: store;" in ran.err
    line.change(symbol_ms=20, maxConcurrentCalls=21)
    assert line.run("reload").out == "reloaded: nothing has changed\n"


def test_where_log_lines_are_json_so_is_what_came_of_a_reload(
    new_machine: Callable[..., Any],
) -> None:
    machine = new_machine()
    with machine.serving(VOICECALL_LOG_FORMAT="json") as running:
        running.popen.send_signal(signal.SIGHUP)
        machine.eventually(lambda: "nothing has changed" in running.errors)
        machine.configure("{ provider: 'mock',\n  serve: { prot: 3334 } }")
        running.popen.send_signal(signal.SIGHUP)
        machine.eventually(lambda: "stays in force" in running.errors)
        lines = [json.loads(line) for line in running.errors.splitlines()]
    told = {line["message"].partition(":")[0]: line["level"] for line in lines}
    assert told["reloaded"] == "info"
    assert told["not reloaded, the old configuration stays in force"] == "error"


def test_a_terminal_that_is_closed_is_no_wish_to_reload(new_machine: Callable[..., Any]) -> None:
    machine = new_machine()
    serve = [str(Path(sys.executable).with_name("voicecall")), "serve"]
    config = ["--config", str(machine.root / "voicecall.json5")]
    with subprocess.Popen(
        [sys.executable, "-c", "import pty, sys; pty.spawn(sys.argv[1:])", *serve, *config],
        env=machine.environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    ) as terminal:
        assert terminal.stdout is not None
        assert "is ready" in terminal.stdout.readline()
        address = read_address(machine.state)
        assert address is not None
        os.kill(address.pid, signal.SIGHUP)
        assert next(line for line in terminal.stdout if "nothing has changed" in line)
        assert read_address(machine.state) == address
        terminal.kill()
        machine.eventually(lambda: not (machine.state / "gateway.json").exists())


class Manager:
    """What systemd would be told by a gateway of `machine`."""

    def __init__(self, machine: Any) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(machine.root / "notify"))
        self._socket.settimeout(20)
        machine.environ["NOTIFY_SOCKET"] = str(machine.root / "notify")
        self.close = self._socket.close

    def told(self) -> str:
        """The state that it is told next."""
        return self._socket.recv(4096).decode().splitlines()[0]


@pytest.fixture
def managed(new_machine: Callable[..., Any]) -> Iterator[Any]:
    """A machine with a service manager."""
    machine = new_machine()
    with closing(Manager(machine)) as machine.manager:
        yield machine


def test_a_service_manager_is_told_when_the_gateway_is_ready_reloads_and_stops(
    managed: Any,
) -> None:
    with managed.serving() as running:
        assert managed.manager.told() == "READY=1"
        running.popen.send_signal(signal.SIGHUP)
        assert [managed.manager.told() for _ in range(2)] == ["RELOADING=1", "READY=1"]
        assert running.stop() == 0, running.errors
        assert managed.manager.told() == "STOPPING=1"


def test_a_gateway_that_is_stopped_in_the_middle_of_a_reload_ends_as_if_there_were_none(
    managed: Any,
) -> None:
    file = managed.root / "voicecall.json5"
    text = file.read_text()
    with managed.serving() as running:
        assert managed.manager.told() == "READY=1"
        file.unlink()
        os.mkfifo(file)
        running.popen.send_signal(signal.SIGHUP)
        assert managed.manager.told() == "RELOADING=1"
        with file.open("w") as writing:  # the gateway is reading now
            running.popen.terminate()
            assert managed.manager.told() == "STOPPING=1"
            running.popen.send_signal(signal.SIGHUP)
            writing.write(text)
        assert running.popen.wait(20) == 0, running.errors
        assert "draining: the gateway is shutting down and reloads nothing" in running.errors
