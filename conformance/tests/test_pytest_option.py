"""Does `pytest --provider NAME` run the suite, in a stranger's project and with its settings?"""

import re
import subprocess
import sys
from pathlib import Path

from voicecall_conformance import REQUIREMENTS


def pytest_in(folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    return ran.stdout + ran.stderr


def test_every_rule_runs_against_the_named_provider(tmp_path: Path) -> None:
    (tmp_path / "test_other.py").write_text("def test_other(): raise AssertionError\n")
    told = pytest_in(tmp_path, "--provider", "mock", "-rs")
    counts = {word: int(count) for count, word in re.findall(r"(\d+) (\w+)", told.splitlines()[-1])}
    assert counts["passed"] + counts["skipped"] == len(REQUIREMENTS), told
    assert set(counts) <= {"passed", "skipped", "in"}, told
    assert "the carrier has no document of last resort" in told


def test_a_broken_rule_shows_its_text_its_link_and_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "test_broken.py").write_text(
        "from voicecall_conformance import ProviderConformance\n"
        "from voicecall_conformance.mutants import infect\n"
        "from voicecall_conformance.mutants.hearing import EndsWell\n"
        "from voicecall_mock.testing import MockHarness\n"
        "class TestBroken(ProviderConformance):\n"
        "    harness_type = infect(MockHarness, EndsWell)\n"
    )
    told = pytest_in(tmp_path, "-k", "the_end_comes_with_its_cause")
    assert "The end of a call comes with its cause" in told
    assert "docs/conformance.md#events.causes" in told
    assert '"kind":"call.ended"' in told


def test_a_deviation_is_a_strict_expected_failure(tmp_path: Path) -> None:
    (tmp_path / "test_excused.py").write_text(
        "from voicecall_conformance import Deviation, ProviderConformance\n"
        "from voicecall_mock.testing import MockHarness\n"
        "class Excused(MockHarness):\n"
        "    deviations = {'events.key': Deviation('it was so once')}\n"
        "class TestExcused(ProviderConformance):\n"
        "    harness_type = Excused\n"
    )
    assert "1 failed" in pytest_in(tmp_path, "-k", "key_names_one_happening")
