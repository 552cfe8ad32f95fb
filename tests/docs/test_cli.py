"""Is the reference of the command line what the commands say?"""

import runpy
from pathlib import Path

from voicecall.cli.command_table import COMMANDS
from voicecall.cli.exit_codes import Exit


def test_the_committed_reference_is_what_the_generator_writes(repo: Path) -> None:
    generator = runpy.run_path(str(repo / "docs" / "generate_cli.py"))
    committed = (repo / "docs" / "cli.md").read_text(encoding="utf-8")
    assert generator["page"](committed) == committed, "run: python docs/generate_cli.py"
    assert set(generator["MEANINGS"]) == set(Exit)
    assert all(f"\n### {name}\n" in committed for name in COMMANDS)
