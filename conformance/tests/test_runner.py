"""Does the suite judge rightly: deviations, undeclared capabilities, and what it reports?"""

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest
from click.testing import CliRunner

from voicecall.sdk import (
    CallAnswered,
    CallbackUrls,
    CallEnded,
    CallRinging,
    CapabilityMissing,
    CarrierCall,
    CarrierEvent,
    HangUp,
    Instruction,
    MediaProtocol,
    PluginError,
    ProviderSpec,
    StreamOpening,
    UnknownEvent,
    WebhookRequest,
)
from voicecall_conformance import REQUIREMENTS, Deviation
from voicecall_conformance.catalogue import harness_of
from voicecall_conformance.command import conformance
from voicecall_conformance.mutants import Mutant, infect
from voicecall_conformance.mutants.hearing import EndsWell
from voicecall_conformance.runner import Outcome, prove
from voicecall_mock.testing import MockHarness


class Modest(Mutant):
    """A provider that can do nothing but place calls and end them, and says so."""

    @classmethod
    def twist(cls, spec: ProviderSpec) -> ProviderSpec:
        return replace(spec, capabilities=frozenset())

    async def command(self, call: CarrierCall, instructions: Sequence[Instruction]) -> None:
        if any(not isinstance(each, HangUp) for each in instructions):
            raise CapabilityMissing("this", plugin="modest")
        await self.inner.command(call, instructions)

    def media(self, opening: StreamOpening) -> MediaProtocol:
        raise CapabilityMissing("media-streams", plugin="modest")


class ModestCarrier(MockHarness):
    """A carrier that neither listens nor calls."""

    def webhook(
        self, event: CarrierEvent, *, urls: CallbackUrls, at: float
    ) -> WebhookRequest | None:
        told = isinstance(event, CallAnswered | CallEnded | CallRinging | UnknownEvent)
        return super().webhook(event, urls=urls, at=at) if told else None


class Excused(infect(MockHarness, EndsWell)):  # type: ignore[misc]
    """Cannot tell causes apart, and says so; also excuses a rule that it keeps."""

    deviations = {
        "events.causes": Deviation("the carrier tells none"),
        "events.key": Deviation("it was so once"),
    }


def test_a_provider_that_declares_nothing_and_refuses_the_rest_keeps_every_rule() -> None:
    rules = [rule for rule in REQUIREMENTS if not rule.startswith("package")]
    results = list(prove(infect(ModestCarrier, Modest), rules))
    assert [result for result in results if result.outcome is not Outcome.KEPT] == []


def test_a_deviation_excuses_a_broken_rule_and_must_go_once_the_rule_is_kept() -> None:
    outcomes = {
        result.requirement.id: result.outcome
        for result in prove(Excused, ["events.causes", "events.key", "events.call"])
    }
    assert outcomes == {
        "events.call": Outcome.KEPT,
        "events.key": Outcome.OUTDATED,
        "events.causes": Outcome.DEVIATES,
    }


def test_a_broken_rule_shows_its_text_and_the_bytes_that_broke_it() -> None:
    (result,) = prove(infect(MockHarness, EndsWell), ["events.causes"])
    assert result.outcome is Outcome.BROKEN
    assert REQUIREMENTS["events.causes"].text in result.wire
    assert '"kind":"call.ended"' in result.wire


def test_the_command_prints_one_json_document_and_succeeds_when_all_is_kept() -> None:
    ran = CliRunner().invoke(conformance, ["mock", "--json"])
    assert ran.exit_code == 0, ran.output
    report = json.loads(ran.stdout)
    assert report["ok"] is True
    assert [rule["id"] for rule in report["rules"]] == list(REQUIREMENTS)


def test_a_provider_without_a_harness_is_named_with_those_that_have_one() -> None:
    with pytest.raises(PluginError, match="'nobody'.*mock"):
        harness_of("nobody")
