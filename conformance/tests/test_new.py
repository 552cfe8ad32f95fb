"""Does `voicecall new provider` write what can be worked on, and never over what is there?"""

import ast
import importlib
import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from voicecall.sdk import ProviderSpec
from voicecall_conformance import ProviderHarness
from voicecall_conformance.new import new, series, words_of
from voicecall_conformance.runner import Outcome, prove

PAGE = Path(__file__).resolve().parents[2] / "docs" / "write-a-provider.md"
SNIPPET = re.compile(
    r"^```python\n# voicecall_acme/(\w+\.py)\n(.*?)^```$", re.MULTILINE | re.DOTALL
)


def write(*arguments: str | Path) -> Result:
    return CliRunner().invoke(new, ["provider", *map(str, arguments)])


def texts(folder: Path) -> Mapping[str, str]:
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_text() for path in paths}


def test_a_package_is_whole_and_nothing_in_it_is_left_to_fill(tmp_path: Path) -> None:
    target = tmp_path / "here"
    assert write("two-bells", "--directory", target).exit_code == 0
    files = texts(target)
    assert "voicecall_two_bells/plugin.py" in files
    for name, text in files.items():
        assert "@" not in text.replace("@hookimpl", "").replace("@asynccontextmanager", ""), name
        if name.endswith(".py"):
            ast.parse(text)
    project = tomllib.loads(files["pyproject.toml"])
    assert project["project"]["name"] == "voicecall-two-bells"
    assert f"voicecall>={series()}" in project["project"]["dependencies"]
    points = project["project"]["entry-points"]
    assert points["voicecall"] == {"two-bells": "voicecall_two_bells.plugin"}
    harness = {"two-bells": "voicecall_two_bells.testing:TwoBellsHarness"}
    assert points["voicecall.conformance"] == harness


def test_the_next_commands_are_printed(tmp_path: Path) -> None:
    target = tmp_path / "a place"
    lines = write("bell", "--directory", target).stdout.splitlines()
    assert lines[2:5] == [
        f"  cd '{target}'",
        '  pip install -e ".[testing]"',
        "  voicecall conformance bell",
    ]


@pytest.mark.parametrize("name", ["Acme", "3com", "a--b", "a-", "a_b", "café", "", "../up"])
def test_a_name_that_no_provider_can_have_is_refused(name: str, tmp_path: Path) -> None:
    ran = write(name, "--directory", tmp_path / "x")
    assert ran.exit_code == 1
    assert "lower-case letters" in ran.output
    assert not (tmp_path / "x").exists()


def test_a_key_of_the_configuration_is_no_providers_name() -> None:
    assert "key of the configuration" in write("streaming").output


def test_the_name_of_an_installed_package_is_taken() -> None:
    assert "'voicecall_conformance' is installed" in write("conformance").output


def test_nothing_that_is_there_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine")
    ran = write("bell", "--directory", tmp_path)
    assert (ran.exit_code, texts(tmp_path)) == (1, {"README.md": "mine"})
    assert "--directory" in ran.output


def test_an_empty_directory_may_be_given(tmp_path: Path) -> None:
    assert write("bell", "--directory", tmp_path).exit_code == 0
    assert (tmp_path / "pyproject.toml").is_file()


def test_a_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ran = write("bell", "--directory", tmp_path / "file" / "below")
    assert ran.exit_code == 1
    assert "cannot write" in ran.output


def test_a_name_with_a_hyphen_is_quoted_in_the_configuration() -> None:
    assert json.loads(words_of("two-bells")["section"]) == "two-bells"
    assert words_of("bell")["section"] == "bell"


def test_a_document_carriers_package_has_documents_in_place_of_verbs(tmp_path: Path) -> None:
    assert write("bell", "--documents", "--directory", tmp_path).exit_code == 0
    files = texts(tmp_path)
    assert "steers_by_document=True" in files["voicecall_bell/plugin.py"]
    assert "voicecall_bell/documents.py" in files
    assert "voicecall_bell/verbs.py" not in files


def sign_as_the_page_does(package: Path) -> None:
    """Write the signature of the manual into a new package, the carrier's side and ours."""
    for file, snippet in SNIPPET.findall(PAGE.read_text(encoding="utf-8"))[:2]:
        path = package / file
        source = path.read_text(encoding="utf-8")
        lines = source.splitlines()
        given = {each.name for each in ast.parse(snippet).body if isinstance(each, ast.FunctionDef)}
        for node in reversed(ast.parse(source).body):
            if isinstance(node, ast.FunctionDef) and node.name in given:
                del lines[node.lineno - 1 : node.end_lineno]
        future = lines.index("from __future__ import annotations") + 1
        text = "\n".join([*lines[:future], snippet.replace("acme", "chime"), *lines[future:]])
        path.write_text(text.replace("signs_time = False", "signs_time = True") + "\n")


def test_a_document_carriers_package_answers_rightly_once_the_signature_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert write("chime", "--documents", "--directory", tmp_path).exit_code == 0
    sign_as_the_page_does(tmp_path / "voicecall_chime")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    genuine: type[ProviderHarness] = importlib.import_module("voicecall_chime.testing").ChimeHarness

    def spec(harness: ProviderHarness) -> ProviderSpec:
        return harness.hook()[0]  # it is not installed

    results = list(prove(type("Chime", (genuine,), {"spec": spec})))
    red = {each.requirement.id: each.detail for each in results if each.outcome is Outcome.BROKEN}
    areas = ("signature.", "replay.", "events.", "media.", "package.light", "package.hook")
    assert not [name for name in red if name.startswith(areas)]
    # What is left needs the carrier's REST API, and says which function that is.
    assert {name for name in red if name.startswith("reply.")} == {
        "reply.pure",
        "reply.text",
        "reply.apology",
    }
    assert [detail for detail in red.values() if ".py, " not in detail] == []
