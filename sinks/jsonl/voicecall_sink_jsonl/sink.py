"""How does an event become a line? Appended whole, with one write, to a private file."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import anyio.to_thread

from voicecall.sdk import (
    CallEvent,
    ConfigError,
    EventSink,
    PartialHeard,
    PublicUrlChanged,
    SinkContext,
)

if TYPE_CHECKING:
    from voicecall_sink_jsonl.plugin import JsonlConfig


class JsonlSink(EventSink):
    """Appends events to the configured file."""

    def __init__(self, config: JsonlConfig, context: SinkContext) -> None:
        given = config.path
        self._path = Path(given).expanduser() if given else context.state_dir / "events.jsonl"
        self._config = config
        self._showing = context.showing
        self._turn = Lock()

    async def prepare(self) -> None:
        """Make the file, so that a path that cannot be written is told at the start.

        Raises:
            ConfigError: it cannot be written.
        """
        try:
            await anyio.to_thread.run_sync(self._append, b"")
        except OSError as error:
            raise ConfigError(
                f"sinks: {self._path} cannot be written ({error.strerror}); "
                "make its directory, or set another 'path'"
            ) from error

    async def write(self, event: CallEvent) -> None:
        """Add a line.

        Raises:
            OSError: the disk is full or the file not ours any more; the event is not written.
        """
        if isinstance(event, PartialHeard) and not self._config.partials:
            return
        await anyio.to_thread.run_sync(self._append, _line(self._showing.event(event)))

    def public_url_changed(self, change: PublicUrlChanged) -> None:
        """Add a line that belongs to no call.

        Raises:
            OSError: it cannot be written.
        """
        at = round(change.at * 1000)
        told = {"type": "public-url", "former": change.former, "current": change.current, "at": at}
        self._append(_line(told))

    def _append(self, line: bytes) -> None:
        with self._turn:
            self._append_alone(line)

    def _append_alone(self, line: bytes) -> None:
        if line and self._size() + len(line) > self._config.max_bytes:
            self._rotate()
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        file = os.open(self._path, flags, 0o600)
        try:
            os.write(file, line)
        finally:
            os.close(file)

    def _size(self) -> int:
        try:
            return self._path.stat().st_size
        except FileNotFoundError:
            return 0

    def _rotate(self) -> None:
        for number in range(self._config.keep - 1, 0, -1):
            self._move(self._numbered(number), self._numbered(number + 1))
        self._move(self._path, self._numbered(1))

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")

    def _move(self, old: Path, new: Path) -> None:
        if old.exists():
            old.replace(new)


def _line(shown: Mapping[str, object]) -> bytes:
    return (json.dumps(shown, ensure_ascii=False, separators=(",", ":")) + "\n").encode()
