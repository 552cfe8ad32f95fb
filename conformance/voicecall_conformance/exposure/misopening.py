"""Which faults does an exposure have when it opens and closes?"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

import anyio

from voicecall.sdk import ExposureContext, ExposureError, Marker
from voicecall_conformance.exposure.harness import ExposureHarness, Mishap
from voicecall_conformance.speech.harness import PluginHarness
from voicecall_conformance.speech.mutants import Mutant
from voicecall_conformance.suites.package import secrets_of


class OpeningMutant(Mutant):
    """One that opens and closes otherwise."""

    @classmethod
    def twist(cls, spec: Any) -> Any:
        @asynccontextmanager
        async def opened(config: Any, context: ExposureContext) -> AsyncIterator[Any]:
            async with cls.opened(spec, config, context) as endpoint:
                yield endpoint

        return replace(spec, open=opened)

    @classmethod
    @asynccontextmanager
    async def opened(cls, spec: Any, config: Any, context: ExposureContext) -> AsyncIterator[Any]:
        """Instead of what `spec` does."""
        async with spec.open(config, context) as endpoint:
            yield endpoint


class KnowsNoRemedy(OpeningMutant):
    """Says what happened, and not what to do."""

    breaks = "exposure.fails"

    @classmethod
    @asynccontextmanager
    async def opened(cls, spec: Any, config: Any, context: ExposureContext) -> AsyncIterator[Any]:
        try:
            async with spec.open(config, context) as endpoint:
                yield endpoint
        except ExposureError as error:
            raise ExposureError(error.reason) from error


class FailsUntidily(OpeningMutant):
    """Leaves its marker where a start failed."""

    breaks = "exposure.fails"

    @classmethod
    @asynccontextmanager
    async def opened(cls, spec: Any, config: Any, context: ExposureContext) -> AsyncIterator[Any]:
        try:
            async with spec.open(config, context) as endpoint:
                yield endpoint
        except ExposureError:
            Marker(context.state_dir, f"{spec.name}-untidy").write({"failed": True})
            raise


class IsPatient(Mutant):
    """Waits for a start that hangs until somebody else loses patience."""

    breaks = "exposure.hangs"

    @classmethod
    def attributes(cls, genuine: type[PluginHarness]) -> dict[str, Any]:
        def meet(harness: Any, mishap: Mishap | None) -> None:
            harness.met = mishap
            genuine.meet(harness, mishap)  # type: ignore[attr-defined]

        def spec(harness: Any) -> Any:
            genuinely = genuine.spec(harness)

            @asynccontextmanager
            async def opened(config: Any, context: Any) -> AsyncIterator[Any]:
                try:
                    async with genuinely.open(config, context) as endpoint:
                        yield endpoint
                except ExposureError:
                    if harness.met is Mishap.HANGS:
                        await anyio.sleep_forever()
                    raise

            return replace(genuinely, open=opened)

        return {"meet": meet, "spec": spec}


class IsCancelledUntidily(OpeningMutant):
    """Leaves its marker when it is cancelled."""

    breaks = "exposure.cancel"

    @classmethod
    @asynccontextmanager
    async def opened(cls, spec: Any, config: Any, context: ExposureContext) -> AsyncIterator[Any]:
        try:
            async with spec.open(config, context) as endpoint:
                yield endpoint
        except anyio.get_cancelled_exc_class():
            Marker(context.state_dir, f"{spec.name}-untidy").write({"cancelled": True})
            raise


class ClosesUntidily(OpeningMutant):
    """Leaves its marker when it closes."""

    breaks = "exposure.closed"

    @classmethod
    @asynccontextmanager
    async def opened(cls, spec: Any, config: Any, context: ExposureContext) -> AsyncIterator[Any]:
        async with spec.open(config, context) as endpoint:
            yield endpoint
        if not context.by_hand:
            Marker(context.state_dir, f"{spec.name}-untidy").write({"closed": True})


class RemembersNoCrash(OpeningMutant):
    """Begins anew, whatever was noted down."""

    breaks = "exposure.crash"

    @classmethod
    @asynccontextmanager
    async def opened(cls, spec: Any, config: Any, context: ExposureContext) -> AsyncIterator[Any]:
        for path in (context.state_dir / "exposures").glob("*"):
            path.unlink()
        async with spec.open(config, context) as endpoint:
            yield endpoint


class BelievesTheMarker(OpeningMutant):
    """Ends whatever has the id that was noted down."""

    breaks = "exposure.others"

    @classmethod
    def fits(cls, genuine: PluginHarness) -> bool:
        return isinstance(genuine, ExposureHarness) and genuine.marks_processes

    @classmethod
    @asynccontextmanager
    async def opened(cls, spec: Any, config: Any, context: ExposureContext) -> AsyncIterator[Any]:
        for path in (context.state_dir / "exposures").glob("*.json"):
            noted = json.loads(path.read_bytes())
            if "pid" in noted and not context.by_hand:
                with suppress(ProcessLookupError):
                    os.kill(noted["pid"], signal.SIGKILL)
        async with spec.open(config, context) as endpoint:
            yield endpoint


class EndsWithTheCommand(OpeningMutant):
    """Does not care who opens it."""

    breaks = "exposure.by-hand"

    @classmethod
    @asynccontextmanager
    async def opened(cls, spec: Any, config: Any, context: ExposureContext) -> AsyncIterator[Any]:
        async with spec.open(config, replace(context, by_hand=False)) as endpoint:
            yield endpoint


class EndsWhatItBorrows(OpeningMutant):
    """Tidies up too much."""

    breaks = "exposure.borrows"

    @classmethod
    @asynccontextmanager
    async def opened(cls, spec: Any, config: Any, context: ExposureContext) -> AsyncIterator[Any]:
        async with spec.open(config, context) as endpoint:
            yield endpoint
        if not context.by_hand:
            await spec.remove(config, context)


class WritesItDown(OpeningMutant):
    """Has a file with the secret, as any other file is."""

    breaks = "exposure.private"

    @classmethod
    @asynccontextmanager
    async def opened(cls, spec: Any, config: Any, context: ExposureContext) -> AsyncIterator[Any]:
        path = context.state_dir / f"{spec.name}.yml"
        path.write_text(f"authtoken: {secrets_of(config)}")
        path.chmod(0o644)
        async with spec.open(config, context) as endpoint:
            yield endpoint


class Quotes(OpeningMutant):
    """Repeats in an error what it was given."""

    breaks = "exposure.silent"

    @classmethod
    @asynccontextmanager
    async def opened(cls, spec: Any, config: Any, context: ExposureContext) -> AsyncIterator[Any]:
        try:
            async with spec.open(config, context) as endpoint:
                yield endpoint
        except ExposureError as error:
            said = f"{error.reason} {secrets_of(config)}"
            raise ExposureError(said, remedy=error.remedy) from error


class Logs(OpeningMutant):
    """Writes into the log how it calls the program."""

    breaks = "exposure.silent"

    @classmethod
    @asynccontextmanager
    async def opened(cls, spec: Any, config: Any, context: ExposureContext) -> AsyncIterator[Any]:
        context.logger.debug("opened with %s", secrets_of(config))
        async with spec.open(config, context) as endpoint:
            yield endpoint


MISOPENING: tuple[type[Mutant], ...] = (
    KnowsNoRemedy,
    FailsUntidily,
    IsPatient,
    IsCancelledUntidily,
    ClosesUntidily,
    RemembersNoCrash,
    BelievesTheMarker,
    EndsWithTheCommand,
    EndsWhatItBorrows,
    WritesItDown,
    Quotes,
    Logs,
)
