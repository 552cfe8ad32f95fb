"""`voicecall policy explain NUMBER`: what would become of calls to a number and from it, and why.

It asks the gateway that runs. Where none does, it reads configuration and store itself.
"""

from __future__ import annotations

from typing import Any

from voicecall.cli.client import NobodyListens
from voicecall.cli.discovery import find_gateway, is_elsewhere, state_dir_of
from voicecall.cli.exit_codes import Exit
from voicecall.cli.options import Options, Parser
from voicecall.cli.output import Output, clean, table


def arguments(parser: Parser) -> None:
    """What it takes."""
    parser.add_argument("action", choices=("explain",))
    parser.add_argument("number", help="in E.164, like +15551230001")
    parser.add_argument(
        "--attestation", choices=("A", "B", "C"), help="what the carrier says of it, if it calls us"
    )


def run(options: Options) -> int:
    """Do it."""
    wish = {"number": options.number, "attestation": options.attestation}
    try:
        found = find_gateway(options).call("voicecall.policy.explain", wish)
    except NobodyListens:
        if is_elsewhere(options):
            raise
        found = _without_gateway(options)
    Output(as_json=options.json).result(found, _described(found))
    return Exit.OK


def _without_gateway(options: Options) -> dict[str, Any]:
    import anyio

    from voicecall.cli.loading import load
    from voicecall.rpc.policy_methods import explanation_object
    from voicecall.stored_policy import explain_from

    found = anyio.run(
        explain_from,
        load(options).settings,
        state_dir_of(options),
        options.number,
        options.attestation,
    )
    return explanation_object(found)


def _described(found: dict[str, Any]) -> str:
    number = clean(found["number"])
    return "\n\n".join(
        [
            _ruled(f"calls to {number}", found["outbound"]),
            _ruled(f"calls from {number}", found["inbound"]),
        ]
    )


def _ruled(title: str, ruling: dict[str, Any]) -> str:
    outcome = "allowed" if ruling["allowed"] else f"refused, {ruling['reason']}: {ruling['why']}"
    rows = [
        [" ", "yes" if rule["allowed"] else "NO", rule["rule"], clean(rule["why"])]
        for rule in ruling["rules"]
    ]
    return f"{title}: {outcome}\n{table(rows)}"
