"""Which of the two shapes does a file have, and where in it is the voice-call section?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from voicecall.config.merge import merge
from voicecall.config.models import may_be_shown
from voicecall.config.positions import KeyPath
from voicecall.config.reader import Document
from voicecall.config.report import Report
from voicecall.config.schema import Settings
from voicecall.config.tree import Node
from voicecall.plugins.naming import nearest

SECTION: KeyPath = ("plugins", "entries", "voice-call", "config")
"""Where the voice-call section stands in the file of a gateway."""

_ENTRY = SECTION[:-1]
_GATEWAY_KEYS = ("plugins", "messages", "agents", "channels")
_CORE_SPEECH: tuple[KeyPath, ...] = (("messages", "tts"), ("tts",))
_REFUSED_KEYS = ("__proto__", "prototype", "constructor")


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The parts of a file that concern us.

    Args:
        section: the voice-call section; `enabled` in it is decided.
        core_speech: the gateway's own speech settings, newer over older ones.
        stores: the gateway's named secret providers.
        auth: the token and the password that the gateway's clients know.
        prefix: where `section` stands in the document.
    """

    section: Node
    core_speech: Node | None = None
    stores: Node | None = None
    auth: Node | None = None
    prefix: KeyPath = ()

    def is_foreign(self, node: Node) -> bool:
        """Whether `node` stands in a part of the file that belongs to others."""
        return bool(self.prefix) and node.place.path[: len(_ENTRY)] != _ENTRY


def opener(document: Document | None) -> Callable[[KeyPath], bool]:
    """Tells which values of a document may be shown: the kernel's own that are no secrets."""
    prefix = SECTION if document and is_gateway_file(document.root) else ()

    def is_open(path: KeyPath) -> bool:
        inside = path[: len(prefix)] == prefix
        return inside and may_be_shown(Settings, path[len(prefix) :])

    return is_open


def is_gateway_file(root: Node) -> bool:
    """Whether a root is the file of a whole gateway."""
    return any(key in root.members for key in _GATEWAY_KEYS)


def lay_out(document: Document, report: Report) -> Layout:
    """Find our parts of a document; says what is wrong with the way to them."""
    root = document.root
    if not root.is_object:
        report.error("the configuration must be an object: { … }", root)
        return Layout(section=Node({}))
    layout = _gateway(root, report) if is_gateway_file(root) else Layout(section=root)
    _refuse_repeated(document, layout, report)
    core = layout.core_speech
    return replace(
        layout,
        section=_without_refused(layout.section, report),
        core_speech=_without_refused(core, report) if core else None,
    )


def _gateway(root: Node, report: Report) -> Layout:
    section = Node({}, root.place)
    for depth in range(1, len(SECTION) + 1):
        node = root.at(SECTION[:depth])
        if node is None:
            break
        if not node.is_object:
            report.error("this must be an object", node)
            break
        if depth == len(_ENTRY):
            _check_entry(node, report)
        if depth == len(SECTION):
            section = node
    core: Node | None = None
    for path in _CORE_SPEECH:
        speech = root.at(path)
        core = merge(core, speech if speech and speech.is_object else None)
    stores = root.at(("secrets", "providers"))
    return Layout(
        section=_decide_enabled(root.at(_ENTRY), section),
        core_speech=core,
        stores=stores,
        auth=root.at(("gateway", "auth")),
        prefix=SECTION,
    )


def _check_entry(entry: Node, report: Report) -> None:
    for key, node in entry.members.items():
        if key in ("enabled", "config"):
            continue
        close = nearest(key, ("enabled", "config"))
        if close:
            report.error(
                f"unknown key {key!r}", node, suggestion=f"did you mean {close!r}?", at_key=True
            )
        else:
            report.warning(f"{key!r} has no use here and is ignored", node)


def _decide_enabled(entry: Node | None, section: Node) -> Node:
    outer = entry.child("enabled") if entry and entry.is_object else None
    inner = section.child("enabled")
    if outer is None:
        return section.put(("enabled",), Node(False, section.place))
    if outer.value is True:
        return section.put(("enabled",), inner or outer)
    return section.put(("enabled",), outer)


def _without_refused(node: Node, report: Report) -> Node:
    for path, child in list(node.walk()):
        if path and path[-1] in _REFUSED_KEYS and node.at(path):
            report.error(
                f"the key {path[-1]!r} is refused", child, suggestion="remove it", at_key=True
            )
            node = node.drop(path)
    return node


def _refuse_repeated(document: Document, layout: Layout, report: Report) -> None:
    ours: tuple[KeyPath, ...] = (_ENTRY, *_CORE_SPEECH) if layout.prefix else ((),)
    for repeated in document.positions.repeated:
        path = repeated.path
        if not any(path[: len(our)] == our or our[: len(path)] == path for our in ours):
            continue
        first, _ = document.lines.locate(repeated.first)
        again, _ = document.lines.locate(repeated.again)
        report.error_at(
            f"key {path[-1]!r} is written twice, on lines {first} and {again}; keep one of them",
            repeated.again,
            path,
        )
