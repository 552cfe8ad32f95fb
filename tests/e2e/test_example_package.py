"""Can a stranger write a provider? The finished example and the road of the manual, from wheels."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from voicecall_conformance import REQUIREMENTS

REPO = Path(__file__).resolve().parents[2]
EXAMPLE = REPO / "examples" / "acme_provider"
UV = Path(sys.executable).with_name("uv")
OURS = ("voicecall", "voicecall-conformance", "voicecall-expose-public-url")
BUILDING = ("hatchling", "editables")
GOOD = {"kept", "not-applicable"}
SNIPPET = re.compile(r"^```python\n# voicecall_acme/([\w.]+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SETTING = re.compile(r"so `(signs_time) = True`")
FOUND = ("--constraint", REPO / "constraints.txt")


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if "VOICECALL" not in name}
    kept.pop("PYTHONPATH", None)
    kept |= {"PYTHONDONTWRITEBYTECODE": "1", "NO_COLOR": "1"}
    words = [str(part) for part in command]
    return subprocess.run(words, cwd=cwd, env=kept, capture_output=True, text=True, timeout=300)


def done(*command: str | Path, cwd: Path) -> str:
    """The output of a command that must succeed."""
    ran = run(*command, cwd=cwd)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def install(python: Path, *wanted: str | Path, cwd: Path) -> None:
    """As a user's `pip install`, from what set-up fetched where that is still at hand."""
    command = (UV, "pip", "install", "--quiet", "--python", python, *FOUND, *wanted)
    if run(*command, "--offline", cwd=cwd).returncode:
        done(*command, cwd=cwd)


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheels of the kernel, the suite and the example; the last from a copy elsewhere."""
    folder = tmp_path_factory.mktemp("dist")
    flags = ("--quiet", "--wheel", "--no-build-isolation", "--python", sys.executable)
    for name in OURS:
        done(UV, "build", *flags, "--package", name, "--out-dir", folder, cwd=REPO)
    copy = tmp_path_factory.mktemp("stranger") / "acme"
    shutil.copytree(EXAMPLE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    done(UV, "build", *flags, "--out-dir", folder, copy, cwd=copy)
    return folder


def environment(root: Path, wheels: Path, *wanted: str) -> Path:
    """A fresh environment with `wanted`; its commands."""
    done(UV, "venv", "--quiet", "--python", sys.executable, root / "env", cwd=root)
    install(root / "env", "--find-links", wheels, *wanted, cwd=root)
    return root / "env" / "bin"


@pytest.fixture(scope="module")
def stranger(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the example's wheel and what it asks for, far from any checkout."""
    root = tmp_path_factory.mktemp("stranger-env")
    wanted = ("voicecall-acme[testing]", "voicecall-expose-public-url")
    return environment(root, wheels, *wanted)


