"""Does the Dockerfile keep the rules for one? No container engine is needed to read it."""

import json
import re
import tomllib
from pathlib import Path

import pytest

CONTINUED = re.compile(r"\\\n\s*")


@pytest.fixture(scope="module")
def stages(repo: Path) -> list[list[tuple[str, str]]]:
    """The instructions of every stage: keyword and the rest."""
    text = CONTINUED.sub(" ", (repo / "Dockerfile").read_text(encoding="utf-8"))
    found: list[list[tuple[str, str]]] = []
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        keyword, _, rest = line.partition(" ")
        if keyword == "FROM":
            found.append([])
        found[-1].append((keyword, rest))
    return found


def given(stage: list[tuple[str, str]], keyword: str) -> list[str]:
    return [rest for known, rest in stage if known == keyword]


def test_every_base_image_has_a_version_and_comes_from_no_named_registry(stages: list) -> None:
    for stage in stages:
        (image,) = given(stage, "FROM")
        name, _, tag = image.split()[0].partition(":")
        assert re.fullmatch(r"[a-z]+", name)
        assert re.match(r"3\.1[1-9]-slim", tag)


def test_the_last_stage_runs_as_nobody_special_and_tells_how_it_is(stages: list) -> None:
    last = stages[-1]
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", given(last, "USER")[-1])
    keywords = [keyword for keyword, _ in last]
    assert "RUN" not in keywords[keywords.index("USER") :]
    (health,) = given(last, "HEALTHCHECK")
    assert {"--interval", "--timeout", "--start-period", "--retries"} <= {
        part.partition("=")[0] for part in health.split()
    }
    assert json.loads(health.partition("CMD ")[2]) == ["voicecall", "status", "--json"]
    assert (given(last, "ENTRYPOINT"), given(last, "CMD")) == (['["voicecall"]'], ['["serve"]'])
    assert given(last, "STOPSIGNAL") == ["SIGTERM"]


def test_nothing_is_fetched_from_a_named_host_kept_in_a_cache_or_a_secret(stages: list) -> None:
    for keyword, rest in (instruction for stage in stages for instruction in stage):
        assert keyword != "ADD"
        assert "://" not in rest and "--index-url" not in rest
        assert not re.search(r"(?i)(token|secret|password|api_?key)=", rest)
        if "pip" in rest and "install" in rest:
            assert "--no-cache" in rest


def test_only_what_was_built_goes_into_the_last_stage(stages: list) -> None:
    assert all(copied.startswith("--from=") for copied in given(stages[-1], "COPY"))


def test_what_is_installed_exists_and_what_is_built_is_not_ignored(
    stages: list, repo: Path
) -> None:
    project = tomllib.loads((repo / "pyproject.toml").read_text(encoding="utf-8"))
    extras = given(stages[0], "ARG")[0].removeprefix("EXTRAS=").split(",")
    assert set(extras) <= set(project["project"]["optional-dependencies"])
    ignored = (repo / ".dockerignore").read_text(encoding="utf-8").splitlines()
    members = [name.partition("/")[0] for name in project["tool"]["uv"]["workspace"]["members"]]
    assert not {*members, "voicecall", "constraints.txt", "README.md"} & set(ignored)
    assert ".git" in ignored
