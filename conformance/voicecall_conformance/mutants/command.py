"""How does a person see what the suite catches? `voicecall conformance NAME --mutants`."""

from __future__ import annotations

import json
from typing import Any

import click

from voicecall_conformance.kinds import PROVIDER, kind_of
from voicecall_conformance.mutants.hunt import Catch, Verdict, hunt

SIGNS = {
    Catch.CAUGHT: click.style("caught", fg="green"),
    Catch.ESCAPED: click.style("ESCAPED", fg="red", bold=True),
    Catch.STRAYED: click.style("STRAYED", fg="red", bold=True),
    Catch.IRRELEVANT: click.style("n/a", fg="cyan"),
}


def hunted(plugin: str, harness: type[Any], *, as_json: bool) -> int:
    """Seed every fault into `plugin` and print what became of it; the exit code."""
    verdicts: list[Verdict] = []
    for mutant in kind_of(harness).faults():
        verdicts.append(hunt(harness, mutant))
        if not as_json:
            click.echo(_line(verdicts[-1]))
    good = all(verdict.is_good for verdict in verdicts)
    if as_json:
        faults = [_document(verdict) for verdict in verdicts]
        kind, _, name = plugin.rpartition(":")
        told = {kind or PROVIDER.name: name, "ok": good, "faults": faults}
        click.echo(json.dumps(told, indent=2))
    else:
        counts = {catch: sum(each.catch is catch for each in verdicts) for catch in Catch}
        caught = ", ".join(f"{count} {catch}" for catch, count in counts.items() if count)
        click.echo(f"\n{plugin}: {len(verdicts)} faults, {caught}")
    return 0 if good else 1


def _line(verdict: Verdict) -> str:
    mutant = verdict.mutant
    sign = SIGNS[verdict.catch]
    told = (mutant.__doc__ or "").partition("\n")[0]
    line = f"{sign}{' ' * (10 - len(click.unstyle(sign)))}{mutant.__name__:<28} "
    line += f"{mutant.breaks:<22} {told}"
    strangers = f"\n{'':10}→ also broke {', '.join(verdict.strangers)}"
    return line + (strangers if verdict.strangers else "")


def _document(verdict: Verdict) -> dict[str, object]:
    return {
        "fault": verdict.mutant.__name__,
        "rule": verdict.mutant.breaks,
        "outcome": verdict.catch,
        "strangers": list(verdict.strangers),
    }
