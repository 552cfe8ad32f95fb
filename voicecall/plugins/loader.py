"""Which plugins are installed? Each is imported and asked alone, so that none spoils others."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib import metadata
from threading import Thread

from voicecall.plugins.hooks import Answer, ask, describe
from voicecall.plugins.registry import LoadedPlugin, Registry
from voicecall.plugins.report import PluginReport, Provided, origin_of
from voicecall.sdk.hookspecs import PROJECT

HOOK_SECONDS = 10.0
"""Real seconds that a plugin has to be imported and to say what it offers."""

Found = tuple[metadata.EntryPoint, metadata.Distribution]


def load_plugins(environ: Mapping[str, str]) -> Registry:
    """Import and ask every plugin under entry-point group ``voicecall``.

    A plugin that cannot be imported, raises, hangs or returns junk becomes a report that says so.

    Args:
        environ: ``VOICECALL_PLUGINS``, when not blank, is a comma-separated list of entry-point
            or distribution names; nothing else is loaded.
    """
    wanted = _restriction(environ.get("VOICECALL_PLUGINS", ""))
    found = sorted(_installed(), key=lambda pair: (_normalised(pair[1].name), pair[0].name))
    chosen = [pair for pair in found if wanted is None or _names(pair) & set(wanted)]
    plugins = [_load(entry, distribution) for entry, distribution in chosen]
    return Registry(plugins, restricted_to=wanted)


def _restriction(text: str) -> tuple[str, ...] | None:
    names = tuple(_normalised(name) for name in text.split(",") if name.strip())
    return names or None


def _names(pair: Found) -> set[str]:
    entry, distribution = pair
    return {_normalised(entry.name), _normalised(distribution.name)}


def _installed() -> Iterator[Found]:
    for entry in metadata.entry_points(group=PROJECT):
        if entry.dist is not None:
            yield entry, entry.dist


def _load(entry: metadata.EntryPoint, distribution: metadata.Distribution) -> LoadedPlugin:
    answer = _in_time(entry)
    report = PluginReport(
        name=entry.name,
        distribution=distribution.name,
        version=distribution.version,
        origin=origin_of(distribution),
        provides=tuple(
            Provided(kind=spec.kind, name=spec.name, summary=spec.summary) for spec in answer.specs
        ),
        broken=answer.broken,
    )
    return LoadedPlugin(report=report, specs=() if answer.broken else answer.specs)


def _in_time(entry: metadata.EntryPoint) -> Answer:
    """What the plugin answers; one that hangs is left behind in a thread that nobody waits for."""
    answers: list[Answer] = []
    asking = Thread(
        target=lambda: answers.append(_import_and_ask(entry)), name=entry.name, daemon=True
    )
    asking.start()
    asking.join(HOOK_SECONDS)
    return (
        answers[0]
        if answers
        else Answer(broken=f"{entry.value} did not answer within {HOOK_SECONDS:g} s")
    )


def _import_and_ask(entry: metadata.EntryPoint) -> Answer:
    try:
        module = entry.load()
    except (Exception, SystemExit) as error:
        return Answer(broken=f"{entry.value} cannot be imported: {describe(error)}")
    return ask(module, entry.name)


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.strip()).lower()
