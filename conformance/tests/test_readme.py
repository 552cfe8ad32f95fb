"""Does the harness in the README prove the provider in the manual, and is its table right?"""

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from voicecall_conformance import REQUIREMENTS, Level

MODULE = re.compile(r"^```python\n# (\w+)\.py\n(.*?)^```$", re.MULTILINE | re.DOTALL)
AREA = re.compile(r"^\| `(\w+)` \| (\d+) \| (\d+) \| (\d+) \|", re.MULTILINE)
METADATA = "Metadata-Version: 2.1\nName: voicecall-acme\nVersion: 1.0\n"
ENTRY_POINTS = """\
[voicecall]
acme = acme_provider
[voicecall.conformance]
acme = acme_testing:AcmeHarness
"""


@pytest.fixture
def readme() -> str:
    return (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def site(readme: str, tmp_path: Path) -> Path:
    """A folder in which the provider of the manual is installed with the README's harness."""
    manual = Path(__file__).parents[2] / "docs" / "providers.md"
    modules = dict(MODULE.findall(readme) + MODULE.findall(manual.read_text(encoding="utf-8")))
    assert set(modules) == {"acme_provider", "acme_testing"}
    for name, source in modules.items():
        (tmp_path / f"{name}.py").write_text(source, encoding="utf-8")
    info = tmp_path / "voicecall_acme-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(METADATA)
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    return tmp_path


def test_the_harness_of_the_readme_proves_the_provider_of_the_manual(site: Path) -> None:
    command = [str(Path(sys.executable).with_name("voicecall")), "conformance", "acme", "--wire"]
    environ = {**os.environ, "PYTHONPATH": str(site)}
    ran = subprocess.run(command, capture_output=True, text=True, env=environ, timeout=120)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    count = len(REQUIREMENTS)
    assert ran.stdout.splitlines()[-1] == f"acme: {count} rules, {count} kept"


def test_the_table_of_areas_counts_the_rules(readme: str) -> None:
    rules = Counter((rule.area, rule.level) for rule in REQUIREMENTS.values())
    areas = dict.fromkeys(rule.area for rule in REQUIREMENTS.values())
    counted = [(area, *(str(rules[area, level]) for level in Level)) for area in areas]
    assert AREA.findall(readme) == counted
