"""What does the configuration say? The whole way from a file to settings and selected plugins."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from voicecall.config.checks import check_selection, check_settings
from voicecall.config.environment import filled
from voicecall.config.gateway_auth import adopt_auth
from voicecall.config.layout import Layout, lay_out, opener
from voicecall.config.loaded import LoadedConfig, Selected, Selection
from voicecall.config.migrations import drop_unused, migrate
from voicecall.config.problems import Problem, Severity, render
from voicecall.config.reader import Document, FoundBy, find_file, read_document
from voicecall.config.report import Report
from voicecall.config.schema import Settings
from voicecall.config.secrets import Secrets
from voicecall.config.sections import Split, split
from voicecall.config.selection import Material, Selector
from voicecall.config.speech_sections import merge_speech
from voicecall.config.tree import Node
from voicecall.config.validate import Rules, fit_as_far_as_possible
from voicecall.errors import ConfigError, PluginError
from voicecall.plugins.registry import Registry

__all__ = ["LoadedConfig", "Problem", "Selected", "Selection", "load_config"]


def load_config(
    path: Path | None, registry: Registry, *, environ: Mapping[str, str]
) -> LoadedConfig:
    """Find, read, check and select.

    Args:
        path: the file; None: the search order of `find_file`, and built-in defaults when there
            is none at all.
        registry: the installed plugins.
        environ: variables for secrets and for keys that are missing.

    Raises:
        ConfigError: it cannot be used; the message is the whole report, sorted by line.
    """
    found = find_file(path, environ)
    document = read_document(*found) if found else None
    report = Report(document, opener(document))
    layout = lay_out(document, report) if document else Layout(section=Node({}))
    loaded = _Loader(document, layout, registry, environ, report).load()
    if report.failed:
        raise ConfigError(render(report.problems), report.problems)
    return loaded


class _Loader:
    def __init__(
        self,
        document: Document | None,
        layout: Layout,
        registry: Registry,
        environ: Mapping[str, str],
        report: Report,
    ) -> None:
        self._document = document
        self._layout = layout
        self._registry = registry
        self._environ = environ
        self._report = report
        stores = layout.stores.plain() if layout.stores else None
        self._secrets = Secrets(
            environ,
            folder=document.path.absolute().parent if document else Path.cwd(),
            run_commands=document is None or document.found_by is not FoundBy.CURRENT_DIRECTORY,
            stores=stores if isinstance(stores, dict) else None,
        )

    def load(self) -> LoadedConfig:
        section = self._prepared()
        parts = split(section, self._registry, self._report, self._layout.is_foreign)
        settings = self._settings(parts)
        check_settings(settings, section, self._report)
        selector = Selector(self._material(settings, section, parts), self._report)
        selection = selector.select()
        if settings.enabled:
            check_selection(settings, selection, section, self._report)
        self._warn_of_exposed([section, *selector.nodes.values()])
        return LoadedConfig(
            settings=settings,
            path=self._document.path if self._document else None,
            warnings=tuple(
                problem for problem in self._report.problems if problem.severity is Severity.WARNING
            ),
            selection=selection,
            sections=selector.sections,
            nodes=selector.nodes,
            tree=section,
            document=self._document,
            registry=self._registry,
        )

    def _prepared(self) -> Node:
        section = migrate(self._layout.section, self._report)
        section = drop_unused(section, self._report)
        section = merge_speech(section, self._layout.core_speech, self._report)
        section = adopt_auth(section, self._layout.auth, self._secrets, self._report)
        return filled(section, self._root_environment(section), self._environ)

    def _root_environment(self, section: Node) -> Mapping[str, str]:
        name = section.text("provider") or Settings.model_fields["provider"].default
        try:
            return self._registry.get("provider", name).root_environment
        except PluginError:
            return {}  # reported where the provider is selected

    def _settings(self, parts: Split) -> Settings:
        rules = Rules(secrets=self._secrets, environment={})
        return fit_as_far_as_possible(Settings, parts.kernel, rules, self._report)

    def _material(self, settings: Settings, section: Node, parts: Split) -> Material:
        return Material(
            settings=settings,
            section=section,
            plugins=parts.plugins,
            registry=self._registry,
            environ=self._environ,
            secrets=self._secrets,
            is_foreign=self._layout.is_foreign,
        )

    def _warn_of_exposed(self, nodes: list[Node]) -> None:
        everything = [child for node in nodes for _, child in node.walk()]
        for raw, warning in self._secrets.exposed:
            place = next((node for node in everything if node.plain() == raw), None)
            self._report.warning(warning, place, suggestion="chmod 600 it")
