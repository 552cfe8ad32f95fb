"""What does an author of a provider import? The suite, the harness and its vocabulary."""

from voicecall_conformance.harness import ProviderHarness, post
from voicecall_conformance.ledger import (
    UNTOLD,
    Asked,
    Commanded,
    Deviation,
    Dialled,
    Failure,
    HungUp,
    LedgerEntry,
    Untold,
)
from voicecall_conformance.provider_suite import ProviderConformance
from voicecall_conformance.requirements import REQUIREMENTS, Level, Requirement
from voicecall_conformance.vendor import RestAnswer, RestRequest

__all__ = [
    "REQUIREMENTS",
    "UNTOLD",
    "Asked",
    "Commanded",
    "Deviation",
    "Dialled",
    "Failure",
    "HungUp",
    "LedgerEntry",
    "Level",
    "ProviderConformance",
    "ProviderHarness",
    "Requirement",
    "RestAnswer",
    "RestRequest",
    "Untold",
    "post",
]
