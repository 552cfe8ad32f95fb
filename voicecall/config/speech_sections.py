"""How do the gateway's speech settings and ours become one `tts` section?"""

from __future__ import annotations

from voicecall.config.merge import merge
from voicecall.config.migrations import SKIPPED_SPEECH
from voicecall.config.models import fields_of
from voicecall.config.positions import KeyPath
from voicecall.config.report import Report
from voicecall.config.schema import TtsSettings
from voicecall.config.tree import Node

_OWN = frozenset(fields_of(TtsSettings)) | {"providers"}


def merge_speech(section: Node, core: Node | None, report: Report) -> Node:
    """The section with `tts` merged over the core speech settings.

    Every backend's section then stands under `tts.providers.<name>`, wherever it was written.
    """
    ours = section.child("tts")
    if ours is not None and not ours.is_object:
        return section
    merged = merge(_of_core(core), gathered(ours) if ours else None)
    if merged is None:
        return section
    return section.put(("tts",), _without_skipped(merged, report))


def gathered(tts: Node) -> Node:
    """`tts` with every backend's section under `providers`; what stood there already wins."""
    providers = tts.child("providers")
    for key, node in tts.members.items():
        if is_backend(key, node):
            tts = tts.drop((key,)).put(("providers", key), node)
    if providers is None:
        return tts
    laid = merge(tts.child("providers"), providers)
    return tts if laid is None else tts.put(("providers",), laid)


def is_backend(key: str, node: Node) -> bool:
    """Whether what stands at `key` of `tts` is the section of a backend."""
    return node.is_object and key not in _OWN


def _of_core(core: Node | None) -> Node | None:
    """Of the gateway's settings only the choice of a backend and the backends' sections."""
    if core is None:
        return None
    tts = gathered(core)
    kept = {key: node for key, node in tts.members.items() if key in ("provider", "providers")}
    return Node(kept, tts.place)


def _without_skipped(tts: Node, report: Report) -> Node:
    for name in SKIPPED_SPEECH:
        if tts.at(("providers", name)):
            tts = _skip(tts, ("providers", name), report)
    if tts.text("provider") in SKIPPED_SPEECH:
        tts = _with_another(_skip(tts, ("provider",), report))
    return tts


def _with_another(tts: Node) -> Node:
    """The backend whose section comes first speaks, where several could."""
    providers = tts.child("providers")
    if providers is None or len(providers.members) < 2:
        return tts
    name, node = next(iter(providers.members.items()))
    return tts.put(("provider",), Node(name, node.place))


def _skip(tts: Node, path: KeyPath, report: Report) -> Node:
    node = tts.at(path)
    name = node.value if node and isinstance(node.value, str) else path[-1]
    report.warning(f"speech provider {name!r} cannot speak on the phone and is skipped", node)
    return tts.drop(path)
