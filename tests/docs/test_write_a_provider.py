"""Does the page for authors print what the example, the suite and the harness really say?

That its road leads where it says is proved in tests/e2e/test_example_package.py.
"""

import ast
import re
import runpy
from pathlib import Path

from voicecall.sdk import Capability
from voicecall_conformance import REQUIREMENTS, ProviderHarness

PAGE = "write-a-provider.md"


def text_of(repo: Path) -> str:
    return (repo / "docs" / PAGE).read_text(encoding="utf-8")


def test_the_committed_page_is_what_the_generator_writes(repo: Path) -> None:
    page = runpy.run_path(str(repo / "docs" / "generate_write_a_provider.py"))["page"]
    committed = text_of(repo)
    assert page(committed) == committed, "run: python docs/generate_write_a_provider.py"


def test_every_rule_has_a_row_and_every_area_a_section(repo: Path) -> None:
    text = text_of(repo)
    rows = re.findall(r"^\| `([a-z]+\.[a-z-]+)` \| \w+ \|", text, re.MULTILINE)
    assert rows == list(REQUIREMENTS)
    areas = dict.fromkeys(rule.area for rule in REQUIREMENTS.values())
    assert [name for name in areas if f"\n### {name.capitalize()}\n" not in text] == []


def test_every_capability_is_told_with_what_it_is_for(repo: Path) -> None:
    rows = re.findall(r"^\| `Capability\.(\w+)` \|", text_of(repo), re.MULTILINE)
    assert {Capability[name] for name in rows} == set(Capability)


def test_what_has_to_be_written_in_a_harness_is_counted_rightly(repo: Path) -> None:
    stub = text_of(repo).partition("<!-- methods -->")[2].partition("<!-- end -->")[0]
    methods = re.findall(r"^    def (\w+)\(", stub, re.MULTILINE)
    assert set(methods[:7]) == ProviderHarness.__abstractmethods__
    assert "the first seven have to be written" in text_of(repo)


def test_the_example_has_the_parts_that_the_page_names(repo: Path) -> None:
    package = repo / "examples" / "acme_provider" / "voicecall_acme"
    files = re.findall(r"^\| `(\w+\.py)` \|", text_of(repo), re.MULTILINE)
    assert {path.name for path in package.glob("*.py")} - set(files) == {"__init__.py"}


def test_the_example_imports_of_ours_what_any_author_may(repo: Path) -> None:
    package = repo / "examples" / "acme_provider" / "voicecall_acme"
    for path in package.glob("*.py"):
        doors = {"voicecall.sdk", "voicecall_acme"}
        doors |= {"voicecall_conformance"} if path.name == "testing.py" else set()
        tree = ast.parse(path.read_text(encoding="utf-8"))
        named = {each.module or "" for each in ast.walk(tree) if isinstance(each, ast.ImportFrom)}
        others = {name for name in named if not name.startswith("voicecall_acme.")}
        assert {name for name in others if name.startswith("voicecall")} <= doors, path
