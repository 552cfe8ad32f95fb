"""Is the reference of what plugins import what the code says, and whole?"""

import re
import runpy
from pathlib import Path

from voicecall import sdk
from voicecall.plugins.hooks import HOOKS

HOOK = re.compile(r"^\| `(voicecall_\w+)` \| `list\[(\w+)\]` \|", re.MULTILINE)
TOLD = re.compile(r"^### `(?:async )?(\w+)", re.MULTILINE)
ELSEWHERE = {"PROJECT", "hookimpl", "hookspec", "Field"}
"""The marks of hooks, which the page's head explains, and pydantic's field."""


def test_the_committed_reference_is_what_the_generator_writes(repo: Path) -> None:
    page = runpy.run_path(str(repo / "docs" / "generate_hooks.py"))["page"]
    committed = (repo / "docs" / "hooks.md").read_text(encoding="utf-8")
    assert page(committed) == committed, "run: python docs/generate_hooks.py"


def test_every_hook_of_the_program_is_told_with_its_spec(repo: Path) -> None:
    told = dict(HOOK.findall((repo / "docs" / "hooks.md").read_text(encoding="utf-8")))
    assert told == {hook: spec.__name__ for hook, spec in HOOKS.items()}


def test_everything_that_a_plugin_may_import_is_told(repo: Path) -> None:
    text = (repo / "docs" / "hooks.md").read_text(encoding="utf-8")
    told = set(TOLD.findall(text))
    drawn = set(re.findall(r"^[│├└─ ]*(\w+)(?: |$)", text, re.MULTILINE))
    assert not set(sdk.__all__) - told - drawn - ELSEWHERE
