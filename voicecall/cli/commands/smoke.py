"""`voicecall smoke`: is everything ready, and with `--yes`: does a test call work?"""

from __future__ import annotations

from typing import Any

from voicecall.cli import findings
from voicecall.cli.discovery import find_gateway, is_elsewhere, state_dir_of
from voicecall.cli.exit_codes import Exit, UsageError
from voicecall.cli.loading import load_enabled
from voicecall.cli.options import Options, Parser
from voicecall.cli.output import Output, complain
from voicecall.cli.own_gateway import any_gateway
from voicecall.cli.placing import Outcome, placed
from voicecall.cli.readiness import readiness
from voicecall.sdk.provider import Finding

MESSAGE = "This is a test call from voicecall. Everything works. Goodbye."


def arguments(parser: Parser) -> None:
    """What it takes."""
    parser.add_argument("-t", "--to", metavar="NUMBER", help="whom to call [toNumber]")
    parser.add_argument("-m", "--message", metavar="TEXT", default=MESSAGE, help="what to say")
    parser.add_argument(
        "--mode",
        choices=("notify", "conversation"),
        default="notify",
        help="say it and hang up, or talk [notify]",
    )
    parser.add_argument("--yes", action="store_true", help="place the call; it may cost money")


def run(options: Options) -> int:
    """Do it."""
    output = Output(as_json=options.json)
    found = _checked(options)
    if not options.json and found:
        print(findings.text(found, output), flush=True)
    if findings.failed(found):
        return _told(output, found, Outcome(Exit.PROVIDER, {"ok": False}, "no call was placed"))
    if not options.yes:
        text = "ready; no call was placed: --yes places one"
        return _told(output, found, Outcome(Exit.OK, {"ok": True}, text))
    wish = {"to": options.to, "message": options.message, "mode": options.mode}
    options.no_wait = False
    with any_gateway(options) as reached:
        outcome = placed(options, output, reached, "voicecall.initiate", wish)
        outcome.document["ok"] = outcome.code == Exit.OK
        return _told(output, found, outcome)


def _checked(options: Options) -> list[Finding]:
    """What there is to say before the call. A gateway elsewhere has a configuration of its own."""
    if is_elsewhere(options):
        return [findings.ok("gateway", find_gateway(options).call("health")["version"])]
    loaded = load_enabled(options)
    if options.yes and not (options.to or loaded.settings.to_number):
        raise UsageError("whom to call? give --to NUMBER, or set toNumber in the configuration")
    return readiness(loaded, state_dir_of(options))


def _told(output: Output, found: list[Finding], outcome: Outcome) -> int:
    document: dict[str, Any] = {"findings": findings.objects(found), **outcome.document}
    output.result(document, outcome.text)
    if outcome.hint:
        complain(outcome.hint)
    return outcome.code
