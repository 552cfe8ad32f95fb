"""What does a plugin's own command get? State, its configuration section, speech backends."""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from voicecall.cli.loading import load, ready_state_dir
from voicecall.cli.options import Options
from voicecall.config.loader import LoadedConfig
from voicecall.errors import ConfigError
from voicecall.plugins.loader import load_plugins
from voicecall.plugins.registry import Registry
from voicecall.plugins.speech import InstalledSpeech
from voicecall.sdk.clock import SystemClock
from voicecall.sdk.provider import SpeechBackends
from voicecall.sdk.specs import PluginContext
from voicecall.web.http_client import open_http_client


class Kit:
    """A `voicecall.sdk.commands.CommandKit`; nothing is read before it is asked for."""

    def __init__(self, options: Options) -> None:
        self._options = options

    @cached_property
    def state_dir(self) -> Path:
        """Where state lives; exists, mode 0700."""
        return ready_state_dir(self._options)

    def section(self, kind: str, name: str) -> Any:
        """The configuration section of plugin `name`, validated into its model.

        Raises:
            ConfigError: the configuration cannot be used, or the section is needed and missing.
            PluginError: there is no such plugin.
        """
        found = self._loaded.sections.get((kind, name))
        if found is not None:
            return found
        try:
            return self._registry.get(kind, name).config()
        except ValidationError as error:
            missing = ", ".join(str(fault["loc"][0]) for fault in error.errors())
            raise ConfigError(f"the configuration of {kind} {name!r} lacks {missing}") from None

    def speech(self) -> AbstractAsyncContextManager[SpeechBackends]:
        """Installed speech backends, opened on demand and closed at the end."""
        return self._speech()

    @asynccontextmanager
    async def _speech(self) -> AsyncIterator[SpeechBackends]:
        clock = SystemClock()
        async with open_http_client() as http:

            def context(name: str) -> PluginContext:
                logger = logging.getLogger(f"voicecall.plugin.{name}")
                return PluginContext(
                    http=http, clock=clock, logger=logger, state_dir=self.state_dir
                )

            yield InstalledSpeech(self._registry, context)

    @cached_property
    def _registry(self) -> Registry:
        return load_plugins(os.environ)

    @cached_property
    def _loaded(self) -> LoadedConfig:
        return load(self._options, self._registry)
