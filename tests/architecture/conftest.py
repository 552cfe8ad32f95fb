"""Where the repository is, which files it has, which folders hold plugins."""

import subprocess
from pathlib import Path

import pytest

KINDS = ("providers", "tts_backends", "stt_backends", "responders", "sinks", "exposure")


@pytest.fixture(scope="session")
def repo() -> Path:
    return Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def files(repo: Path) -> list[Path]:
    """What is, or is about to be, in version control."""
    command = ["git", "-C", str(repo), "ls-files", "-z", "-co", "--exclude-standard"]
    listing = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    paths = [repo / name for name in listing.split("\0") if name]
    return [path for path in paths if path.is_file()]


@pytest.fixture(scope="session")
def python_files(files: list[Path]) -> list[Path]:
    return [path for path in files if path.suffix == ".py"]


@pytest.fixture(scope="session")
def plugins(repo: Path) -> list[Path]:
    """The folder of every plugin."""
    folders = (folder for kind in KINDS for folder in sorted((repo / kind).glob("[!_.]*")))
    found = [folder for folder in folders if folder.is_dir()]
    assert found, "no plugin folders found"
    return found
