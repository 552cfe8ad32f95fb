"""What does a provider's author subclass? `ProviderConformance`, every rule in one class."""

from __future__ import annotations

from voicecall_conformance.sealed import Sealed
from voicecall_conformance.suites.command import CommandSuite
from voicecall_conformance.suites.errors import ErrorsSuite
from voicecall_conformance.suites.events import EventsSuite
from voicecall_conformance.suites.lifecycle import LifecycleSuite
from voicecall_conformance.suites.media import MediaSuite
from voicecall_conformance.suites.package import PackageSuite
from voicecall_conformance.suites.renewal import RenewalSuite
from voicecall_conformance.suites.replay import ReplaySuite
from voicecall_conformance.suites.reply import ReplySuite
from voicecall_conformance.suites.signature import SignatureSuite


class ProviderConformance(
    SignatureSuite,
    RenewalSuite,
    ReplaySuite,
    EventsSuite,
    LifecycleSuite,
    ReplySuite,
    CommandSuite,
    MediaSuite,
    ErrorsSuite,
    PackageSuite,
    Sealed,
):
    """Every rule that a provider keeps, as tests::

        class TestAcme(ProviderConformance):
            harness_type = AcmeHarness

    A rule that cannot be kept is a `Deviation` of the harness; a test is never overridden.
    """
