"""Does every file that the manual names exist?"""

import re
from collections.abc import Iterator
from pathlib import Path

CODE = re.compile(r"`([^`\n]+)`")
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
MODULE = re.compile(r"(?<![\w/.~-])[\w-]+(?:/[\w-]+)+\.py\b")
PATH = re.compile(r"[\w.-]+(?:/[\w.-]+)+/?|[\w.-]+/|[\w-]+\.(?:py|md|toml)")
SUFFIXES = (".py", ".md", ".toml", ".json5", "/")


def bases(repo: Path, page: Path) -> list[Path]:
    """Where a path may start: the repository, the kernel, the page's folder, a model plugin."""
    mock, acme = repo / "providers" / "mock", repo / "examples" / "acme_provider"
    packages = [*page.parent.glob("voicecall_*"), mock / "voicecall_mock", acme / "voicecall_acme"]
    return [repo, repo / "voicecall", page.parent, mock, acme, *packages]


def named(page: Path, repo: Path) -> Iterator[str]:
    """What looks like a path of this repository in the prose of a page."""
    prose = FENCE.sub("", page.read_text(encoding="utf-8"))
    for token in CODE.findall(prose):
        if not PATH.fullmatch(token) or token.startswith((".", "/")):
            continue
        first = token.split("/")[0]
        known = "/" in token and any((base / first).exists() for base in bases(repo, page))
        if known or token.endswith(SUFFIXES):
            yield token


def exists(token: str, page: Path, repo: Path) -> bool:
    return any((base / token).exists() for base in bases(repo, page))


def test_every_path_in_backticks_exists(repo: Path, manual: list[Path]) -> None:
    found = [(page, token) for page in manual for token in named(page, repo)]
    assert found
    missing = [f"{page.name}: {token}" for page, token in found if not exists(token, page, repo)]
    assert not missing


def test_every_module_in_the_diagram_of_the_architecture_exists(repo: Path) -> None:
    page = repo / "docs" / "architecture.md"
    modules = MODULE.findall(page.read_text(encoding="utf-8"))
    assert len(modules) > 20
    assert not [name for name in modules if not exists(name, page, repo)]


def test_every_link_to_a_file_leads_somewhere(manual: list[Path]) -> None:
    missing = [
        f"{page.name}: {target}"
        for page in manual
        for target in LINK.findall(page.read_text(encoding="utf-8"))
        if "://" not in target and not (page.parent / target.split("#")[0]).exists()
    ]
    assert not missing
