"""How does one plugin use another's speech backend? Through here, by name, opened on demand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from pydantic import ValidationError

from voicecall.errors import ConfigError, PluginError
from voicecall.model.media import AudioFormat
from voicecall.plugins.naming import KIND_NAMES
from voicecall.plugins.registry import Registry
from voicecall.sdk.config import SecretResolver, Section
from voicecall.sdk.specs import PluginContext, PluginSpec, SttContext, SttSpec, TtsSpec
from voicecall.sdk.stt import SttBackend
from voicecall.sdk.tts import TtsBackend


class InstalledSpeech:
    """The installed speech backends, as `SpeechBackends` promises them.

    Args:
        registry: where backends are found.
        context: gives the context for the plugin of the name that it is called with.
        secrets: resolves secrets in options; without it only plain strings are possible.
    """

    def __init__(
        self,
        registry: Registry,
        context: Callable[[str], PluginContext],
        *,
        secrets: SecretResolver | None = None,
    ) -> None:
        self._registry = registry
        self._context = context
        self._secrets = secrets

    def tts(
        self, name: str | None, options: Mapping[str, object]
    ) -> AbstractAsyncContextManager[TtsBackend]:
        """The TTS backend `name`, None: the installed offline one of the lowest rank.

        Entering raises:
            PluginError: it is missing or broken.
            ConfigError: `options` do not fit its model.
        """
        return self._open_tts(name, options)

    def stt(
        self, name: str | None, options: Mapping[str, object]
    ) -> AbstractAsyncContextManager[SttBackend]:
        """The STT backend `name`, None: the installed offline one of the lowest rank.

        Entering raises:
            PluginError: it is missing or broken.
            ConfigError: `options` do not fit its model.
        """
        return self._open_stt(name, options)

    def stt_format(self, name: str | None) -> AudioFormat:
        """What the STT backend `name`, None: the one that `stt` opens, is fed.

        Raises:
            PluginError: it is missing or broken.
        """
        spec = self._registry.get(SttSpec, name) if name else self._offline(SttSpec)
        wanted: AudioFormat = spec.input_format
        return wanted

    @asynccontextmanager
    async def _open_tts(
        self, name: str | None, options: Mapping[str, object]
    ) -> AsyncIterator[TtsBackend]:
        spec = self._registry.get(TtsSpec, name) if name else self._offline(TtsSpec)
        async with spec.open(self._section(spec, options), self._context(spec.name)) as backend:
            yield backend

    @asynccontextmanager
    async def _open_stt(
        self, name: str | None, options: Mapping[str, object]
    ) -> AsyncIterator[SttBackend]:
        spec = self._registry.get(SttSpec, name) if name else self._offline(SttSpec)
        lent = self._context(spec.name)
        context = SttContext(
            http=lent.http, clock=lent.clock, logger=lent.logger, state_dir=lent.state_dir
        )
        async with spec.open(self._section(spec, options), context) as backend:
            yield backend

    def _offline(self, kind: type[TtsSpec] | type[SttSpec]) -> Any:
        spec = offline_backend(self._registry, kind)
        if spec is None:
            label = KIND_NAMES[kind.kind]
            raise PluginError(
                f"no offline {label} is installed; install one "
                f"(distributions voicecall-{kind.kind}-*) or name a {label}"
            )
        return spec

    def _section(self, spec: PluginSpec, options: Mapping[str, object]) -> Section:
        try:
            return spec.config.model_validate(dict(options), context={"secrets": self._secrets})
        except ValidationError as error:
            faults = "; ".join(
                f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
                for fault in error.errors(include_url=False, include_input=False)
            )
            label = KIND_NAMES[spec.kind]
            raise ConfigError(f"options of {label} {spec.name!r}: {faults}") from None


def offline_backend(
    registry: Registry, kind: type[TtsSpec] | type[SttSpec]
) -> TtsSpec | SttSpec | None:
    """The installed backend of `kind` that needs no account, lowest rank first, or None."""
    ranked = [
        (spec.offline_rank, spec.name, spec)
        for spec in registry.specs(kind)
        if spec.offline_rank is not None
    ]
    return min(ranked)[2] if ranked else None
