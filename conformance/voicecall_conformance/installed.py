"""What does `pytest --provider NAME` collect? One class of tests for every chosen plugin."""

from __future__ import annotations

import re

from pytest_voicecall import chosen_providers

from voicecall_conformance.catalogue import harness_of
from voicecall_conformance.kinds import kind_of
from voicecall_conformance.rules import Suite


def _suite(name: str) -> type[Suite]:
    harness = harness_of(name)
    title = "Test" + "".join(part.capitalize() for part in re.split("[-:]", name))
    return type(title, (kind_of(harness).conformance,), {"harness_type": harness})


globals().update({suite.__name__: suite for suite in map(_suite, chosen_providers)})
