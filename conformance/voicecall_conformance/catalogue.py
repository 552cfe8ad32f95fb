"""Which providers can be proved here? Those whose package registers a harness."""

from __future__ import annotations

from importlib import metadata

from voicecall.sdk import PluginError
from voicecall_conformance.harness import ProviderHarness

GROUP = "voicecall.conformance"
"""The entry-point group: provider's name → its harness class."""


def harness_of(name: str) -> type[ProviderHarness]:
    """The harness that provider `name` registers.

    Raises:
        PluginError: it registers none, or nothing that is one.
    """
    entries = metadata.entry_points(group=GROUP)
    if name not in entries.names:
        known = ", ".join(sorted(entries.names)) or "none"
        raise PluginError(
            f"no conformance harness for provider {name!r} (installed: {known}); its package "
            f"registers one under entry-point group {GROUP!r}"
        )
    harness = entries[name].load()
    if not (isinstance(harness, type) and issubclass(harness, ProviderHarness)):
        raise PluginError(f"{entries[name].value} is no ProviderHarness; register the class")
    return harness
