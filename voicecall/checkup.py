"""Would a call work? What the selected plugins and the carrier say; nothing is changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn

from voicecall.config.loaded import LoadedConfig, Selected
from voicecall.config.state import read_address
from voicecall.errors import (
    CarrierError,
    CarrierUnreachable,
    ConfigError,
    PortInUse,
    VoicecallError,
)
from voicecall.opening import Exposed, Opener
from voicecall.outside import DatedClient, check_clock
from voicecall.public_side import PublicSide
from voicecall.sdk.clock import SystemClock
from voicecall.sdk.http import HttpClient
from voicecall.sdk.provider import Finding, Severity
from voicecall.sdk.specs import PluginSpec
from voicecall.web.http_client import open_http_client
from voicecall.web.prober import Reached
from voicecall.web.server import bind
from voicecall.webhooks.origin import PublicUrls


def check_plugins(loaded: LoadedConfig, *, today: date) -> list[Finding]:
    """What the selected plugins say about their sections, each finding once; no network."""
    found: dict[Finding, None] = {}
    for chosen in loaded.selection.all():
        found.update(dict.fromkeys(_findings(chosen, today)))
    return list(found)


def _findings(chosen: Selected[PluginSpec], today: date) -> Sequence[Finding]:
    try:
        return chosen.spec.findings(chosen.config, today)
    except Exception as error:
        subject = f"{chosen.spec.kind} {chosen.spec.name}"
        message = f"its findings could not be asked for: {type(error).__name__}: {error}"
        return [Finding(severity=Severity.WARNING, subject=subject, message=message)]


async def check_carrier(loaded: LoadedConfig, state_dir: Path) -> Sequence[Finding]:
    """What the provider and the exposure of `loaded` find, and whether the public URL leads here.

    Read-only; beside the gateway that owns `state_dir` too, which is asked for what it knows.

    Raises:
        PluginError: the provider, or the exposure that names the callback URLs, does not open.
    """
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(open_http_client())
        return await _asked(loaded, http, stack, state_dir)


async def check_outside(loaded: LoadedConfig, state_dir: Path) -> Sequence[Finding]:
    """`check_carrier`, and whether our clock is right.

    Raises:
        PluginError: as `check_carrier`.
    """
    async with AsyncExitStack() as stack:
        http = DatedClient(await stack.enter_async_context(open_http_client()))
        found = await _asked(loaded, http, stack, state_dir)
        return [*map(_graver, found), *check_clock(http.skews)]


def _graver(finding: Finding) -> Finding:
    """For `doctor`, a public URL that does not lead here is an error whatever is configured."""
    if finding.subject == _SUBJECT and finding.severity is Severity.WARNING:
        return replace(finding, severity=Severity.ERROR)
    return finding


async def _asked(
    loaded: LoadedConfig, http: HttpClient, stack: AsyncExitStack, state_dir: Path
) -> Sequence[Finding]:
    provider = loaded.provider
    opener = Opener(
        loaded,
        state_dir=Path(stack.enter_context(TemporaryDirectory())),
        clock=SystemClock(provider.spec.time_scale(provider.config)),
        http=http,
        stack=stack,
    )
    exposed, found = await _exposed(loaded, opener, http, state_dir)
    urls = exposed.urls if exposed else _UNKNOWN
    try:
        said = await (await opener.provider(urls)).check()
    except CarrierError as error:
        said = [_finding(Severity.ERROR, provider.spec.name, error.message)]
    return [*(each for each in said if exposed or not _names_unknown(each)), *found]


def _names_unknown(finding: Finding) -> bool:
    return _UNKNOWN_HOST in f"{finding.message}{finding.remedy}"


async def _exposed(
    loaded: LoadedConfig, opener: Opener, http: HttpClient, state_dir: Path
) -> tuple[Exposed | None, Sequence[Finding]]:
    """Where carriers reach us, if that can be told without opening a tunnel; and how that is."""
    serve, exposure = loaded.settings.serve, loaded.exposure
    here = f"http://{serve.bind}:{serve.port}"
    if exposure is None:
        return await opener.exposed(here=here, host=serve.bind, port=serve.port), ()
    found: list[Finding] = []
    context = replace(
        opener.exposure_context(exposure.spec, host=serve.bind, port=serve.port),
        state_dir=state_dir,
        http=http,
    )
    try:
        found += await exposure.spec.check(exposure.config, context)
    except VoicecallError as error:
        found.append(_finding(Severity.ERROR, exposure.spec.name, error.message))
    told = await _told_by(state_dir, http)
    if told is not None:
        urls = PublicUrls(str(told["url"]), "wss://" + _UNKNOWN_HOST)
        return Exposed(urls=urls), [*found, _reached(loaded, str(told["url"]), told)]
    if not exposure.spec.opens_quietly:
        text = "not known yet; the gateway opens it when it starts"
        return None, [*found, _finding(Severity.OK, _SUBJECT, text)]
    exposed = await opener.exposed(here=here, host=serve.bind, port=serve.port)
    return exposed, [*found, *await _proved(loaded, exposed)]


async def _told_by(state_dir: Path, http: HttpClient) -> Mapping[str, object] | None:
    """What the running gateway knows of its public URL; None: none runs, or it does not say."""
    try:
        gateway = read_address(state_dir)
        if gateway is None:
            return None
        answer = await http.request("GET", f"{gateway.url}/readyz", timeout_seconds=5)
        told = answer.json().get("publicUrl")
    except (ConfigError, CarrierUnreachable, ValueError, AttributeError):
        return None
    return told if isinstance(told, dict) and "url" in told else None


async def _proved(loaded: LoadedConfig, exposed: Exposed) -> list[Finding]:
    """Whether the public URL leads to this machine, where nothing else runs at the moment."""
    serve, url = loaded.settings.serve, exposed.urls.webhook()
    try:
        bound = await bind(serve.bind, serve.port, setting="serve.port")
    except PortInUse as error:
        return [_finding(Severity.WARNING, _SUBJECT, f"{url} was not tried: {error.message}")]
    scale = loaded.provider.spec.time_scale(loaded.provider.config)
    try:
        side = PublicSide(
            loaded, bound, exposed, clock=SystemClock(scale), listeners=_nobody_listens
        )
        verdict = await side.prove()
    except ConfigError as error:
        return [_finding(Severity.ERROR, _SUBJECT, error.message)]
    finally:
        bound.close()
    told = {"status": verdict.reached, "problem": verdict.problem} if verdict else {}
    return [_reached(loaded, url, told)]


def _reached(loaded: LoadedConfig, url: str, told: Mapping[str, object]) -> Finding:
    problem, strict = told.get("problem"), loaded.settings.reachability.check == "strict"
    if problem:
        remedy = "let what stands in front forward to serve.port, host and path unchanged"
        severity = Severity.ERROR if strict else Severity.WARNING
        return _finding(severity, _SUBJECT, f"{url}: {problem}", remedy)
    if told.get("status") == Reached.YES:
        return _finding(Severity.OK, _SUBJECT, f"{url} leads to us")
    return _finding(Severity.OK, _SUBJECT, f"{url}, not tried")


def _nobody_listens() -> NoReturn:
    raise AssertionError("a URL that is opened quietly does not change")


def _finding(severity: Severity, subject: str, text: str, remedy: str | None = None) -> Finding:
    return Finding(severity=severity, subject=subject, message=text, remedy=remedy)


_SUBJECT = "public URL"
_UNKNOWN_HOST = "unknown.invalid"
_UNKNOWN = PublicUrls(f"https://{_UNKNOWN_HOST}", f"wss://{_UNKNOWN_HOST}")
"""In place of a tunnel's URL that is not open; no finding may name it."""
