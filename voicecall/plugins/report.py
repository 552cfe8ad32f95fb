"""What is known about an installed plugin: its origin, what it provides, why it is broken."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.metadata import Distribution
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True, slots=True, kw_only=True)
class Provided:
    """One spec of a plugin, by kind and name."""

    kind: str
    name: str
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginReport:
    """One entry point of one distribution.

    Args:
        name: of the entry point.
        distribution: the distribution's name.
        version: its version.
        origin: ``editable /path``, ``local /path``, a URL, or ``wheel``.
        provides: what its hooks returned; also filled as far as possible when it is broken.
        broken: why none of it can be used, or None.
        conflicts: names of it that another plugin claims too; those cannot be used.
    """

    name: str
    distribution: str
    version: str
    origin: str = "wheel"
    provides: tuple[Provided, ...] = ()
    broken: str | None = None
    conflicts: tuple[str, ...] = ()

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds that it provides, each once, in alphabetical order."""
        return tuple(sorted({item.kind for item in self.provides}))

    @property
    def owner(self) -> str:
        """The plugin as messages name it."""
        return f"{self.distribution} {self.version}"


def origin_of(distribution: Distribution) -> str:
    """Where `distribution` was installed from, read from its ``direct_url.json`` (PEP 610)."""
    text = distribution.read_text("direct_url.json")
    if text is None:
        return "wheel"
    try:
        record = json.loads(text)
        url = str(record["url"])
    except (ValueError, KeyError, TypeError):
        return "unknown (its direct_url.json cannot be read)"
    if not url.startswith("file:"):
        return url
    path = unquote(urlsplit(url).path)
    editable = bool(record.get("dir_info", {}).get("editable"))
    return f"editable {path}" if editable else f"local {path}"
