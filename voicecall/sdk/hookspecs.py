"""The map of the program: every hook that a plugin can implement.

A hook is called once, when the gateway or a command starts, with no arguments. It returns a
list of frozen specs and does nothing else: no import of a vendor's SDK, no file, no socket.
A plugin whose hook raises, or returns anything but a list of the right specs, is reported as
broken by `voicecall plugins` and ends the program only if the configuration selects it. Two
plugins that claim one name of one kind are both named and neither is used.

A distribution registers its plugin module under the entry-point group ``voicecall``::

    [project.entry-points.voicecall]
    acme = "voicecall_acme.plugin"

and the module marks its functions::

    from voicecall.sdk import ProviderSpec, hookimpl

    @hookimpl
    def voicecall_providers() -> list[ProviderSpec]:
        return [ProviderSpec(name="acme", ...)]
"""

from __future__ import annotations

import pluggy

from voicecall.sdk.specs import (
    ExposureSpec,
    ProviderSpec,
    ResponderSpec,
    SinkSpec,
    SttSpec,
    TtsSpec,
    VadSpec,
)

PROJECT = "voicecall"
"""Name of the pluggy project and of the entry-point group."""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def voicecall_providers() -> list[ProviderSpec]:  # type: ignore[empty-body]
    """Phone carriers. Since 0.1."""


@hookspec
def voicecall_tts_backends() -> list[TtsSpec]:  # type: ignore[empty-body]
    """Text-to-speech backends. Since 0.1."""


@hookspec
def voicecall_stt_backends() -> list[SttSpec]:  # type: ignore[empty-body]
    """Speech-to-text backends. Since 0.1."""


@hookspec
def voicecall_vad_backends() -> list[VadSpec]:  # type: ignore[empty-body]
    """Voice-activity detectors. Since 0.1."""


@hookspec
def voicecall_responders() -> list[ResponderSpec]:  # type: ignore[empty-body]
    """Responders, which decide what we say. Since 0.1."""


@hookspec
def voicecall_exposures() -> list[ExposureSpec]:  # type: ignore[empty-body]
    """Ways to make the public listener reachable. Since 0.1."""


@hookspec
def voicecall_event_sinks() -> list[SinkSpec]:  # type: ignore[empty-body]
    """Receivers of call events. Since 0.1."""
