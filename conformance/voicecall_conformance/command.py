"""How does a person ask whether a plugin keeps the rules? `voicecall conformance NAME`."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from itertools import groupby
from textwrap import wrap

import click

from voicecall.sdk import PluginError
from voicecall_conformance.catalogue import harness_of, provable
from voicecall_conformance.kinds import KINDS, PROVIDER
from voicecall_conformance.runner import Outcome, Result, prove

SIGNS = {
    Outcome.KEPT: click.style("kept", fg="green"),
    Outcome.BROKEN: click.style("BROKEN", fg="red", bold=True),
    Outcome.DEVIATES: click.style("deviates", fg="yellow"),
    Outcome.NOT_APPLICABLE: click.style("n/a", fg="cyan"),
    Outcome.OUTDATED: click.style("OUTDATED", fg="red", bold=True),
}

WORDS = {
    Outcome.KEPT: "kept",
    Outcome.BROKEN: "broken",
    Outcome.DEVIATES: "deviating",
    Outcome.OUTDATED: "outdated",
    Outcome.NOT_APPLICABLE: "not applicable",
}
LONGEST_DETAIL = 600


def _list(context: click.Context, parameter: click.Parameter, wanted: bool) -> None:
    if wanted:
        for name in provable():
            click.echo(name)
        context.exit()


@click.command(epilog=f"KIND is one of {', '.join(KINDS)}.")
@click.argument("plugin", metavar="[KIND:]NAME")
@click.option(
    "--list",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_list,
    help="What can be proved here, a line each.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document instead of a table.")
@click.option("--wire", is_flag=True, help="Show what went over the wire where a rule broke.")
@click.option(
    "--mutants", is_flag=True, help="Seed faults into the plugin; is each caught by its rule?"
)
def conformance(plugin: str, as_json: bool, wire: bool, mutants: bool) -> None:
    """Prove that an installed plugin keeps the rules of its kind.

    NAME alone is a provider; a plugin of another kind is named with it, such as tts:openai.
    """
    try:
        harness = harness_of(plugin)
        if mutants:
            from voicecall_conformance.mutants.command import hunted

            raise SystemExit(hunted(plugin, harness, as_json=as_json))
        results = list(prove(harness))
    except PluginError as error:
        raise click.ClickException(error.message) from error
    if as_json:
        click.echo(json.dumps(document(plugin, results), indent=2))
    else:
        click.echo(table(plugin, results, wire=wire))
    if not all(result.is_good for result in results):
        raise SystemExit(1)


def table(plugin: str, results: Sequence[Result], *, wire: bool = False) -> str:
    """The results for a person: a heading an area, a line a rule, details where they matter."""
    width = shutil.get_terminal_size((100, 24)).columns
    lines: list[str] = []
    for area, rules in groupby(results, lambda result: result.requirement.area):
        lines += ["", click.style(area, bold=True)]
        for result in rules:
            lines += _lines(result, width, wire=wire)
    return "\n".join([*lines[1:], "", summary(plugin, results)])


def summary(plugin: str, results: Sequence[Result]) -> str:
    """How many rules had which outcome."""
    counts = {outcome: _count(results, outcome) for outcome in Outcome}
    told = ", ".join(f"{count} {WORDS[outcome]}" for outcome, count in counts.items() if count)
    return f"{plugin}: {len(results)} rules, {told}"


def document(plugin: str, results: Sequence[Result]) -> dict[str, object]:
    """The results for a machine; the plugin stands under the name of its kind."""
    kind, _, name = plugin.rpartition(":")
    return {
        kind or PROVIDER.name: name,
        "ok": all(result.is_good for result in results),
        "rules": [
            {
                "id": result.requirement.id,
                "area": result.requirement.area,
                "level": result.requirement.level,
                "since": result.requirement.since,
                "outcome": result.outcome,
                "text": result.requirement.text,
                "link": result.requirement.link,
                "detail": result.detail,
                "wire": result.wire,
            }
            for result in results
        ],
    }


def _lines(result: Result, width: int, *, wire: bool) -> Iterator[str]:
    rule = result.requirement
    text = f"{rule.id:<22} {rule.level:<7} {rule.text}"
    for number, line in enumerate(wrap(text, max(width - 10, 40), subsequent_indent=" " * 31)):
        sign = SIGNS[result.outcome] if number == 0 else ""
        yield f"{sign}{' ' * (10 - len(click.unstyle(sign)))}{line}"
    if result.detail:
        yield f"{'':10}{click.style('→', dim=True)} {_cut(result.detail)}"
    if result.outcome is Outcome.BROKEN:
        yield f"{'':10}{click.style('→', dim=True)} {rule.link}"
        if wire:
            yield from (f"{'':12}{line}" for line in result.wire.splitlines())


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_DETAIL else f"{text[:LONGEST_DETAIL]} … ({len(text)})"


def _count(results: Sequence[Result], outcome: Outcome) -> int:
    return sum(result.outcome is outcome for result in results)
