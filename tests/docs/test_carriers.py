"""Is the table of carriers in the manual that of the providers and rules of today?"""

import re
import runpy
from pathlib import Path
from typing import Any

import pytest

from voicecall_conformance import REQUIREMENTS
from voicecall_conformance.catalogue import harness_of

HINT = "run: python docs/generate_carriers.py"
ROW = re.compile(r"^\| \[`([\w.-]+)`\]\([^)]*\) \| (.*) \|$", re.MULTILINE)


@pytest.fixture
def generator(repo: Path) -> dict[str, Any]:
    return runpy.run_path(str(repo / "docs" / "generate_carriers.py"))


@pytest.fixture
def committed(repo: Path) -> str:
    return (repo / "docs" / "carriers.md").read_text(encoding="utf-8")


def test_the_capabilities_are_those_that_the_providers_declare(
    generator: dict[str, Any], committed: str
) -> None:
    specs = [harness_of(name)().spec() for name in generator["providers"]()]
    assert generator["capabilities"](specs) in committed, HINT


def test_every_rule_has_its_row_and_no_provider_breaks_it(
    generator: dict[str, Any], committed: str
) -> None:
    rows = {rule: cells.split(" | ") for rule, cells in ROW.findall(committed)}
    assert list(rows) == list(REQUIREMENTS), HINT
    assert {len(cells) for cells in rows.values()} == {len(generator["providers"]())}, HINT
    assert {cell for cells in rows.values() for cell in cells} <= {"yes", "n/a", "deviates"}
