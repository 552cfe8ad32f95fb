"""Do plugins and values keep to the floors? The kernel's own are import-linter's business."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

SHARED = {"voicecall.sdk", "voicecall.model", "voicecall.errors"}
"""What a plugin may import of ours."""

FOR_TESTING = SHARED | {"voicecall_conformance"}
"""What its harness (``harness.py``, ``testing.py``) and its double in ``network/`` may import."""


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def ours(name: str) -> bool:
    return name.split(".")[0].startswith("voicecall")


def test_a_plugin_imports_only_the_public_door_and_no_other_plugin(plugins: list[Path]) -> None:
    trespasses = []
    for package in (found for folder in plugins for found in folder.glob("voicecall_*")):
        own = package.name
        for path in package.rglob("*.py"):
            inside = path.relative_to(package)
            double = inside.parts[0] in ("harness.py", "testing.py", "network")
            allowed = FOR_TESTING if double else SHARED
            trespasses += [
                f"{path}: {name}"
                for name in imports(path)
                if ours(name)
                and name.split(".")[0] != own
                and not any(name == door or name.startswith(f"{door}.") for door in allowed)
            ]
    assert not trespasses


def test_values_need_nothing_but_the_standard_library(repo: Path) -> None:
    for path in (repo / "voicecall" / "model").glob("*.py"):
        for name in imports(path):
            top = name.split(".")[0]
            assert top in sys.stdlib_module_names or name.startswith("voicecall.model"), path
