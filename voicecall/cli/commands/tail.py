"""`voicecall tail`: the last calls, then every call again each time that it changes."""

from __future__ import annotations

import time
from argparse import BooleanOptionalAction
from collections.abc import Iterator
from typing import Any, TextIO

from voicecall.cli.client import GatewayClient
from voicecall.cli.discovery import find_gateway
from voicecall.cli.exit_codes import Exit, UsageError
from voicecall.cli.export import Export
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
    parser.add_argument(
        "--file", metavar="PATH", help="calls or events as lines of JSON, not a gateway"
    )


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
    export = Export()
    try:
        with open(options.file, encoding="utf-8", errors="replace") as stream:
            yield from _latest(_calls(export, stream), options.since)
            while options.follow:
                yield from _calls(export, stream)
                time.sleep(POLL_SECONDS)
    except OSError as error:
        raise UsageError(f"{options.file} cannot be read: {error.strerror}") from None


def _latest(calls: Iterator[dict[str, Any]], limit: int) -> list[dict[str, Any]]:
    """The calls that changed last, each once, as it is after its last change."""
    known: dict[str, dict[str, Any]] = {}
    for call in calls:
        known.pop(call["callId"], None)
        known[call["callId"]] = call
    return list(known.values())[-limit:]


def _calls(export: Export, stream: TextIO) -> Iterator[dict[str, Any]]:
    for line in _lines(stream):
        call = export.take(line)
        if call is not None:
            yield call


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
