"""How commands find a gateway, and what they say when it is not there or not one."""

from __future__ import annotations

import os
from typing import Any

import pytest

from voicecall.cli.client import GatewayClient, NobodyListens
from voicecall.config.state import (
    GatewayAddress,
    GatewayLock,
    prepare_state_dir,
    write_address,
)
from voicecall.errors import GatewayUnreachable


def test_without_a_gateway_a_client_exits_4_and_says_how_to_start_one(bare_terminal: Any) -> None:
    for command in (("status",), ("tail",), ("latency",), ("end", "--call-id", "x")):
        ran = bare_terminal.run(*command)
        assert ran.code == 4
        assert "voicecall serve" in ran.err
        assert ran.err.count("\n") == 1


def test_the_gateway_on_this_machine_is_found_through_the_state_directory(
    bare_terminal: Any, gateway: Any
) -> None:
    prepare_state_dir(bare_terminal.state_dir)
    with GatewayLock(bare_terminal.state_dir):
        address = GatewayAddress(url=gateway.url, token=gateway.token, pid=os.getpid(), version="0")
        write_address(bare_terminal.state_dir, address)
        assert bare_terminal.run("status").code == 0
        ran = bare_terminal.run("start", "--to", "+15551230001", "--json")
        record = bare_terminal.state_dir / "calls" / f"{ran.document['callId']}.json"
        assert ran.document["recordPath"] == str(record)
        assert ran.document["summary"]["outcome"] == ran.document["call"]["state"]
        assert record.stat().st_mode & 0o077 == 0
        assert bare_terminal.run("--url", gateway.url, "status").code == 0


def test_the_local_token_is_not_shown_to_a_gateway_elsewhere(
    bare_terminal: Any, gateway: Any
) -> None:
    prepare_state_dir(bare_terminal.state_dir)
    with GatewayLock(bare_terminal.state_dir):
        address = GatewayAddress(
            url="http://127.0.0.1:1", token=gateway.token, pid=os.getpid(), version="0"
        )
        write_address(bare_terminal.state_dir, address)
        ran = bare_terminal.run("--url", gateway.url, "status")
    assert ran.code == 2
    assert "VOICECALL_TOKEN" in ran.err


def test_a_wrong_token_exits_5_and_is_not_printed(terminal: Any) -> None:
    ran = terminal.run("status", "--json", VOICECALL_TOKEN="not-the-token")
    assert ran.code == 5
    assert ran.document["error"]["code"] == "AUTHENTICATION"
    assert "not-the-token" not in ran.out + ran.err


@pytest.mark.parametrize("token", ["canary-token\n", "canary-\x01token", "canary-töken"])
def test_a_token_that_cannot_be_sent_is_refused_and_not_printed(terminal: Any, token: str) -> None:
    ran = terminal.inside("status", VOICECALL_TOKEN=token, VOICECALL_DEBUG="1")
    assert ran.code == 2
    assert "VOICECALL_TOKEN" in ran.err
    assert "canary" not in ran.out + ran.err


@pytest.mark.parametrize("command", [("status",), ("start", "--to", "+15551230001")])
def test_a_named_gateway_that_is_not_there_is_not_replaced(
    bare_terminal: Any, command: tuple[str, ...]
) -> None:
    ran = bare_terminal.run(*command, VOICECALL_URL="http://127.0.0.1:1", VOICECALL_TOKEN="x")
    assert ran.code == 4
    assert "127.0.0.1:1" in ran.err


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 6\r\n\r\n<html>",
        b"HTTP/1.1 503 Busy\r\nContent-Length: 2\r\n\r\n[]",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{",
    ],
)
def test_a_stranger_in_the_gateways_place_is_told_as_one(
    bare_terminal: Any, stranger: Any, answer: bytes
) -> None:
    with stranger(answer) as url:
        ran = bare_terminal.run("start", "--to", "+15551230001", "--url", url, "--token", "x")
    assert ran.code == 4
    assert ran.err.count("\n") == 1
    assert "Traceback" not in ran.err


def test_a_gateway_that_says_nothing_is_given_up(stranger: Any) -> None:
    with stranger(None) as url:
        client = GatewayClient(url, "x")
        with pytest.raises(GatewayUnreachable, match="did not answer in time") as caught:
            client.call("health", seconds=0.2)
    assert not isinstance(caught.value, NobodyListens)
