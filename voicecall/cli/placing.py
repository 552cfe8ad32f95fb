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


class Outcome:
    """What came of a call: the exit code, what programs and people read, and a last hint."""

    __slots__ = ("code", "document", "hint", "text")

    def __init__(self, code: int, document: dict[str, Any], text: str, hint: str = "") -> None:
        self.code = code
        self.document = document
        self.text = text
        self.hint = hint


def place(options: Options, method: str, **more: object) -> int:
    """Place the call that `options` describe, follow it to its end, and return the exit code.

    Args:
        options: the command line.
        method: of the gateway.
        more: its parameters beside those that `options` always have.
    """
    output = Output(as_json=options.json)
    wish = {
        "to": options.to,
        "message": options.message,
        "mode": options.mode,
        "dtmfSequence": options.dtmf_sequence,
        **more,
    }
    with any_gateway(options) as reached:
        outcome = placed(options, output, reached, method, wish)
        output.result(outcome.document, outcome.text)
        if outcome.hint:
            complain(outcome.hint)
        return outcome.code


def placed(
    options: Options, output: Output, reached: Reached, method: str, wish: dict[str, Any]
) -> Outcome:
    """Place a call through `reached`; progress is shown on `output`, the result is not."""
    answer = _initiate(reached.client, method, wish)
    if options.no_wait and not reached.owned:
        return Outcome(Exit.OK, answer, str(answer["callId"]))
    if options.no_wait:
        complain("no gateway runs, so this command stays until the call has ended")
    try:
        return _followed(options, output, reached, answer)
    finally:
        output.clear()


def _initiate(client: GatewayClient, method: str, wish: dict[str, Any]) -> dict[str, Any]:
    try:
        return client.call(method, wish, seconds=CARRIER_SECONDS)
    except KeyboardInterrupt:
        complain("the call may have been placed; look with 'voicecall status'")
        raise


def _followed(
    options: Options, output: Output, reached: Reached, answer: dict[str, Any]
) -> Outcome:
    call_id = str(answer["callId"])
    view = CallView(output)
    interrupted = False
    try:
        ended = follow(reached.client, call_id, view.show)
    except KeyboardInterrupt:
        interrupted = True
        if not reached.owned:
            hint = f"the call goes on; end it with: voicecall end --call-id {call_id}"
            return Outcome(Exit.INTERRUPTED, answer, "", hint)
        output.progress("hanging up; press Ctrl-C again to quit at once")
        reached.client.call("voicecall.end", {"callId": call_id}, seconds=CARRIER_SECONDS)
        ended = follow(reached.client, call_id, lambda event: None)
    code = Exit.INTERRUPTED if interrupted else exit_of_call(str(ended["call"]["state"]))
    return _reported(code, answer | ended, None if is_elsewhere(options) else state_dir_of(options))


def _reported(code: int, document: dict[str, Any], state: Path | None) -> Outcome:
    call = document["call"]
    lines = [summary_of(call)]
    if "recording" in call:
        lines.append(f"recording: {call['recording']}")
    if state is not None:
        document["recordPath"] = str(_write_record(state, call))
        lines.append(f"record:    {document['recordPath']}")
    return Outcome(code, document, "\n".join(lines))


def _write_record(state: Path, call: dict[str, Any]) -> Path:
    folder = state / "calls"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"{call['callId']}.json"
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(file, "w", encoding="utf-8") as stream:
        json.dump(call, stream, ensure_ascii=False, indent=2)
        stream.write("\n")
    return path
