"""Is the table in the README right?"""

import re
from collections import Counter
from pathlib import Path

import pytest

from voicecall_conformance import REQUIREMENTS, Level

AREA = re.compile(r"^\| `(\w+)` \| (\d+) \| (\d+) \| (\d+) \|", re.MULTILINE)


@pytest.fixture
def readme() -> str:
    return (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def test_the_table_of_areas_counts_the_rules(readme: str) -> None:
    rules = Counter((rule.area, rule.level) for rule in REQUIREMENTS.values())
    areas = dict.fromkeys(rule.area for rule in REQUIREMENTS.values())
    counted = [(area, *(str(rules[area, level]) for level in Level)) for area in areas]
    assert AREA.findall(readme) == counted
