"""Is every configuration in the manual one that the gateway accepts?"""

import re
from collections.abc import Callable
from pathlib import Path

from voicecall.config.loader import LoadedConfig

SNIPPET = re.compile(r"^```json5\n(.*?)^```$", re.MULTILINE | re.DOTALL)

Check = Callable[[Path], LoadedConfig]


def test_every_example_configuration_is_accepted_without_a_warning(
    repo: Path, check: Check
) -> None:
    examples = sorted((repo / "examples").glob("**/*.json5"))
    assert examples
    for path in examples:
        assert check(path).warnings == (), path


def test_every_configuration_in_a_page_is_accepted(
    manual: list[Path], check: Check, tmp_path: Path
) -> None:
    seen = 0
    for page in manual:
        for number, text in enumerate(SNIPPET.findall(page.read_text(encoding="utf-8")), 1):
            snippet = tmp_path / f"{page.parent.name}-{page.stem}-{number}.json5"
            snippet.write_text(text, encoding="utf-8")
            check(snippet)
            seen += 1
    assert seen
