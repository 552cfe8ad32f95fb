"""What does `pytest --provider NAME` collect? One class of tests for every chosen provider."""

from __future__ import annotations

from pytest_voicecall import chosen_providers

from voicecall_conformance.catalogue import harness_of
from voicecall_conformance.provider_suite import ProviderConformance


def _suite(name: str) -> type[ProviderConformance]:
    title = "Test" + "".join(part.capitalize() for part in name.split("-"))
    return type(title, (ProviderConformance,), {"harness_type": harness_of(name)})


globals().update({suite.__name__: suite for suite in map(_suite, chosen_providers)})
