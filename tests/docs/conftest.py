"""Where the manual is, and what a configuration in it may lean on."""

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from voicecall.config.loader import LoadedConfig, load_config
from voicecall.plugins.loader import load_plugins
from voicecall.plugins.registry import Registry

VARIABLE = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}|env: *\"([A-Z][A-Z0-9_]*)\"")
SHIPPED = ("", "docs", "examples", "conformance", "providers", "tts_backends", "stt_backends")
PLUGINS = ("responders", "sinks", "exposure")


@pytest.fixture(scope="session")
def repo() -> Path:
    return Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def manual(repo: Path) -> list[Path]:
    """Every Markdown file that a reader may copy from."""
    folders = [repo / name for name in (*SHIPPED, *PLUGINS)]
    pages = {page for folder in folders[1:] for page in folder.rglob("*.md")}
    return sorted(pages | set(repo.glob("*.md")))


@pytest.fixture(scope="session")
def registry(repo: Path, tmp_path_factory: pytest.TempPathFactory) -> Registry:
    """What set-up installs, and the example provider, which it does not."""
    example = repo / "examples" / "acme_provider"
    site = tmp_path_factory.mktemp("site")
    info = site / "voicecall_acme-1.0.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: voicecall-acme\nVersion: 1.0.0\n")
    (info / "entry_points.txt").write_text("[voicecall]\nacme = voicecall_acme.plugin\n")
    added = [str(site), str(example)]
    sys.path.extend(added)
    try:
        return load_plugins(os.environ)
    finally:
        for path in added:
            sys.path.remove(path)
        for name in [name for name in sys.modules if name.startswith("voicecall_acme")]:
            del sys.modules[name]


@pytest.fixture(scope="session")
def check(registry: Registry) -> Callable[[Path], LoadedConfig]:
    """Read a configuration as the gateway would, with every variable that it names set."""

    def load(path: Path) -> LoadedConfig:
        named = VARIABLE.findall(path.read_text(encoding="utf-8"))
        environ = {first or second: "a-value" for first, second in named}
        return load_config(path, registry, environ=environ)

    return load
