"""Does the suite judge rightly: deviations, undeclared capabilities, and what it reports?"""

import json
from collections.abc import Sequence
from dataclasses import replace

import click
import pytest
from click.testing import CliRunner

from voicecall.sdk import (
    CallAnswered,
    CallbackUrls,
    CallEnded,
    CallOrder,
    CallRinging,
    CapabilityMissing,
    CarrierCall,
    CarrierCallId,
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
from voicecall_conformance import (
    REQUIREMENTS,
    UNTOLD,
    Deviation,
    Dialled,
    RestAnswer,
    RestRequest,
)
from voicecall_conformance.catalogue import harness_of
from voicecall_conformance.command import conformance, table
from voicecall_conformance.mutants import Mutant, infect
from voicecall_conformance.mutants.hearing import EndsWell
from voicecall_conformance.mutants.hunt import Catch, hunt
from voicecall_conformance.runner import Outcome, prove
from voicecall_mock.testing import MockHarness


class Modest(Mutant):
    """A provider that can do nothing but place calls and end them, and says so."""

    @classmethod
    def twist(cls, spec: ProviderSpec) -> ProviderSpec:
        return replace(spec, capabilities=frozenset())

    async def place_call(self, order: CallOrder) -> CarrierCallId:
        plain = replace(order, dtmf_sequence=None, detect_machine=False, await_beep=False)
        return await self.inner.place_call(plain)

    async def command(self, call: CarrierCall, instructions: Sequence[Instruction]) -> None:
        if any(not isinstance(each, HangUp) for each in instructions):
            raise CapabilityMissing("this", plugin="modest")
        await self.inner.command(call, instructions)

    def media(self, opening: StreamOpening) -> MediaProtocol:
        raise CapabilityMissing("media-streams", plugin="modest")


class ModestCarrier(MockHarness):
    """A carrier that neither listens nor calls."""

    offers_elsewhere = False
    attests = False

    def webhook(
        self, event: CarrierEvent, *, urls: CallbackUrls, at: float
    ) -> WebhookRequest | None:
        told = isinstance(event, CallAnswered | CallEnded | CallRinging | UnknownEvent)
        return super().webhook(event, urls=urls, at=at) if told else None


class OldHarness(MockHarness):
    """A harness that was written before the newer fields and flags."""

    offers_elsewhere = False
    attests = False
    counters = ()

    def answer(self, request: RestRequest) -> RestAnswer:
        answer = super().answer(request)
        untold = {"from_number": UNTOLD, "digits": UNTOLD, "detects": UNTOLD, "awaits_beep": UNTOLD}
        self.ledger[:] = [
            replace(entry, **untold) if isinstance(entry, Dialled) else entry
            for entry in self.ledger
        ]
        return answer


class Excused(infect(MockHarness, EndsWell)):  # type: ignore[misc]
    """Cannot tell causes apart, and says so; also excuses a rule that it keeps."""

    deviations = {
        "events.causes": Deviation("the carrier tells none"),
        "events.key": Deviation("it was so once"),
    }


def test_a_provider_that_declares_nothing_and_refuses_the_rest_keeps_every_rule() -> None:
    rules = [rule for rule in REQUIREMENTS if not rule.startswith("package")]
    results = list(prove(infect(ModestCarrier, Modest), rules))
    assert [result for result in results if not result.is_good] == []
    silent = {result.requirement.id for result in results if result.outcome is not Outcome.KEPT}
    about_capabilities = ("media.", "events.inbound", "events.speech", "command.undeclared")
    assert not [rule for rule in silent if rule.startswith(about_capabilities)]


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


def test_a_harness_without_the_newer_hooks_still_proves_its_provider() -> None:
    results = {result.requirement.id: result for result in prove(OldHarness)}
    assert [result for result in results.values() if not result.is_good] == []
    for rule in ("lifecycle.digits", "lifecycle.detects", "media.numbers", "events.attestation"):
        assert results[rule].outcome is Outcome.NOT_APPLICABLE
        assert results[rule].detail


def test_a_deviation_from_a_rule_that_does_not_apply_is_outdated() -> None:
    deviations = {"reply.apology": Deviation("it has no such thing")}
    odd = type("Odd", (MockHarness,), {"deviations": deviations})
    (result,) = prove(odd, ["reply.apology"])
    assert result.outcome is Outcome.OUTDATED


def test_a_fault_that_no_rule_sees_is_told_from_one_that_cannot_show() -> None:
    class Harmless(Mutant):
        """Does nothing wrong."""

        breaks = "events.key"

    class Elsewhere(Harmless):
        breaks = "command.stops"

    assert hunt(MockHarness, Harmless, ["events.key"]).catch is Catch.ESCAPED
    assert hunt(MockHarness, Elsewhere, ["command.stops"]).catch is Catch.IRRELEVANT


def test_a_fault_that_breaks_what_it_should_not_is_told_with_the_strangers() -> None:
    class Muddled(EndsWell):
        """Forgets causes, and calls."""

        def event(self, event: CarrierEvent) -> CarrierEvent:
            return replace(super().event(event), call_id=None)

    verdict = hunt(MockHarness, Muddled, ["events.causes", "events.call"])
    assert (verdict.catch, verdict.strangers) == (Catch.STRAYED, ("events.call",))


def test_the_table_has_a_line_a_rule_and_details_where_something_is_to_be_done() -> None:
    results = list(prove(Excused, ["events.causes", "events.key", "events.call"]))
    told = click.unstyle(table("excused", results))
    assert "deviates  events.causes" in told
    assert "→ the carrier tells none" in told
    assert "OUTDATED  events.key" in told
    assert told.endswith("excused: 3 rules, 1 kept, 1 deviating, 1 outdated")


def test_a_broken_rule_shows_its_text_and_the_bytes_that_broke_it() -> None:
    (result,) = prove(infect(MockHarness, EndsWell), ["events.causes"])
    assert result.outcome is Outcome.BROKEN
    assert REQUIREMENTS["events.causes"].text in result.wire
    assert REQUIREMENTS["events.causes"].link in result.wire
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
