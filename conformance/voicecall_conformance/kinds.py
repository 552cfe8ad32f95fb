"""Which kinds of plugin can be proved, and with what: rules, suite, harness, faults?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from voicecall_conformance.exposure.harness import ExposureHarness
from voicecall_conformance.exposure.rulebook import EXPOSURE
from voicecall_conformance.exposure.suite import ExposureConformance
from voicecall_conformance.harness import ProviderHarness
from voicecall_conformance.provider_suite import ProviderConformance
from voicecall_conformance.requirements import REQUIREMENTS, Requirement
from voicecall_conformance.rules import Suite
from voicecall_conformance.speech.responder.harness import ResponderHarness
from voicecall_conformance.speech.responder.rulebook import RESPONDER
from voicecall_conformance.speech.responder.suite import ResponderConformance
from voicecall_conformance.speech.stt.harness import SttHarness
from voicecall_conformance.speech.stt.rulebook import STT
from voicecall_conformance.speech.stt.suite import SttConformance
from voicecall_conformance.speech.tts.harness import TtsHarness
from voicecall_conformance.speech.tts.rulebook import TTS
from voicecall_conformance.speech.tts.suite import TtsConformance
from voicecall_conformance.speech.vad.harness import VadHarness
from voicecall_conformance.speech.vad.rulebook import VAD
from voicecall_conformance.speech.vad.suite import VadConformance


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of plugin.

    Args:
        name: as in ``KIND:NAME``.
        title: a heading for the manual.
        group: entry-point group of its harnesses: plugin's name → class.
        harness: what such a class derives from.
        requirements: its rules by id, in the order of the manual.
        conformance: a class with the test of each.
        mutants: module of its faults: `MUTANTS`, and `infect` that puts one in front of a plugin.
    """

    name: str
    title: str
    group: str
    harness: type[Any]
    requirements: Mapping[str, Requirement]
    conformance: type[Suite]
    mutants: str

    def faults(self) -> tuple[type[Any], ...]:
        """Every fault that such a plugin can have; importing them takes a moment."""
        found: tuple[type[Any], ...] = import_module(self.mutants).MUTANTS
        return found

    def infect(self, harness: type[Any], mutant: type[Any]) -> type[Any]:
        """`harness`, with `mutant` in front of its plugin."""
        infected: type[Any] = import_module(self.mutants).infect(harness, mutant)
        return infected


PROVIDER = Kind(
    name="provider",
    title="Providers",
    group="voicecall.conformance",
    harness=ProviderHarness,
    requirements=REQUIREMENTS,
    conformance=ProviderConformance,
    mutants="voicecall_conformance.mutants",
)

KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        PROVIDER,
        Kind(
            name="tts",
            title="TTS backends",
            group="voicecall.conformance.tts",
            harness=TtsHarness,
            requirements=TTS,
            conformance=TtsConformance,
            mutants="voicecall_conformance.speech.tts.mutants",
        ),
        Kind(
            name="stt",
            title="STT backends",
            group="voicecall.conformance.stt",
            harness=SttHarness,
            requirements=STT,
            conformance=SttConformance,
            mutants="voicecall_conformance.speech.stt.mutants",
        ),
        Kind(
            name="vad",
            title="Voice-activity detectors",
            group="voicecall.conformance.vad",
            harness=VadHarness,
            requirements=VAD,
            conformance=VadConformance,
            mutants="voicecall_conformance.speech.vad.mutants",
        ),
        Kind(
            name="responder",
            title="Responders",
            group="voicecall.conformance.responder",
            harness=ResponderHarness,
            requirements=RESPONDER,
            conformance=ResponderConformance,
            mutants="voicecall_conformance.speech.responder.mutants",
        ),
        Kind(
            name="exposure",
            title="Exposures",
            group="voicecall.conformance.exposure",
            harness=ExposureHarness,
            requirements=EXPOSURE,
            conformance=ExposureConformance,
            mutants="voicecall_conformance.exposure.mutants",
        ),
    )
}
"""By name."""


def kind_of(harness: type[Any]) -> Kind:
    """The kind of plugin that `harness` is for."""
    return next(kind for kind in KINDS.values() if issubclass(harness, kind.harness))
