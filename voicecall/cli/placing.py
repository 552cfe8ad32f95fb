"""How is a call placed and followed? The common half of `call` and `start`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from voicecall.cli.client import CARRIER_SECONDS, GatewayClient
from voicecall.cli.discovery import is_elsewhere, state_dir_of
from voicecall.cli.exit_codes import Exit, exit_of_call
from voicecall.cli.follow import follow
from voicecall.cli.options import Options, Parser
from voicecall.cli.output import Output, complain
from voicecall.cli.own_gateway import Reached, any_gateway
from voicecall.cli.view import CallView, summary_of


def add_call_options(parser: Parser, *, default_mode: str | None) -> None:
    """What `call` and `start` both take."""
    parser.add_argument(
        "--mode",
        choices=("notify", "conversation"),
        default=default_mode,
        help="say one thing and hang up, or talk"
        + (f" [{default_mode}]" if default_mode else " [outbound.defaultMode]"),
    )
    parser.add_argument("--dtmf-sequence", metavar="KEYS", help="pressed after the answer")
    parser.add_argument("--no-wait", action="store_true", help="do not follow the call")


def place(options: Options, method: str) -> int:
    """Place the call that `options` describe, follow it to its end, and return the exit code."""
    output = Output(as_json=options.json)
    wish = {
        "to": options.to,
        "message": options.message,
        "mode": options.mode,
        "dtmfSequence": options.dtmf_sequence,
    }
    with any_gateway(options) as reached:
        placed = _initiate(reached.client, method, wish)
        if options.no_wait and not reached.owned:
            output.result(placed, str(placed["callId"]))
            return Exit.OK
        if options.no_wait:
            complain("no gateway runs, so this command stays until the call has ended")
        return _followed(options, output, reached, placed)


def _initiate(client: GatewayClient, method: str, wish: dict[str, Any]) -> dict[str, Any]:
    try:
        return client.call(method, wish, seconds=CARRIER_SECONDS)
    except KeyboardInterrupt:
        complain("the call may have been placed; look with 'voicecall status'")
        raise


def _followed(options: Options, output: Output, reached: Reached, placed: dict[str, Any]) -> int:
    call_id = str(placed["callId"])
    view = CallView(output)
    interrupted = False
    try:
        call = follow(reached.client, call_id, view.show)
    except KeyboardInterrupt:
        interrupted = True
        if not reached.owned:
            return _detached(output, placed)
        output.progress("hanging up; press Ctrl-C again to quit at once")
        reached.client.call("voicecall.end", {"callId": call_id}, seconds=CARRIER_SECONDS)
        call = follow(reached.client, call_id, lambda event: None)
    _report(output, placed, call, None if is_elsewhere(options) else state_dir_of(options))
    return Exit.INTERRUPTED if interrupted else exit_of_call(str(call["state"]))


def _detached(output: Output, placed: dict[str, Any]) -> int:
    call_id = placed["callId"]
    output.result(placed, "")
    complain(f"the call goes on; end it with: voicecall end --call-id {call_id}")
    return Exit.INTERRUPTED


def _report(
    output: Output, placed: dict[str, Any], call: dict[str, Any], state: Path | None
) -> None:
    lines = [summary_of(call)]
    document = {**placed, "call": call}
    if "recording" in call:
        lines.append(f"recording: {call['recording']}")
    if state is not None:
        document["recordPath"] = str(_write_record(state, call))
        lines.append(f"record:    {document['recordPath']}")
    output.result(document, "\n".join(lines))


def _write_record(state: Path, call: dict[str, Any]) -> Path:
    folder = state / "calls"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"{call['callId']}.json"
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(file, "w", encoding="utf-8") as stream:
        json.dump(call, stream, ensure_ascii=False, indent=2)
        stream.write("\n")
    return path
