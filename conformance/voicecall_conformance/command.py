"""How does a person ask whether a provider keeps the rules? `voicecall conformance NAME`."""

from __future__ import annotations

import json
from collections.abc import Sequence

import click

from voicecall.sdk import PluginError
from voicecall_conformance.catalogue import harness_of
from voicecall_conformance.runner import Outcome, Result, prove

SIGNS = {
    Outcome.KEPT: click.style("kept", fg="green"),
    Outcome.BROKEN: click.style("BROKEN", fg="red", bold=True),
    Outcome.DEVIATES: click.style("deviates", fg="yellow"),
    Outcome.OUTDATED: click.style("OUTDATED", fg="red", bold=True),
}


@click.command()
@click.argument("provider")
@click.option("--json", "as_json", is_flag=True, help="One JSON document instead of a table.")
@click.option("--wire", is_flag=True, help="Show what went over the wire where a rule broke.")
def conformance(provider: str, as_json: bool, wire: bool) -> None:
    """Prove that the installed PROVIDER keeps the rules that providers keep."""
    try:
        harness = harness_of(provider)
    except PluginError as error:
        raise click.ClickException(error.message) from error
    results = list(prove(harness))
    if as_json:
        click.echo(json.dumps(document(provider, results), indent=2))
    else:
        click.echo(table(provider, results, wire=wire))
    if not all(result.is_good for result in results):
        raise SystemExit(1)


def table(provider: str, results: Sequence[Result], *, wire: bool = False) -> str:
    """The results for a person: a line a rule, details below those that need them."""
    lines = []
    for result in results:
        rule = result.requirement
        lines.append(f"{SIGNS[result.outcome]:<18} {rule.id:<22} {rule.level:<7} {rule.text}")
        if result.detail:
            lines.append(f"         {result.detail}")
        if wire and result.outcome is Outcome.BROKEN:
            lines.append(result.wire)
    counts = {outcome: _count(results, outcome) for outcome in Outcome}
    summary = ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count)
    return "\n".join([*lines, f"{provider}: {len(results)} rules, {summary}"])


def document(provider: str, results: Sequence[Result]) -> dict[str, object]:
    """The results for a machine."""
    return {
        "provider": provider,
        "ok": all(result.is_good for result in results),
        "rules": [
            {
                "id": result.requirement.id,
                "level": result.requirement.level,
                "since": result.requirement.since,
                "outcome": result.outcome,
                "text": result.requirement.text,
                "detail": result.detail,
            }
            for result in results
        ],
    }


def _count(results: Sequence[Result], outcome: Outcome) -> int:
    return sum(result.outcome is outcome for result in results)
