"""What does a provider's author subclass? `ProviderConformance`, every rule in one class."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from voicecall_conformance.rules import Suite
from voicecall_conformance.suites.command import CommandSuite
from voicecall_conformance.suites.errors import ErrorsSuite
from voicecall_conformance.suites.events import EventsSuite
from voicecall_conformance.suites.lifecycle import LifecycleSuite
from voicecall_conformance.suites.media import MediaSuite
from voicecall_conformance.suites.package import PackageSuite
from voicecall_conformance.suites.replay import ReplaySuite
from voicecall_conformance.suites.reply import ReplySuite
from voicecall_conformance.suites.signature import SignatureSuite


class ProviderConformance(
    SignatureSuite,
    ReplaySuite,
    EventsSuite,
    LifecycleSuite,
    ReplySuite,
    CommandSuite,
    MediaSuite,
    ErrorsSuite,
    PackageSuite,
):
    """Every rule that a provider keeps, as tests::

        class TestAcme(ProviderConformance):
            harness_type = AcmeHarness

    A rule that cannot be kept is a `Deviation` of the harness; a test is never overridden.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Refuse a subclass that would soften a rule.

        Raises:
            TypeError: it overrides a test, itself or by a class that it mixes in.
        """
        super().__init_subclass__(**kwargs)
        proofs = sorted(name for name, _ in proofs_in(ProviderConformance))
        softened = [
            name
            for name in proofs
            if getattr(cls, name, None) is not getattr(ProviderConformance, name)
        ]
        if softened:
            raise TypeError(
                f"{cls.__name__} overrides {', '.join(softened)}; a rule that the provider cannot "
                "keep is a Deviation(reason) in the harness's `deviations`"
            )


def proofs_in(suite: type[Suite]) -> Iterator[tuple[str, str]]:
    """Name and requirement id of every test in `suite`."""
    for name in dir(suite):
        requirement = getattr(getattr(suite, name), "requirement", None)
        if requirement is not None:
            yield name, requirement
