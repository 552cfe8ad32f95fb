"""Distributions with plugins, made in a folder on the import path."""

import textwrap
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from voicecall.plugins.loader import load_plugins
from voicecall.plugins.registry import Registry

PREAMBLE = """
from contextlib import asynccontextmanager

from voicecall.sdk import *

class Config(Section):
    voice: str = "plain"

@asynccontextmanager
async def opened(config, context):
    yield None

def spec(name, config=Config):
    return TtsSpec(name=name, summary="for a test", config=config, open=opened)
"""


class Shelf:
    """Installs distributions and loads them and nothing else."""

    def __init__(self, root: Path, path: Callable[[str], None]) -> None:
        self._root = root
        self._path = path
        self._names: list[str] = []

    def install(
        self, source: str, *, distribution: str = "acme-voice", entry: str = "acme", url: str = ""
    ) -> None:
        folder = self._root / uuid.uuid4().hex
        info = folder / f"{distribution.replace('-', '_')}-1.2.dist-info"
        info.mkdir(parents=True)
        module = f"plugin_{uuid.uuid4().hex}"
        (folder / f"{module}.py").write_text(PREAMBLE + textwrap.dedent(source))
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n"
        )
        (info / "entry_points.txt").write_text(f"[voicecall]\n{entry} = {module}\n")
        if url:
            (info / "direct_url.json").write_text(url)
        self._path(str(folder))
        self._names.append(distribution)

    def load(self, only: str | None = None) -> Registry:
        return load_plugins({"VOICECALL_PLUGINS": only or ",".join(self._names)})


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    return Shelf(tmp_path, monkeypatch.syspath_prepend)