@pytest.fixture(scope="module")
def author(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment as the manual has it before the first provider is written."""
    root = tmp_path_factory.mktemp("author-env")
    return environment(root, wheels, "voicecall[conformance]", *BUILDING)


def report(program: Path, provider: str, cwd: Path) -> dict[str, dict[str, Any]]:
    """What the suite says of every rule."""
    asked = run(program, "conformance", provider, "--json", cwd=cwd)
    assert asked.returncode in (0, 1), asked.stderr
    document = json.loads(asked.stdout)
    assert document["ok"] == (asked.returncode == 0)
    return {rule["id"]: rule for rule in document["rules"]}


def broken(rules: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {name: rule["detail"] for name, rule in rules.items() if rule["outcome"] not in GOOD}


# -- the finished example


def test_the_wheel_of_the_example_keeps_every_rule(stranger: Path, tmp_path: Path) -> None:
    rules = report(stranger / "voicecall", "acme", tmp_path)
    assert broken(rules) == {}
    assert list(rules) == list(REQUIREMENTS)
    assert {rule["outcome"] for rule in rules.values()} == GOOD


def test_the_tests_of_the_example_pass_without_its_source(stranger: Path, tmp_path: Path) -> None:
    shutil.copytree(EXAMPLE / "tests", tmp_path / "tests")
    ran = run(stranger / "python", "-m", "pytest", "-q", "-W", "error", cwd=tmp_path)
    assert ran.returncode == 0, ran.stdout
    counts = re.findall(r"(\d+) (?:passed|skipped)", ran.stdout.splitlines()[-1])
    assert sum(map(int, counts)) > len(REQUIREMENTS), "only the suite ran"


def test_the_configuration_of_the_example_is_accepted(stranger: Path, tmp_path: Path) -> None:
    readme = (EXAMPLE / "README.md").read_text(encoding="utf-8")
    (snippet,) = re.findall(r"^```json5\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)
    path = tmp_path / "voicecall.json5"
    path.write_text(re.sub(r"\$\{\w+\}", "a-secret", snippet))
    done(stranger / "voicecall", "config", "check", "--config", path, cwd=tmp_path)


# -- the road of the manual


def put_over(path: Path, snippet: str) -> None:
    """Do as the page says: the snippet's definitions in place of their namesakes."""
    source = path.read_text(encoding="utf-8")
    lines = source.splitlines()
    given = {node.name for node in ast.parse(snippet).body if isinstance(node, ast.FunctionDef)}
    for node in reversed(ast.parse(source).body):
        if isinstance(node, ast.FunctionDef) and node.name in given:
            del lines[node.lineno - 1 : node.end_lineno]
    future = lines.index("from __future__ import annotations") + 1
    path.write_text("\n".join([*lines[:future], snippet, *lines[future:]]) + "\n")


def test_a_new_package_is_red_where_it_is_unwritten_and_the_page_makes_it_green(
    author: Path, tmp_path: Path
) -> None:
    page = (REPO / "docs" / "write-a-provider.md").read_text(encoding="utf-8")
    told = done(author / "voicecall", "new", "provider", "acme", cwd=tmp_path)
    package = tmp_path / "voicecall-acme"
    assert [line.strip() for line in told.splitlines()[2:5]] == [
        "cd voicecall-acme",
        'pip install -e ".[testing]"',
        "voicecall conformance acme",
    ]
    install(author / "python", "--no-build-isolation", "-e", ".[testing]", cwd=package)
    assert "provider acme" in done(author / "voicecall", "plugins", cwd=tmp_path)

    red = broken(report(author / "voicecall", "acme", tmp_path))
    assert next(iter(red)) == "signature.genuine"
    assert red["signature.genuine"] in page
    shown = run(author / "voicecall", "conformance", "acme", cwd=tmp_path).stdout.splitlines()[-1]
    assert f"\n{shown}\n" in page, f"the page shows another last line than {shown!r}"
    assert {name: detail for name, detail in red.items() if ".py, " not in detail} == {}
    assert not {name for name in red if name.startswith("media.")}
    assert "package.light" not in red and "package.hook" not in red

    first, second = SNIPPET.findall(page.partition("## The package")[0])
    (setting,) = SETTING.findall(page)
    harness = package / "voicecall_acme" / "testing.py"
    harness.write_text(harness.read_text().replace(f"{setting} = False", f"{setting} = True"))
    for file, snippet in (first, second):
        put_over(package / "voicecall_acme" / file, snippet)
    after = broken(report(author / "voicecall", "acme", tmp_path))
    still = {name: why for name, why in after.items() if name.startswith(("signature.", "replay."))}
    assert still == {}, still

    ran = run(author / "python", "-m", "pytest", "-q", cwd=package)
    assert ran.returncode == 1
    assert f"{len(after)} failed" in ran.stdout


@pytest.mark.parametrize("kind", [[], ["--documents"]], ids=["commands", "documents"])
def test_a_new_package_is_clean(kind: list[str], tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("voicecall")
    done(program, "new", "provider", "two-bells", *kind, cwd=tmp_path)
    package = tmp_path / "voicecall-two-bells"
    module = (sys.executable, "-m")
    done(*module, "ruff", "check", "--select", "E,F,I,UP,B", ".", cwd=package)
    done(*module, "ruff", "format", "--check", ".", cwd=package)
    done(*module, "mypy", "--strict", "voicecall_two_bells", cwd=package)
