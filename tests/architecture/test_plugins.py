"""Does every plugin folder have the shape that makes knowing one mean knowing all?"""

import tomllib
from pathlib import Path
from typing import Any

import voicecall

LIBRARIES = {"mcp"}
"""Extras that bring what a part of the kernel needs, no plugin."""


def project(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))


def package(folder: Path) -> Path:
    name = str(project(folder)["project"]["name"]).replace("-", "_")
    return folder / name


def test_a_plugin_folder_holds_project_readme_package_and_tests(plugins: list[Path]) -> None:
    wanted = ["pyproject.toml", "README.md", "tests"]
    missing = [
        str(folder / name) for folder in plugins for name in wanted if not (folder / name).exists()
    ]
    assert not missing
    inside = ["__init__.py", "plugin.py", "py.typed"]
    missing = [
        str(package(folder) / name)
        for folder in plugins
        for name in inside
        if not (package(folder) / name).exists()
    ]
    assert not missing


def test_a_plugin_has_tests(plugins: list[Path]) -> None:
    assert not [str(folder) for folder in plugins if not list(folder.glob("tests/**/test_*.py"))]


def test_a_plugin_is_found_through_the_entry_point_group(plugins: list[Path]) -> None:
    for folder in plugins:
        entries = project(folder)["project"]["entry-points"]["voicecall"]
        assert f"{package(folder).name}.plugin" in entries.values(), folder


def test_versions_move_in_lockstep(repo: Path, plugins: list[Path]) -> None:
    kernel = project(repo)["project"]["version"]
    for folder in [*plugins, repo / "conformance"]:
        assert project(folder)["project"]["version"] == kernel, folder


def test_a_plugin_needs_the_kernel_of_its_own_series(repo: Path, plugins: list[Path]) -> None:
    major, minor, _ = project(repo)["project"]["version"].split(".")
    wanted = f"voicecall>={major}.{minor},<{major}.{int(minor) + 1}"
    for folder in [*plugins, repo / "conformance"]:
        assert wanted in project(folder)["project"]["dependencies"], folder


def test_the_kernel_has_one_extra_for_every_plugin(repo: Path, plugins: list[Path]) -> None:
    extras = project(repo)["project"]["optional-dependencies"]
    names = {str(project(folder)["project"]["name"]) for folder in plugins}
    offered = {f"voicecall-{extra}": [f"voicecall-{extra}"] for extra in set(extras) - LIBRARIES}
    offered.pop("voicecall-conformance")
    assert {key: extras[key.removeprefix("voicecall-")] for key in offered} == offered
    assert set(offered) == names


def test_the_kernel_says_the_version_that_its_project_has(repo: Path) -> None:
    assert voicecall.__version__ == project(repo)["project"]["version"]


def test_the_kernel_is_typed_for_its_users(repo: Path) -> None:
    assert (repo / "voicecall" / "py.typed").is_file()
