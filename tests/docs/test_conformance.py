"""Are the rules in the manual those of the suite?"""

import runpy
from pathlib import Path


def test_the_committed_rules_are_what_the_generator_writes(repo: Path) -> None:
    page = runpy.run_path(str(repo / "docs" / "generate_conformance.py"))["page"]
    committed = (repo / "docs" / "conformance.md").read_text(encoding="utf-8")
    assert page(committed) == committed, "run: python docs/generate_conformance.py"
