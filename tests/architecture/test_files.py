"""Do the files keep to what the house rules say about any file?"""

import re
from pathlib import Path

LONGEST_FILE = 400

LISTS = {"voicecall/sdk/__init__.py"}
"""Nothing but names, one a line."""

VENDORS = re.compile(
    r"twilio|telnyx|plivo|elevenlabs|deepgram|openai|ngrok|tailscale|cloudflare|espeak|sphinx",
    re.IGNORECASE,
)

NAMING = {"voicecall/agent_tool/dialects.py"}
"""Where names are the subject: for whom a tool's schema is written."""

MACHINE = re.compile(
    r"/(?:root|work|farm|opt/pypi)/|/tmp/bash_jobs"  # somebody's directories
    r"|--(?:extra-)?index-url[= ]\S*/|--find-links[= ]/|files\.pythonhosted\.org"
)


def lines_matching(path: Path, pattern: re.Pattern[str]) -> list[str]:
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    found = ((n, line) for n, line in enumerate(lines, 1) if pattern.search(line))
    return [f"{path}:{n}: {line.strip()[:120]}" for n, line in found]


def test_no_python_file_is_too_long_to_answer_one_question(
    repo: Path, python_files: list[Path]
) -> None:
    code = [path for path in python_files if str(path.relative_to(repo)) not in LISTS]
    lengths = {path: len(path.read_bytes().splitlines()) for path in code}
    too_long = {str(path): n for path, n in lengths.items() if n > LONGEST_FILE}
    assert not too_long


def test_every_module_of_the_kernel_says_which_question_it_answers(
    repo: Path, python_files: list[Path]
) -> None:
    kernel = [path for path in python_files if path.is_relative_to(repo / "voicecall")]
    silent = [
        str(path)
        for path in kernel
        if path.read_text(encoding="utf-8").strip()
        and not path.read_text(encoding="utf-8").startswith('"""')
    ]
    assert not silent


def test_the_kernel_names_no_vendor(repo: Path, python_files: list[Path]) -> None:
    kernel = [path for path in python_files if path.is_relative_to(repo / "voicecall")]
    named = [
        line
        for path in kernel
        if "migrations" not in path.name and path.relative_to(repo).as_posix() not in NAMING
        for line in lines_matching(path, VENDORS)
    ]
    assert not named


def test_nothing_of_the_machine_it_was_written_on_is_committed(files: list[Path]) -> None:
    text = [path for path in files if path.suffix not in {".wav", ".png"}]
    this = Path(__file__)
    leaks = [line for path in text if path != this for line in lines_matching(path, MACHINE)]
    assert not leaks


def test_no_resolver_lock_is_committed_beside_the_constraints(files: list[Path]) -> None:
    assert not [str(path) for path in files if path.name == "uv.lock"]
