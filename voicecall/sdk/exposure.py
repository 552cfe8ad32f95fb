"""What an exposure plugin implements: it makes the public listener reachable for carriers."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path

from voicecall.errors import ConfigError
from voicecall.private_files import read_private, written
from voicecall.sdk.provider import Finding


class PublicEndpoint(ABC):
    """The public side of the listener while the plugin is open.

    Both URLs may change over time; the kernel reads them again after every `refresh`.
    """

    @property
    @abstractmethod
    def webhook_url(self) -> str:
        """The carrier-facing URL of the webhook path; no query, no fragment."""

    @property
    @abstractmethod
    def stream_url(self) -> str:
        """The carrier-facing ``wss://`` URL of the stream path; no query, no fragment."""

    @property
    def forwards_from_loopback(self) -> bool:
        """Whether an agent on this machine hands us what comes, and its forwarding headers may be
        believed in development. Only a plugin whose configuration asks for it says so."""
        return False

    async def refresh(self) -> None:  # noqa: B027
        """Look whether the public side still stands, and put it up again if it can be.

        Asked every few seconds. Afterwards both URLs are true.

        Raises:
            ExposureError: it is gone. It is reported, and asked again.
        """

    async def check(self) -> Sequence[Finding]:
        """Read-only findings about what is open."""
        return ()


class Marker:
    """What an exposure set up outside of this process, written down before it is set up, so that
    the next opening finds what a crash left behind.

    A private JSON object in a folder of the state directory.

    Args:
        state_dir: `PluginContext.state_dir`.
        name: of the exposure.
    """

    def __init__(self, state_dir: Path, name: str) -> None:
        self._path = state_dir / "exposures" / f"{name}.json"

    @staticmethod
    def is_any(state_dir: Path) -> bool:
        """Whether any exposure has written anything."""
        return any((state_dir / "exposures").glob("*.json"))

    def read(self) -> dict[str, object] | None:
        """What is written; None when there is nothing, or nothing that can be read."""
        try:
            found = json.loads(read_private(self._path) or "null")
        except (ValueError, ConfigError):
            return None
        return found if isinstance(found, dict) else None

    def write(self, what: Mapping[str, object]) -> None:
        """Write `what`, in place of what was there.

        Raises:
            ConfigError: the state directory cannot be written.
        """
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with written(self._path, json.dumps(dict(what))) as draft:
            draft.replace(self._path)

    def clear(self) -> None:
        """Forget it."""
        self._path.unlink(missing_ok=True)
