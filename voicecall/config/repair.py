"""How do old keys in a file become current ones? In its text, checked, with a backup beside it."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voicecall.config import surgery
from voicecall.config.layout import lay_out
from voicecall.config.migrations import RENAMED, RENAMED_PROVIDERS, Renamed, migrate
from voicecall.config.positions import KeyPath, written
from voicecall.config.reader import Document, FoundBy, parsed
from voicecall.config.report import Report
from voicecall.config.speech_sections import gathered, is_backend
from voicecall.config.tree import Node
from voicecall.errors import ConfigError
from voicecall.private_files import open_private


@dataclass(frozen=True, slots=True, kw_only=True)
class Repaired:
    """What became of a file.

    Args:
        text: its new text.
        changes: what was changed, a line each.
    """

    text: str
    changes: tuple[str, ...]


def repaired(document: Document) -> Repaired:
    """The text of `document` with current keys; the same text when all are current.

    Raises:
        ConfigError: the text could not be changed so that it means the same.
    """
    text, changes = _as_written(document.path), []
    while (step := _next(_again(document, text))) is not None:
        text, change = step
        changes.append(change)
    if changes:
        _require_same(document, _again(document, text))
    return Repaired(text=text, changes=tuple(changes))


def write_with_backup(path: Path, text: str) -> Path:
    """Put `text` into the file in one step and keep the old one beside it.

    Returns:
        The backup, ``NAME.bak`` or the next free name; with the owner's mode of the file.

    Raises:
        ConfigError: nothing was written, and the file is as it was.
    """
    target = path.resolve()
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        backup = _backup(target)
        file = open_private(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        with os.fdopen(file, "wb") as stream:
            stream.write(text.encode())
            os.fsync(stream.fileno())
        shutil.copymode(target, draft)
        os.replace(draft, target)
    except OSError as error:
        raise ConfigError(f"{target} cannot be repaired: {error.strerror}") from error
    finally:
        draft.unlink(missing_ok=True)
    return backup


def _backup(target: Path) -> Path:
    for number in range(1000):
        backup = target.with_name(f"{target.name}.bak{number or ''}")
        if not os.path.lexists(backup):
            shutil.copy2(target, backup)
            return backup
    raise ConfigError(f"{target} has a thousand backups; remove some")


def _as_written(path: Path) -> str:
    """The text of the file with its line ends and its byte-order mark."""
    try:
        return path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read again: {error}") from error


def _again(document: Document, text: str) -> Document:
    return parsed(document.path, FoundBy.OPTION, text)


def _next(document: Document) -> tuple[str, str] | None:
    """The text after the next change, and what was changed; None: nothing is left to do."""
    prefix, section = _section(document)
    name = section.text("provider")
    if name in RENAMED_PROVIDERS:
        new = RENAMED_PROVIDERS[name]
        path = (*prefix, "provider")
        return surgery.replace_value(document.text, path, f'"{new}"'), f"provider is now {new!r}"
    for renamed in RENAMED:
        if section.at(renamed.old) is not None:
            return _renamed(document, prefix, section, renamed)
    return _next_voice(document, prefix, section)


def _next_voice(document: Document, prefix: KeyPath, section: Node) -> tuple[str, str] | None:
    """A speech backend's section moved to its proper place, where nothing stands yet."""
    tts = section.child("tts") or Node({})
    for key, node in tts.members.items():
        if is_backend(key, node) and tts.at(("providers", key)) is None:
            old, new = (*prefix, "tts", key), (*prefix, "tts", "providers", key)
            text = surgery.move(document.text, old, new, surgery.value_text(document.text, old))
            return text, f"tts.{key} is now tts.providers.{key}"
    return None


def _renamed(
    document: Document, prefix: KeyPath, section: Node, renamed: Renamed
) -> tuple[str, str]:
    text, old, new = document.text, (*prefix, *renamed.old), (*prefix, *renamed.new)
    if section.at(renamed.new) is not None:
        changed = f"{written(renamed.old)} removed; {written(renamed.new)} is set and wins"
        return _without_empty(surgery.drop(text, old), document, old[:-1], prefix), changed
    node = section.at(renamed.old)
    value = surgery.value_text(text, old)
    if renamed.value and node is not None and node.value in renamed.value:
        value = f'"{renamed.value[node.value]}"'
    text = surgery.move(text, old, new, value)
    changed = f"{written(renamed.old)} is now {written(renamed.new)}"
    return _without_empty(text, document, old[:-1], prefix), changed


def _without_empty(text: str, document: Document, parent: KeyPath, prefix: KeyPath) -> str:
    """The text without an object that has nothing left in it, not even a comment."""
    node = _again(document, text).root.at(parent)
    if parent == prefix or node is None or node.members or not node.is_object:
        return text
    inside = surgery.value_text(text, parent)[1:-1]
    return text if inside.strip() else surgery.drop(text, parent)


def _section(document: Document) -> tuple[KeyPath, Node]:
    layout = lay_out(document, _silent(document))
    return layout.prefix, layout.section


def _silent(document: Document) -> Report:
    """What is wrong was told when the file was read."""
    return Report(document, lambda path: False)


def _require_same(old: Document, new: Document) -> None:
    """Check that the new text means what the old one meant once migrated, and nothing else."""
    prefix, before = _section(old)
    _, after = _section(new)
    wanted, found = _meaning(migrate(before, _silent(old))), _meaning(after)
    if wanted != found or _rest(old.root, prefix) != _rest(new.root, prefix):
        raise ConfigError(
            f"{old.path} cannot be repaired without changing what it means; "
            "rename the keys by hand, 'voicecall config check' names them"
        )


def _meaning(section: Node) -> Any:
    """What a section says, wherever its speech backends stand."""
    tts = section.child("tts")
    whole = section.put(("tts",), gathered(tts)) if tts and tts.is_object else section
    return _pruned(whole.plain())


def _rest(root: Node, prefix: KeyPath) -> Any:
    """All but our section, which is nothing where the whole file is ours."""
    return root.drop(prefix).plain() if prefix else None


def _pruned(value: Any) -> Any:
    """Without empty objects, which say nothing."""
    if not isinstance(value, dict):
        return value
    kept = {key: _pruned(child) for key, child in value.items()}
    return {key: child for key, child in kept.items() if child != {}}
