"""Which keys of other releases are still read, and which are known but of no use here?

The one file of the kernel that may name vendors: these keys are history.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from voicecall.config.positions import KeyPath, written
from voicecall.config.report import Report
from voicecall.config.tree import Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Renamed:
    """A key that has a new name; `value` says how its text is written now."""

    old: KeyPath
    new: KeyPath
    value: Mapping[str, str] | None = None


RENAMED = (
    Renamed(old=("twilio", "from"), new=("fromNumber",)),
    Renamed(
        old=("streaming", "sttProvider"),
        new=("streaming", "provider"),
        value={"openai-realtime": "openai"},
    ),
    Renamed(old=("streaming", "openaiApiKey"), new=("streaming", "providers", "openai", "apiKey")),
    Renamed(old=("streaming", "sttModel"), new=("streaming", "providers", "openai", "model")),
    Renamed(
        old=("streaming", "silenceDurationMs"),
        new=("streaming", "providers", "openai", "silenceDurationMs"),
    ),
    Renamed(
        old=("streaming", "vadThreshold"),
        new=("streaming", "providers", "openai", "vadThreshold"),
    ),
    Renamed(
        old=("tunnel", "allowNgrokFreeTier"),
        new=("tunnel", "allowNgrokFreeTierLoopbackBypass"),
    ),
)
"""Keys of older releases."""

RENAMED_PROVIDERS = {"log": "mock"}
"""Values of `provider` that have a new name."""

UNUSED: tuple[KeyPath, ...] = (
    ("stt",),
    ("reports",),
    ("live",),
    ("callbacks",),
    *(
        ("tts", key)
        for key in (
            "auto",
            "enabled",
            "mode",
            "summaryModel",
            "modelOverrides",
            "prefsPath",
            "maxTextLength",
            "timeoutMs",
            "persona",
            "personas",
        )
    ),
)
"""Keys of the reference product that we have no use for."""

SKIPPED_SPEECH = ("edge", "microsoft")
"""Speech providers of the reference product that cannot make telephone audio."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnedElsewhere:
    """A known key that a plugin owns; `selects` says whether a value asks for the plugin."""

    kind: str
    name: str
    selects: Callable[[Node], bool] = lambda node: False


_NGROK = OwnedElsewhere(kind="exposure", name="ngrok")

OWNED_ELSEWHERE: Mapping[KeyPath, OwnedElsewhere] = {
    ("publicUrl",): OwnedElsewhere(
        kind="exposure", name="public-url", selects=lambda node: node.value is not None
    ),
    ("tailscale",): OwnedElsewhere(
        kind="exposure",
        name="tailscale",
        selects=lambda node: node.text("mode") in ("serve", "funnel"),
    ),
    ("tunnel", "ngrokAuthToken"): _NGROK,
    ("tunnel", "ngrokDomain"): _NGROK,
    ("tunnel", "ngrokPath"): _NGROK,
    ("tunnel", "allowDownload"): _NGROK,
    ("tunnel", "allowNgrokFreeTierLoopbackBypass"): _NGROK,
}
"""Keys of the reference product that belong to plugins, which may not be installed."""

OFFLINE_EXAMPLES = {"tts": "espeak", "stt": "sphinx"}
"""What to suggest to somebody who has no speech backend at all."""


def migrate(section: Node, report: Report) -> Node:
    """The section with legacy keys under their new names; each is a warning.

    A current key wins over its legacy twin.
    """
    section = _rename_provider(section, report)
    for renamed in RENAMED:
        node = section.at(renamed.old)
        if node is None:
            continue
        new = written(renamed.new)
        wins = section.at(renamed.new) is not None
        report.warning(
            f"{written(renamed.old)!r} is an old name of {new!r}"
            + ("; the new key is set and wins" if wins else ""),
            node,
            suggestion="remove it" if wins else f"rename it to {new!r}",
        )
        section = _dropped(section, renamed.old)
        if not wins:
            section = section.put(renamed.new, _rewritten(node, renamed.value))
    return section


def drop_unused(section: Node, report: Report) -> Node:
    """The section without keys that we know and have no use for; each is a warning."""
    for path in UNUSED:
        if node := section.at(path):
            report.warning(f"{written(path)!r} has no use here and is ignored", node)
            section = section.drop(path)
    realtime = section.child("realtime")
    if realtime is None:
        return section
    enabled = realtime.child("enabled")
    if enabled is not None and enabled.value is True:
        report.error("realtime calls are not supported yet", enabled, suggestion="set it to false")
    else:
        report.warning("'realtime' has no use here and is ignored", realtime)
    return section.drop(("realtime",))


def _rename_provider(section: Node, report: Report) -> Node:
    node = section.child("provider")
    if node is None or not isinstance(node.value, str) or node.value not in RENAMED_PROVIDERS:
        return section
    new = RENAMED_PROVIDERS[node.value]
    report.warning(
        f"provider {node.value!r} is now called {new!r}", node, suggestion=f'write "{new}"'
    )
    return section.put(("provider",), Node(new, node.place))


def _dropped(section: Node, path: KeyPath) -> Node:
    """The section without `path`, and without its object when nothing else is in it."""
    section = section.drop(path)
    parent = section.at(path[:-1])
    return section.drop(path[:-1]) if parent is not None and not parent.members else section


def _rewritten(node: Node, values: Mapping[str, str] | None) -> Node:
    if values and isinstance(node.value, str):
        return Node(values.get(node.value, node.value), node.place)
    return node
