"""Which rules does a plugin keep? Rewrites the tables in docs/conformance.md.

    python docs/generate_conformance.py

What stands above the marker in that page is written by hand and kept; the rest comes from
`voicecall_conformance.rulebook` and the rulebooks of the other kinds. A test
compares the committed page with what this would write.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

from voicecall_conformance.kinds import KINDS, PROVIDER
from voicecall_conformance.requirements import Requirement

PAGE = Path(__file__).resolve().parent / "conformance.md"
MARKER = "<!-- From here on written by docs/generate_conformance.py; edit the rulebook. -->"


def page(current: str) -> str:
    """The page with its hand-written head from `current` and the tables anew."""
    head = current.partition(MARKER)[0]
    lines = [MARKER, ""]
    for area, rules in groupby(PROVIDER.requirements.values(), lambda rule: rule.area):
        lines += _table(area.capitalize(), rules)
    for kind in KINDS.values():
        if kind is not PROVIDER:
            lines += _table(kind.title, kind.requirements.values())
    return head + "\n".join(lines)


def _table(title: str, rules: Iterable[Requirement]) -> list[str]:
    head = [f"## {title}", "", "| id | level | rule | since |", "|---|---|---|---|"]
    return [*head, *map(_row, rules), ""]


def _row(rule: Requirement) -> str:
    text = rule.text.replace("|", "\\|")
    return f'| <a id="{rule.id}"></a>`{rule.id}` | {rule.level} | {text} | {rule.since} |'


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
