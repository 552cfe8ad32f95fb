"""Is everything ready for a call? What `setup` tells, and `smoke` wants to know first."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import anyio

from voicecall.checkup import check_carrier, check_plugins
from voicecall.cli.findings import ok, warning
from voicecall.config.loaded import LoadedConfig
from voicecall.sdk.provider import Finding


def readiness(loaded: LoadedConfig, state_dir: Path) -> list[Finding]:
    """What is configured, what its plugins say of that, and what the carrier says.

    Raises:
        PluginError: the provider, or what names the callback URLs, does not open.
    """
    today = datetime.now(UTC).date()
    checked = anyio.run(check_carrier, loaded, state_dir)
    found = [*_configured(loaded), *check_plugins(loaded, today=today), *checked]
    return [*found, *_reach_of_calls(loaded)]


def _reach_of_calls(loaded: LoadedConfig) -> list[Finding]:
    """Where calls cost money, all countries is more than anybody needs."""
    everywhere = "*" in loaded.settings.outbound.guard.countries
    if not (everywhere and loaded.provider.spec.needs_public_url):
        return []
    remedy = "name those that you call in outbound.guard.countries"
    return [warning("policy", "every country of the world may be dialled", remedy)]


def _configured(loaded: LoadedConfig) -> list[Finding]:
    """What was found to be in order before anybody was asked."""
    where = str(loaded.path) if loaded.path else "no file: built-in defaults"
    parts = {
        "configuration": where,
        "provider": loaded.provider.spec.name,
        "speech": _speech(loaded),
        "responder": loaded.responder.spec.name if loaded.responder else "none: calls are recorded",
    }
    return [ok(subject, message) for subject, message in parts.items()]


def _speech(loaded: LoadedConfig) -> str:
    if not loaded.settings.streaming.enabled or loaded.tts is None:
        return "the carrier's own voice and recognition"
    ears = loaded.stt.spec.name if loaded.stt else "nobody"
    return f"{loaded.tts.spec.name} speaks, {ears} listens"
