"""What do the harnesses of speech backends and responders share? A plugin, and its vendor."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from enum import StrEnum
from functools import cache
from importlib import import_module
from typing import Any, ClassVar

from voicecall.plugins.loader import load_plugins
from voicecall.plugins.registry import Registry
from voicecall.sdk import PluginContext, PluginSpec
from voicecall_conformance.ledger import Deviation
from voicecall_conformance.rulebook.requirement import Requirement


class Trouble(StrEnum):
    """A way in which the vendor behind a plugin does not do what it is asked."""

    CREDENTIALS = "credentials"
    """It does not know who we are."""
    RATE = "rate"
    """We ask too often."""
    REFUSED = "refused"
    """It understood, and will not."""
    BROKEN = "broken"
    """It fails itself."""
    LOST = "lost"
    """The connection is lost before anything came."""


class PluginHarness(ABC):
    """What is behind one plugin, played on this machine; a new one is made for every test."""

    kind: ClassVar[str]
    """The kind of plugin, as in ``KIND:NAME``."""
    hook_name: ClassVar[str]
    """The hook by which the module offers the plugin."""
    rules: ClassVar[Mapping[str, Requirement]]
    """The rules of that kind."""
    name: ClassVar[str]
    """The plugin, as the configuration writes it."""
    module: ClassVar[str]
    """The plugin module that the entry point names."""
    troubles: ClassVar[frozenset[Trouble]] = frozenset()
    """In which ways the vendor can fail; none where there is no vendor."""
    deviations: ClassVar[Mapping[str, Deviation]] = {}
    """Rules that the plugin cannot keep: id → reason."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Refuse a deviation from a rule that there is not.

        Raises:
            TypeError: it names no rule.
        """
        super().__init_subclass__(**kwargs)
        odd = sorted(set(cls.deviations) - set(cls.rules))
        if odd:
            raise TypeError(
                f"{cls.__name__} deviates from {', '.join(odd)}, which is no rule; "
                "docs/conformance.md lists them"
            )

    def spec(self) -> Any:
        """The plugin's spec, as the installed distribution gives it.

        Raises:
            PluginError: no plugin of that name is installed, or it is broken.
        """
        return _installed().get(self.kind, self.name)

    def hook(self) -> list[PluginSpec]:
        """What the plugin module's hook returns."""
        specs: list[PluginSpec] = getattr(import_module(self.module), self.hook_name)()
        return specs

    def context(self, **lent: Any) -> PluginContext:
        """What the kernel lends to such a plugin."""
        return PluginContext(**lent)

    @abstractmethod
    def vendor(self) -> AbstractAsyncContextManager[Mapping[str, object]]:
        """Whatever the plugin talks to, serving for the block; yields the plugin's section."""

    def fail(self, trouble: Trouble) -> None:
        """The next request meets `trouble`, one of `troubles`."""
        raise LookupError(f"{type(self).__name__} declares troubles; override `fail`")


@cache
def _installed() -> Registry:
    return load_plugins({})
