"""Is the reference of the configuration what the models say, and is it honest?"""

import ast
import runpy
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from voicecall.config.schema import Settings

UNUSED = "Not acted on yet"


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) in (Union, UnionType, dict, tuple, list):
        for argument in get_args(annotation):
            yield from models_in(argument)


def fields(model: type[BaseModel], path: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every key of the kernel that is no object itself, by its dotted Python name."""
    for name, field in model.model_fields.items():
        inner = list(models_in(field.annotation))
        if not inner:
            yield f"{path}{name}", field
        for below in inner:
            yield from fields(below, f"{path}{name}.")


def attributes(folder: Path) -> set[str]:
    """Every attribute that the modules of `folder` read."""
    return {
        node.attr
        for path in folder.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
    }


def test_the_committed_reference_is_what_the_generator_writes(repo: Path) -> None:
    page = runpy.run_path(str(repo / "docs" / "generate_configuration.py"))["page"]
    committed = (repo / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert page(committed) == committed, "run: python docs/generate_configuration.py"


def test_every_key_of_the_kernel_has_a_description() -> None:
    assert not [path for path, field in fields(Settings) if not field.description]


def test_a_key_that_nothing_reads_says_that_it_is_not_acted_on(repo: Path) -> None:
    read = attributes(repo / "voicecall")
    unread = {path for path, _ in fields(Settings) if path.rpartition(".")[2] not in read}
    marked = {path for path, field in fields(Settings) if UNUSED in (field.description or "")}
    # The model itself makes the other keys of `turns` of this one.
    assert unread - {"turns.preset"} <= marked
    # A provider has a `check` too.
    assert marked - unread <= {"reachability.check"}
