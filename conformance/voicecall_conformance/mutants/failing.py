"""Which faults does a provider have when the carrier fails, and as a package?"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

from voicecall.sdk import (
    CallOrder,
    CarrierAuthFailed,
    CarrierCall,
    CarrierCallId,
    CarrierError,
    CarrierRateLimited,
    CarrierRejected,
    CarrierUnreachable,
    Direction,
    Finding,
    PortInUse,
    ProviderContext,
    ProviderSpec,
    Severity,
    new_call_id,
)
from voicecall_conformance.harness import ProviderHarness
from voicecall_conformance.mutants import heavy
from voicecall_conformance.mutants.wrapped import Mutant
from voicecall_conformance.suites.package import secrets_of


class Misnaming(Mutant):
    """Raises the wrong error when dialling fails."""

    def error(self, error: CarrierError, order: CallOrder) -> CarrierError:
        """What is raised in its place."""
        return error

    async def place_call(self, order: CallOrder) -> CarrierCallId:
        try:
            return await self.inner.place_call(order)
        except CarrierError as error:
            raise self.error(error, order) from error


class RetriesCredentials(Misnaming):
    """Would try wrong credentials again."""

    breaks = "errors.credentials"

    def error(self, error: CarrierError, order: CallOrder) -> CarrierError:
        if isinstance(error, CarrierAuthFailed):
            error.retryable = True
        return error


class GivesUpOnRate(Misnaming):
    """Takes "later" for "never"."""

    breaks = "errors.rate"

    def error(self, error: CarrierError, order: CallOrder) -> CarrierError:
        limited = isinstance(error, CarrierRateLimited)
        return CarrierRejected(error.message) if limited else error


class RetriesRefusals(Misnaming):
    """Takes "never" for "later"."""

    breaks = "errors.rejected"

    def error(self, error: CarrierError, order: CallOrder) -> CarrierError:
        if isinstance(error, CarrierRejected):
            error.retryable = True
        return error


class BlamesItself(Misnaming):
    """Takes a broken carrier for a refusal."""

    breaks = "errors.unreachable"

    def error(self, error: CarrierError, order: CallOrder) -> CarrierError:
        unreachable = isinstance(error, CarrierUnreachable)
        return CarrierRejected(error.message) if unreachable else error


class DialsUntilAnswered(Mutant):
    """Sends an order again whose answer was lost."""

    breaks = "errors.once"

    async def place_call(self, order: CallOrder) -> CarrierCallId:
        with suppress(CarrierUnreachable):
            return await self.inner.place_call(order)
        return await self.inner.place_call(replace(order, call_id=new_call_id()))


class TellsTheNumber(Misnaming):
    """Names the callee in full."""

    breaks = "errors.silent"

    def error(self, error: CarrierError, order: CallOrder) -> CarrierError:
        error.args = (f"{error.message} ({order.to_number})",)
        return error


class ImportsTheWorld(Mutant):
    """Imports an HTTP client when the plugin is loaded."""

    breaks = "package.light"

    @classmethod
    def attributes(cls, genuine: type[ProviderHarness]) -> dict[str, Any]:
        return {"module": heavy.__name__, "hook": lambda harness: genuine().hook()}


class ChangesItsMind(Mutant):
    """Returns another spec at every call of the hook."""

    breaks = "package.hook"

    @classmethod
    def attributes(cls, genuine: type[ProviderHarness]) -> dict[str, Any]:
        calls = count()

        def hook(harness: ProviderHarness) -> list[ProviderSpec]:
            return [replace(spec, summary=f"call {next(calls)}") for spec in genuine().hook()]

        return {"hook": hook}


class PrintsSecrets(Mutant):
    """Shows its secrets to whoever prints the configuration."""

    breaks = "package.secrets"

    @classmethod
    def twist(cls, spec: ProviderSpec) -> ProviderSpec:
        shown = {"__repr__": lambda config: f"secrets={secrets_of(config)}"}
        return replace(spec, config=type("Talkative", (spec.config,), shown))


class OpensOnce(Mutant):
    """Leaves something behind that keeps it from being opened again."""

    breaks = "package.reopens"

    @classmethod
    def twist(cls, spec: ProviderSpec) -> ProviderSpec:
        left = iter([spec.open])

        def opened(config: Any, context: ProviderContext) -> Any:
            opener = next(left, None)
            if opener is None:
                raise PortInUse("the first one never let go")
            return opener(config, context)

        return replace(spec, open=opened)


class WaitsForever(Misnaming):
    """Does not say how long to wait."""

    breaks = "errors.retry-after"

    def error(self, error: CarrierError, order: CallOrder) -> CarrierError:
        if isinstance(error, CarrierRateLimited):
            error.retry_after = None
        return error


class ShowsThePage(Mutant):
    """Takes what it got for an explanation, whoever wrote it."""

    breaks = "errors.junk"

    async def place_call(self, order: CallOrder) -> CarrierCallId:
        try:
            return await self.inner.place_call(order)
        except CarrierError as error:
            if str(error) and error.code in (None, "502"):
                error.args = (f"{error.message}\x1b[0m",)
            raise


class ChecksByDoing(Mutant):
    """Finds out whether commands work by sending one."""

    breaks = "package.check"

    async def check(self) -> Sequence[Finding]:
        with suppress(CarrierError):
            await self.inner.hang_up(
                CarrierCall(
                    call_id=new_call_id(),
                    carrier_call_id=CarrierCallId("CA1"),
                    secret="",
                    direction=Direction.OUTBOUND,
                    answered=True,
                )
            )
        return await self.inner.check()


class RaisesWhenRefused(Mutant):
    """Raises where it should report."""

    breaks = "package.check"

    async def check(self) -> Sequence[Finding]:
        findings = await self.inner.check()
        if any(finding.severity is Severity.ERROR for finding in findings):
            raise CarrierAuthFailed("not accepted")
        return findings


class MakesSamplesUp(Mutant):
    """Carries samples of which nobody knows where they come from."""

    breaks = "package.samples"

    @classmethod
    def attributes(cls, genuine: type[ProviderHarness]) -> dict[str, Any]:
        return {"samples": lambda harness: Path(__file__).parent / "samples"}


MUTANTS: tuple[type[Mutant], ...] = (
    RetriesCredentials,
    GivesUpOnRate,
    RetriesRefusals,
    BlamesItself,
    DialsUntilAnswered,
    TellsTheNumber,
    ImportsTheWorld,
    ChangesItsMind,
    PrintsSecrets,
    OpensOnce,
    WaitsForever,
    ShowsThePage,
    ChecksByDoing,
    RaisesWhenRefused,
    MakesSamplesUp,
)
