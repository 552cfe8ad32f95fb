"""Which plugin answers to a kind and a name, and why not?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar, overload

from voicecall.errors import PluginError
from voicecall.plugins.naming import KIND_NAMES, distribution_name, install_command, nearest
from voicecall.plugins.report import PluginReport, Provided
from voicecall.sdk.specs import PluginSpec

S = TypeVar("S", bound=PluginSpec)
Key = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedPlugin:
    """A plugin after its hooks were called: its report and the specs that may be used."""

    report: PluginReport
    specs: tuple[PluginSpec, ...] = ()


class Registry:
    """Every installed plugin. Immutable; made by `load_plugins`, or by `Registry.of` in tests.

    Args:
        plugins: what was loaded; a name that two of them claim belongs to neither.
        restricted_to: the names in ``VOICECALL_PLUGINS``, None when it restricts nothing.
    """

    def __init__(
        self, plugins: Iterable[LoadedPlugin], *, restricted_to: Sequence[str] | None = None
    ) -> None:
        loaded = tuple(plugins)
        claims = _claims(loaded)
        self._restricted_to = restricted_to
        self._clashes = {key: owners for key, owners in claims.items() if len(owners) > 1}
        self._owners = {key: owners[0] for key, owners in claims.items() if len(owners) == 1}
        self._specs = {
            (spec.kind, spec.name): spec
            for plugin in loaded
            for spec in plugin.specs
            if (spec.kind, spec.name) in self._owners
        }
        self._reports = tuple(_with_conflicts(plugin.report, self._clashes) for plugin in loaded)

    @classmethod
    def of(cls, *specs: PluginSpec, distribution: str = "built-for-a-test") -> Registry:
        """A registry of `specs` as if one plugin had returned them."""
        provides = tuple(
            Provided(kind=spec.kind, name=spec.name, summary=spec.summary) for spec in specs
        )
        report = PluginReport(
            name=distribution, distribution=distribution, version="0", provides=provides
        )
        return cls([LoadedPlugin(report=report, specs=specs)])

    @property
    def reports(self) -> tuple[PluginReport, ...]:
        """One report an entry point, broken ones too, sorted by distribution and name."""
        return self._reports

    @overload
    def get(self, kind: type[S], name: str) -> S: ...
    @overload
    def get(self, kind: str, name: str) -> PluginSpec: ...
    def get(self, kind: str | type[S], name: str) -> PluginSpec | S:
        """The spec of plugin `name`.

        Args:
            kind: ``"provider"``, ``"tts"``, … or the spec's class.
            name: as the configuration writes it.

        Raises:
            PluginError: it is missing, broken or claimed twice; says what to do.
        """
        label = kind if isinstance(kind, str) else kind.kind
        spec = self._specs.get((label, name))
        if spec is None:
            raise PluginError(self._why_not(label, name))
        return spec

    @overload
    def specs(self, kind: type[S]) -> tuple[S, ...]: ...
    @overload
    def specs(self, kind: str) -> tuple[PluginSpec, ...]: ...
    def specs(self, kind: str | type[S]) -> tuple[PluginSpec, ...] | tuple[S, ...]:
        """All usable specs of `kind`, sorted by name."""
        label = kind if isinstance(kind, str) else kind.kind
        return tuple(self._specs[key] for key in sorted(self._specs) if key[0] == label)

    def all_specs(self) -> tuple[PluginSpec, ...]:
        """All usable specs, sorted by kind and name."""
        return tuple(self._specs[key] for key in sorted(self._specs))

    def owner(self, spec: PluginSpec) -> str:
        """The distribution and version that `spec` comes from, for messages."""
        return self._owners[(spec.kind, spec.name)].owner

    def _why_not(self, kind: str, name: str) -> str:
        what = f"{KIND_NAMES[kind]} {name!r}"
        if owners := self._clashes.get((kind, name)):
            names = " and ".join(sorted(report.owner for report in owners))
            return f"{what} is claimed by {names}; uninstall one of them"
        if broken := self._broken(kind, name):
            return f"{what} cannot be used: {broken.owner} is broken: {broken.broken}"
        return self._missing(kind, name, what)

    def _broken(self, kind: str, name: str) -> PluginReport | None:
        conventional = distribution_name(kind, name)
        for report in self._reports:
            named = any((item.kind, item.name) == (kind, name) for item in report.provides)
            if report.broken and (named or conventional == report.distribution):
                return report
        same_entry = (r for r in self._reports if r.broken and r.name == name and not r.provides)
        return next(same_entry, None)

    def _missing(self, kind: str, name: str, what: str) -> str:
        known = [spec.name for spec in self.specs(kind)]
        if close := nearest(name, known):
            return f"{what} is not installed; did you mean {close!r}?"
        have = f"installed: {', '.join(known)}" if known else "none is installed"
        text = f"{what} is not installed ({have}); try: {install_command(kind, name)}"
        if self._restricted_to is not None:
            text += f"; VOICECALL_PLUGINS loads only {', '.join(self._restricted_to)}"
        return text


def _claims(plugins: Sequence[LoadedPlugin]) -> dict[Key, list[PluginReport]]:
    claims: dict[Key, list[PluginReport]] = {}
    for plugin in plugins:
        for spec in plugin.specs:
            claims.setdefault((spec.kind, spec.name), []).append(plugin.report)
    return claims


def _with_conflicts(
    report: PluginReport, clashes: Mapping[Key, Sequence[PluginReport]]
) -> PluginReport:
    conflicts = tuple(
        f"{KIND_NAMES[item.kind]} {item.name!r} is claimed by "
        + " and ".join(sorted(other.owner for other in clashes[(item.kind, item.name)]))
        for item in report.provides
        if report.broken is None and (item.kind, item.name) in clashes
    )
    return replace(report, conflicts=conflicts)
