"""How does pytest run the suite? `pytest --provider NAME`, deviations as strict xfails.

A module of its own, because pytest imports it in every run, and it is to cost nothing there.
"""

from __future__ import annotations

from importlib.util import find_spec

import pytest

chosen_providers: list[str] = []
"""Names given with `--provider`; read by `voicecall_conformance.installed`."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--provider NAME`, as often as wanted."""
    parser.getgroup("voicecall").addoption(
        "--provider",
        action="append",
        default=[],
        metavar="NAME",
        help="prove an installed provider, or KIND:NAME, with the conformance suite",
    )


def pytest_configure(config: pytest.Config) -> None:
    """With `--provider` the suite of those providers is collected, and nothing else."""
    chosen_providers[:] = config.getoption("provider")
    suites = find_spec("voicecall_conformance.installed") if chosen_providers else None
    if suites is not None and suites.origin is not None:
        config.args = [suites.origin]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A rule from which a provider deviates is expected to fail, and must."""
    for item in items:
        harness = getattr(getattr(item, "cls", None), "harness_type", None)
        requirement = getattr(getattr(item, "function", None), "requirement", None)
        deviation = harness.deviations.get(requirement) if harness and requirement else None
        if deviation is not None:
            item.add_marker(pytest.mark.xfail(reason=deviation.reason, strict=True))
