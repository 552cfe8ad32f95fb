"""`voicecall tail`: the last calls, then every call again each time that it changes."""

from __future__ import annotations

import json
import time
from argparse import BooleanOptionalAction
from collections import deque
from collections.abc import Iterator
from typing import Any, TextIO

from voicecall.cli.client import GatewayClient
from voicecall.cli.discovery import find_gateway
from voicecall.cli.exit_codes import Exit, UsageError
from voicecall.cli.follow import look_up
from voicecall.cli.options import Options, Parser, count
from voicecall.cli.output import Output
from voicecall.cli.view import one_line
from voicecall.errors import GatewayUnreachable

POLL_SECONDS = 0.25


def arguments(parser: Parser) -> None:
    """What it takes."""
    parser.add_argument("--since", type=count, default=25, metavar="N", help="how many first [25]")
    parser.add_argument(
        "--follow", action=BooleanOptionalAction, default=True, help="go on until Ctrl-C"
    )
    parser.add_argument("--file", metavar="PATH", help="a JSON-lines export instead of a gateway")


def run(options: Options) -> int:
    """Do it."""
    output = Output(as_json=options.json)
    calls = _of_file(options) if options.file else _of_gateway(options)
    try:
        for call in calls:
            output.result(call, one_line(call))
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    return Exit.OK


def _of_gateway(options: Options) -> Iterator[dict[str, Any]]:
    client = find_gateway(options)
    if not options.follow:
        yield from _recent(client, options.since)
        return
    with client.events() as events:  # before the past is read, so that nothing is in between
        yield from _recent(client, options.since)
        for event in events:
            if event["number"]:
                yield look_up(client, event["callId"])
    raise GatewayUnreachable(f"the gateway at {client.url} ended the stream; start tail again")


def _recent(client: GatewayClient, limit: int) -> Iterator[dict[str, Any]]:
    yield from reversed(client.call("voicecall.history", {"limit": limit})["calls"])


def _of_file(options: Options) -> Iterator[dict[str, Any]]:
    try:
        with open(options.file, encoding="utf-8") as stream:
            yield from map(_decoded, deque(_lines(stream), maxlen=options.since))
            while options.follow:
                yield from map(_decoded, _lines(stream))
                time.sleep(POLL_SECONDS)
    except OSError as error:
        raise UsageError(f"{options.file} cannot be read: {error.strerror}") from None


def _lines(stream: TextIO) -> Iterator[str]:
    """Whole lines; an unfinished last one is left for the next time."""
    while True:
        position = stream.tell()
        line = stream.readline()
        if not line.endswith("\n"):
            stream.seek(position)
            return
        if line.strip():
            yield line


def _decoded(line: str) -> dict[str, Any]:
    try:
        call = json.loads(line)
    except ValueError:
        call = None
    if not isinstance(call, dict) or "callId" not in call:
        raise UsageError("a line of the file is no exported call; is it a JSON-lines export?")
    return call
