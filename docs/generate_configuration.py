"""Which keys does the configuration have? Rewrites the reference in docs/configuration.md.

    python docs/generate_configuration.py

What stands above the marker in that page is written by hand and kept; the rest comes from the
kernel's settings and from the plugins that this repository ships, which must be installed
(`make setup`). A test compares the committed page with what this would write.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from voicecall.config.catalogue import Part, parts
from voicecall.config.explain import Explanation, explain
from voicecall.config.loader import LoadedConfig, load_config
from voicecall.config.migrations import OWNED_ELSEWHERE, RENAMED, RENAMED_PROVIDERS, UNUSED
from voicecall.config.models import fields_of
from voicecall.config.positions import written
from voicecall.plugins.loader import load_plugins
from voicecall.plugins.naming import KIND_NAMES, distribution_name
from voicecall.sdk.specs import PluginSpec

HERE = Path(__file__).resolve().parent
PAGE = HERE / "configuration.md"
MARKER = "<!-- From here on written by docs/generate_configuration.py; edit the models. -->"

_HEADER = ("| key | type | default | |", "|---|---|---|---|")

EACH, ANY_KEY = "[]", "*"
"""Steps into a list and into a map."""

Steps = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Table:
    """The keys of the object at `path`; `like`: they were told already, at that path."""

    path: Steps
    model: type[BaseModel]
    keys: tuple[str, ...]
    like: Steps | None = None


def page(current: str) -> str:
    """The page with its hand-written head from `current` and the reference anew."""
    head = current.partition(MARKER)[0]
    loaded = defaults()
    kernel, *plugins = parts(loaded.registry)
    lines = [MARKER, "", "## The voice-call section", "", *_section(loaded, kernel, 3)]
    lines += ["## Sections of plugins", ""]
    told: PluginSpec | None = None
    for part in plugins:
        if part.spec is None or not _is_preferred(part, part.spec):
            continue
        if part.spec is told:
            lines = [*lines[:-1], *_section(loaded, part, 4)[len(_HEADER) :]]
        else:
            lines += _plugin(loaded, part, part.spec)
        told = part.spec
    return head + "\n".join([*lines, *_other_releases()])


def defaults() -> LoadedConfig:
    """A configuration without a file, with the plugins of this repository and no others."""
    project = tomllib.loads((HERE.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    shipped = {name for names in extras for name in names if name.startswith("voicecall-")}
    registry = load_plugins({"VOICECALL_PLUGINS": ",".join(shipped)})
    usable = {report.distribution for report in registry.reports if not report.broken}
    missing = shipped - usable - {"voicecall-conformance"}
    if missing:
        sys.exit(f"not usable: {', '.join(sorted(missing))}; run: make setup")
    return load_config(None, registry, environ={"HOME": "/nonexistent"})


def _is_preferred(part: Part, spec: PluginSpec) -> bool:
    return not spec.sections or ".".join(part.prefix) == spec.sections[0]


def _plugin(loaded: LoadedConfig, part: Part, spec: PluginSpec) -> list[str]:
    owner = part.owner.split(" ", 1)[0]
    lines = [f"### {_upper(KIND_NAMES[spec.kind])} `{spec.name}`", ""]
    lines += [f"{_upper(spec.summary)}. Package `{owner}`."]
    if others := spec.sections[1:]:
        lines += [f"The section may also stand at `{', '.join(others)}`."]
    for table in (spec.environment, spec.root_environment):
        lines += [f"`${name}` fills `{key}` when it is absent." for key, name in table.items()]
    return [*lines, "", *_section(loaded, part, 4)]


def _section(loaded: LoadedConfig, part: Part, level: int) -> list[str]:
    lines: list[str] = []
    for number, table in enumerate(_tables(part.model, part.prefix, part.keys, {})):
        if number:
            lines += [f"{'#' * level} `{spelt(table.path)}`", ""]
        if table.like is not None:
            lines += [f"As `{spelt(table.like)}`.", ""]
            continue
        if number:
            lines += _sentence(table.model)
        lines += _rows(loaded, table)
    return lines


def _rows(loaded: LoadedConfig, table: Table) -> list[str]:
    if not table.keys:
        return ["Nothing to set.", ""]
    lines = [*_HEADER]
    for key in table.keys:
        steps = (*table.path, key)
        lines.append(_row(steps, explain(loaded, _example(steps))))
    return [*lines, ""]


def _row(steps: Steps, known: Explanation) -> str:
    default = known.default if known.default in ("none", "required") else f"`{known.default}`"
    text = _said(known.description) if known.keys else known.description
    cells = [f"`{spelt(steps)}`", known.type, "" if known.keys else default, text]
    return "| " + " | ".join(cell.replace("|", "\\|").replace("``", "`") for cell in cells) + " |"


def spelt(steps: Steps) -> str:
    """A path for a person: ``phones.<key>.steps[].say``."""
    return ".".join(steps).replace(f".{EACH}", "[]").replace(ANY_KEY, "<key>")


def _example(steps: Steps) -> str:
    """A path that `explain` takes: some key for any, the first item for each."""
    return ".".join(steps).replace(f".{EACH}", "[0]").replace(f".{ANY_KEY}", '["+15550001111"]')


def _sentence(model: type[BaseModel]) -> list[str]:
    said = _said(" ".join((model.__doc__ or "").split("\n\n")[0].split()))
    return [said, ""] if said else []


def _said(text: str) -> str:
    """A model's docstring without the name of its section in front."""
    name, colon, rest = text.partition(": ")
    return _upper(rest if colon and name.startswith("`") else text)


def _tables(
    model: type[BaseModel], path: Steps, keys: frozenset[str], told: dict[type, Steps]
) -> Iterator[Table]:
    """The table of `model`, then those of the objects in it, depth first."""
    fields = {key: field for key, field in fields_of(model).items() if key in keys}
    yield Table(path=path, model=model, keys=tuple(fields), like=told.get(model))
    if model in told:
        return
    told[model] = path
    for key, field in fields.items():
        steps, inner = _inner(field.annotation)
        if inner is not None:
            yield from _tables(inner, (*path, key, *steps), frozenset(fields_of(inner)), told)


def _inner(annotation: Any) -> tuple[Steps, type[BaseModel] | None]:
    """The model inside a type, and the steps to it."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return (), annotation
    origin, arguments = get_origin(annotation), get_args(annotation)
    step: Steps = (ANY_KEY,) if origin is dict else (EACH,) if origin in (tuple, list) else ()
    for argument in arguments[1:] if origin is dict else arguments:
        steps, model = _inner(argument)
        if model is not None:
            return (*step, *steps), model
    return (), None


def _other_releases() -> list[str]:
    lines = ["## Keys of other releases", "", "Read under an old name, with a warning:", ""]
    lines += ["| old | new |", "|---|---|"]
    lines += [f"| `{written(one.old)}` | `{written(one.new)}` |" for one in RENAMED]
    for old, new in RENAMED_PROVIDERS.items():
        lines.append(f'| `provider: "{old}"` | `provider: "{new}"` |')
    unused = ", ".join(f"`{written(path)}`" for path in UNUSED)
    lines += ["", f"Known, without use here, and ignored with a warning: {unused}.", ""]
    lines += ["Keys of packages of their own. Where the package is not installed they are a"]
    lines += ["warning, and an error when they ask for it:", "", "| key | package |", "|---|---|"]
    for path, owner in OWNED_ELSEWHERE.items():
        lines.append(f"| `{written(path)}` | `{distribution_name(owner.kind, owner.name)}` |")
    return [*lines, ""]


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
