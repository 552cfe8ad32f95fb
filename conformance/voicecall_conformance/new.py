"""How does an author begin? `voicecall new provider NAME` writes a package that can be proved."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable
from importlib.util import find_spec
from pathlib import Path

import click

from voicecall.config.schema import Settings
from voicecall.sdk import Capability

NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*", re.ASCII)
PLACEHOLDER = re.compile(r"@([a-z]+)@")
COMMANDS_ONLY = "@package@/verbs.py"
WORDED = (
    Capability.INBOUND,
    Capability.NATIVE_SPEECH,
    Capability.NATIVE_LISTENING,
    Capability.SEND_DIGITS,
    Capability.TRANSFER,
)
"""What the document carrier's skeleton has words for, and so declares."""


@click.group(no_args_is_help=False)
def new() -> None:
    """Write the beginnings of a plugin's package."""


@new.command()
@click.argument("name")
@click.option(
    "--directory",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where the package goes; not there yet, or empty.  [voicecall-NAME]",
)
@click.option(
    "--documents",
    is_flag=True,
    help="For a carrier that is steered by the answers to its webhooks (XML, JSON).",
)
def provider(name: str, directory: Path | None, documents: bool) -> None:
    """Write a provider's package: it installs at once, and its tests say what to write next.

    NAME is what a configuration will say: lower-case letters, digits and '-'.
    """
    words = words_of(name) | steering(by_document=documents)
    target = directory or Path(words["distribution"])
    number = write(skeleton(by_document=documents), target, words)
    click.echo(
        f"{target}: {number} files written. Next:\n\n"
        f"  cd {shlex.quote(str(target))}\n"
        '  pip install -e ".[testing]"\n'
        f"  voicecall conformance {name}\n\n"
        "Every rule that is broken says which function to write."
    )


def words_of(name: str) -> dict[str, str]:
    """What stands for the placeholders in the skeleton of provider `name`.

    Raises:
        click.ClickException: a provider cannot have this name.
    """
    if not NAME.fullmatch(name):
        raise click.ClickException(
            f"{name!r} cannot be a provider's name; use lower-case letters, digits and single '-', "
            "a letter first"
        )
    if name in {field.alias for field in Settings.model_fields.values()}:
        raise click.ClickException(
            f"{name!r} is a key of the configuration already; choose another name"
        )
    package = f"voicecall_{name.replace('-', '_')}"
    if find_spec(package) is not None:
        raise click.ClickException(
            f"a package {package!r} is installed already; choose another name"
        )
    return {
        "name": name,
        "section": f'"{name}"' if "-" in name else name,
        "distribution": f"voicecall-{name}",
        "package": package,
        "title": "".join(part.capitalize() for part in name.split("-")),
        "variable": name.replace("-", "_").upper(),
        "series": series(),
    }


def steering(*, by_document: bool) -> dict[str, str]:
    """What stands for the placeholders that are about how a call is steered."""
    declared = "".join(f"        Capability.{each.name},\n" for each in WORDED if by_document)
    shown = f"frozenset(\n    {{\n{declared}    }}\n)" if declared else "frozenset()"
    return {"steers": str(by_document), "capabilities": shown}


def skeleton(*, by_document: bool) -> Mapping[str, str]:
    """Path and text of every file of a package, with its placeholders."""
    skeletons = files(__package__) / "skeleton"
    texts = dict(_texts(skeletons / "provider"))
    if by_document:
        del texts[COMMANDS_ONLY]
        texts |= _texts(skeletons / "documents")
    return texts


def series() -> str:
    """The versions of voicecall that a package written now fits: ``0.1,<0.2``."""
    major, minor = version("voicecall").split(".")[:2]
    return f"{major}.{minor},<{major}.{int(minor) + 1}"


def write(texts: Mapping[str, str], target: Path, words: Mapping[str, str]) -> int:
    """Write the files `texts` into the new directory `target`, and say how many there are.

    Raises:
        click.ClickException: there is something at `target`, or it cannot be written.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise click.ClickException(f"{str(target)!r} is there already; give another --directory")
    try:
        for path, text in texts.items():
            place = target / _filled(path, words)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(_filled(text, words), encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"cannot write {str(target)!r}: {error.strerror}") from error
    return len(texts)


def _texts(folder: Traversable, above: str = "") -> Iterator[tuple[str, str]]:
    """Path below the skeleton and text of every file."""
    for entry in folder.iterdir():
        path = f"{above}{entry.name}"
        if entry.is_dir():
            yield from _texts(entry, f"{path}/")
        else:
            yield path.removesuffix(".template"), entry.read_text(encoding="utf-8")


def _filled(text: str, words: Mapping[str, str]) -> str:
    return PLACEHOLDER.sub(lambda found: words[found[1]], text)
