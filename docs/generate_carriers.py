"""What can each provider of this repository do, and which rules does it keep? Runs the suite.

    python docs/generate_carriers.py

Writes docs/carriers.md from a run of the whole suite against every provider whose source is in this
repository. A test compares the capabilities and the list of rules in the committed page with the
providers; only this proves the rest.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from voicecall.sdk import Capability, ProviderSpec
from voicecall_conformance.catalogue import GROUP, harness_of
from voicecall_conformance.requirements import REQUIREMENTS
from voicecall_conformance.runner import Outcome, Result, prove

REPO = Path(__file__).resolve().parents[1]
PAGE = REPO / "docs" / "carriers.md"
SIGNS = {
    Outcome.KEPT: "yes",
    Outcome.BROKEN: "**no**",
    Outcome.OUTDATED: "**no**",
    Outcome.DEVIATES: "deviates",
    Outcome.NOT_APPLICABLE: "n/a",
}
HEAD = """\
# Carriers

What each provider can do, and which of [the rules](conformance.md) it keeps: the outcome of a run
of the conformance suite against the provider and a double of its carrier. The page is written by
docs/generate_carriers.py.
"""

Proofs = Mapping[str, Mapping[str, Result]]
"""Provider → rule → what came of it."""


def providers() -> list[str]:
    """Every provider in this repository that has a harness, by name."""
    projects = (REPO / "providers").glob("*/pyproject.toml")
    read = [tomllib.loads(path.read_text(encoding="utf-8")) for path in projects]
    return sorted(name for each in read for name in each["project"]["entry-points"].get(GROUP, {}))


def capabilities(specs: Sequence[ProviderSpec]) -> str:
    """The table of what each provider declares."""
    lines = [_row("capability", [spec.name for spec in specs]), _rule(len(specs))]
    for capability in Capability:
        cells = ["yes" if capability in spec.capabilities else "" for spec in specs]
        lines.append(_row(f"`{capability}`", cells))
    steered = ["documents" if spec.steers_by_document else "commands" for spec in specs]
    lines.append(_row("is steered by", steered))
    audio = [f"{spec.media_format.encoding} {spec.media_format.rate} Hz" for spec in specs]
    return "\n".join([*lines, _row("media streams carry", audio)])


def rules(proofs: Proofs) -> Iterator[str]:
    """A table an area: which provider keeps which rule."""
    for area, requirements in groupby(REQUIREMENTS.values(), lambda rule: rule.area):
        yield from ("", f"### {area.capitalize()}", "")
        yield from (_row("rule", list(proofs)), _rule(len(proofs)))
        for requirement in requirements:
            outcomes = [SIGNS[proof[requirement.id].outcome] for proof in proofs.values()]
            yield _row(f"[`{requirement.id}`]({requirement.link.removeprefix('docs/')})", outcomes)


def reasons(proofs: Proofs) -> Iterator[str]:
    """Why a rule does not apply, or is not kept."""
    for name, proof in proofs.items():
        for result in proof.values():
            if result.outcome is not Outcome.KEPT:
                outcome = SIGNS[result.outcome]
                yield f"| {name} | `{result.requirement.id}` | {outcome} | {result.detail} |"


def page(specs: Sequence[ProviderSpec], proofs: Proofs) -> str:
    """The whole page."""
    counted = f"{len(REQUIREMENTS)} rules, {len(proofs)} providers."
    lines = [HEAD, "## Capabilities", "", capabilities(specs), "", "## Rules", "", counted]
    lines += [*rules(proofs), "", "## Where a rule does not apply, and why", ""]
    lines += ["| provider | rule | | |", "|---|---|---|---|", *reasons(proofs)]
    return "\n".join(lines) + "\n"


def _row(first: str, cells: Sequence[str]) -> str:
    return f"| {' | '.join([first, *cells])} |"


def _rule(columns: int) -> str:
    return "|---" * (columns + 1) + "|"


if __name__ == "__main__":
    harnesses = {name: harness_of(name) for name in providers()}
    proved = {
        name: {result.requirement.id: result for result in prove(harness)}
        for name, harness in harnesses.items()
    }
    declared = [harness().spec() for harness in harnesses.values()]
    PAGE.write_text(page(declared, proved), encoding="utf-8")
    broken = [line for line in reasons(proved) if "**no**" in line]
    if broken:
        raise SystemExit("\n".join(["not every rule is kept:", *broken]))
