"""What does somebody start from? A commented configuration for one carrier, as it is installed."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from voicecall.config.models import fields_of
from voicecall.config.schema import Settings
from voicecall.plugins.registry import Registry
from voicecall.plugins.speech import offline_backend
from voicecall.sdk.provider import Capability
from voicecall.sdk.specs import (
    ExposureSpec,
    PluginSpec,
    ProviderSpec,
    ResponderSpec,
    SttSpec,
    TtsSpec,
)

SIMULATED = "+15550002222"
"""A number that no carrier serves."""

_HEAD = """\
// voicecall: a phone line for programs and AI agents. JSON5: comments and trailing commas are fine.
// Every key: voicecall config explain KEY. A secret is never written here: "${VARIABLE}" reads it
// from the environment.
"""


def starting_config(provider: ProviderSpec, registry: Registry) -> str:
    """The text for `provider`, with speech from what is installed in `registry`.

    What is commented out is a choice, or must be filled in first; `config check` names the latter.
    """
    parts = (
        _carrier(provider),
        _numbers(provider),
        _reachability(provider, registry),
        _calls(),
        _speech(provider, registry),
        _answers(registry),
    )
    body = "\n\n".join(textwrap.indent("\n".join(part), "  ") for part in parts)
    return f"{_HEAD}{{\n{body}\n}}\n"


def _carrier(provider: ProviderSpec) -> list[str]:
    lines = [*_said(provider.summary), f'provider: "{provider.name}",']
    needed = [*_needed(provider)]
    if needed:
        lines += [f"{provider.name}: {{", *(f"  {line}" for line in needed), "},"]
    return lines


def _needed(provider: ProviderSpec) -> Iterator[str]:
    """A commented line for every key that must be there."""
    for key, info in fields_of(provider.config).items():
        variable = provider.environment.get(key)
        if not info.is_required() and variable is None:
            continue
        yield from _said(info.description or "")
        if variable:
            yield f'// {key}: "${{{variable}}}", // so it is when {variable} is set'
        else:
            value = '"${VARIABLE}"' if info.annotation is SecretStr else '""'
            yield f"// {key}: {value},"


def _numbers(provider: ProviderSpec) -> list[str]:
    simulated = not provider.needs_public_url
    off = "" if simulated else "// "
    lines = [*_about("toNumber"), f'{off}toNumber: "{SIMULATED}",', ""]
    return [*lines, *_about("fromNumber"), '// fromNumber: "+15550001111",']


def _reachability(provider: ProviderSpec, registry: Registry) -> list[str]:
    lines = ["// Where carriers' webhooks arrive on this machine."]
    lines.append('serve: { port: 3334, bind: "127.0.0.1", path: "/voice/webhook" },')
    if provider.needs_public_url:
        lines += ["", "// How the carrier reaches us: one of"]
        lines += [f"//   {spec.summary}" for spec in registry.specs(ExposureSpec)]
        lines.append('// publicUrl: "https://phone.example.com/voice/webhook",')
    return lines


def _calls() -> list[str]:
    return [
        '// Calls that we place: "notify" says one message and hangs up, "conversation" talks.',
        'outbound: { defaultMode: "notify", guard: { countries: ["*"], maxCallsPerHour: 60 } },',
        "",
        *_about("inboundPolicy"),
        'inboundPolicy: "disabled", // or "allowlist", or "open"',
        f'// allowFrom: ["{SIMULATED}"],',
        f"// inboundGreeting: {_default('inboundGreeting')},",
        "",
        f"maxConcurrentCalls: {_default('maxConcurrentCalls')},",
        f"maxDurationSeconds: {_default('maxDurationSeconds')},",
    ]


def _speech(provider: ProviderSpec, registry: Registry) -> list[str]:
    voice, ears = offline_backend(registry, TtsSpec), offline_backend(registry, SttSpec)
    streams = Capability.MEDIA_STREAMS in provider.capabilities
    native = Capability.NATIVE_SPEECH in provider.capabilities
    ours = streams and (not native or (voice is not None and ears is not None))
    named = f', provider: "{ears.name}"' if ours and ears else ""
    lines = [
        "// On: we speak and hear ourselves, over media streams. Off: the carrier's own voice.",
        *_installed("hears", "streaming.provider", registry, SttSpec),
        *_installed("speaks", "tts.provider", registry, TtsSpec),
        f"streaming: {{ enabled: {json.dumps(ours)}{named} }},",
    ]
    return [*lines, f'tts: {{ provider: "{voice.name}" }},'] if ours and voice else lines


def _answers(registry: Registry) -> list[str]:
    return [
        "// Who answers what callers say; without one, calls are heard and written down.",
        *_installed("answers", "responder", registry, ResponderSpec),
        '// responder: "NAME",',
    ]


def _installed(does: str, key: str, registry: Registry, kind: type[PluginSpec]) -> Iterator[str]:
    names = [spec.name for spec in registry.specs(kind)]
    if names:
        yield f"// What {does} ({key}), as installed: {', '.join(names)}."


def _about(key: str) -> list[str]:
    return _said(_field(key).description or "")


def _default(key: str) -> str:
    return json.dumps(_field(key).default, ensure_ascii=False)


def _field(key: str) -> FieldInfo:
    return fields_of(Settings)[key]


def _said(text: str) -> list[str]:
    plain = " ".join(text.replace("`", "").split())
    return [f"// {line}" for line in textwrap.wrap(plain, 90)]
