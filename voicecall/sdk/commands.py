"""What a plugin's own commands get from the command line that runs them.

A distribution adds a command by an entry point in group ``voicecall.commands`` that names a
click command; it is imported only when it is used. Its context object is a `CommandKit`.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Protocol

from voicecall.sdk.provider import SpeechBackends


class CommandKit(Protocol):
    """What the command line lends to a plugin's command."""

    @property
    def state_dir(self) -> Path:
        """Where state lives; exists, mode 0700."""
        ...

    def section(self, kind: str, name: str) -> Any:
        """The configuration section of plugin `name`, validated into its model.

        Raises:
            ConfigError: the configuration cannot be used.
        """
        ...

    def speech(self) -> AbstractAsyncContextManager[SpeechBackends]:
        """Installed speech backends, opened on demand and closed at the end."""
        ...
