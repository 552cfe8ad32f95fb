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

NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*", re.ASCII)
PLACEHOLDER = re.compile(r"@([a-z]+)@")


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
def provider(name: str, directory: Path | None) -> None:
    """Write a provider's package: it installs at once, and its tests say what to write next.

    NAME is what a configuration will say: lower-case letters, digits and '-'.
    """
    words = words_of(name)
    target = directory or Path(words["distribution"])
    number = write(files(__package__) / "skeleton" / "provider", target, words)
    click.echo(
        f"{target}: {number} files written. Next:\n\n"
        f"  cd {shlex.quote(str(target))}\n"
        '  pip install -e ".[testing]"\n'
        f"  voicecall conformance {name}\n\n"
        "Every rule that is broken says which function to write."
    )


def words_of(name: str) -> Mapping[str, str]:
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


def series() -> str:
    """The versions of voicecall that a package written now fits: ``0.1,<0.2``."""
    major, minor = version("voicecall").split(".")[:2]
    return f"{major}.{minor},<{major}.{int(minor) + 1}"


def write(skeleton: Traversable, target: Path, words: Mapping[str, str]) -> int:
    """Write `skeleton` into the new directory `target`, and say how many files it has.

    Raises:
        click.ClickException: there is something at `target`, or it cannot be written.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise click.ClickException(f"{str(target)!r} is there already; give another --directory")
    texts = dict(_texts(skeleton))
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
