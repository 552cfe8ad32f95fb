"""Is the account ready for calls? Read-only findings for `setup` and `doctor`, with remedies."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from voicecall.sdk import (
    CarrierAuthFailed,
    CarrierError,
    CarrierRejected,
    Finding,
    ProviderContext,
    Severity,
)
from voicecall_telnyx.config import TelnyxConfig
from voicecall_telnyx.rest import RestApi

PORTAL = "portal.telnyx.com"


async def findings(
    config: TelnyxConfig, context: ProviderContext, api: RestApi
) -> Sequence[Finding]:
    """What `setup` and `doctor` show.

    Args:
        config: the `telnyx` section.
        context: our webhook URL and number.
        api: asks.
    """
    return [each async for each in _findings(config, context, api)]


async def _findings(
    config: TelnyxConfig, context: ProviderContext, api: RestApi
) -> AsyncIterator[Finding]:
    yield _public_key(config)
    try:
        yield _balance(await api.get("/balance"))
    except CarrierAuthFailed as error:
        yield _error("API key", error, f"make a v2 key at {PORTAL}, API keys; set telnyx.apiKey")
        return
    except CarrierRejected as error:
        yield Finding(
            severity=Severity.WARNING,
            subject="API key",
            message=f"not refused, but the balance is not told: {error}",
            remedy="check telnyx.apiBaseUrl, and what the key may read",
        )
    except CarrierError as error:
        yield _error("API key", error, "check the network and telnyx.apiBaseUrl")
        return
    async for each in _application(config, context, api):
        yield each
    yield await _number(config, context, api)


def _public_key(config: TelnyxConfig) -> Finding:
    subject = "public key"
    if config.public_key:
        return Finding(severity=Severity.OK, subject=subject, message="webhooks can be verified")
    return Finding(
        severity=Severity.ERROR,
        subject=subject,
        message="no key: every webhook is refused",
        remedy=f"copy it from {PORTAL}, Keys & credentials, Public key, to telnyx.publicKey",
    )


def _balance(balance: Any) -> Finding:
    credit = balance.get("available_credit") if isinstance(balance, dict) else None
    subject = "API key"
    try:
        empty = credit is not None and float(credit) <= 0
    except (TypeError, ValueError):
        empty = False
    if not empty:
        return Finding(severity=Severity.OK, subject=subject, message="accepted")
    return Finding(
        severity=Severity.WARNING,
        subject=subject,
        message="accepted, but the account has no credit: calls will be refused",
        remedy=f"add credit at {PORTAL}, Billing",
    )


async def _application(
    config: TelnyxConfig, context: ProviderContext, api: RestApi
) -> AsyncIterator[Finding]:
    subject = "Call Control application"
    try:
        path = f"/call_control_applications/{quote(config.connection_id, safe='')}"
        found = await api.get(path)
    except CarrierError as error:
        yield _error(
            subject, error, f"telnyx.connectionId is the application's ID at {PORTAL}, Voice, API"
        )
        return
    application: Mapping[str, Any] = found if isinstance(found, dict) else {}
    if application.get("active") is False:
        yield Finding(
            severity=Severity.ERROR,
            subject=subject,
            message="switched off",
            remedy=f"activate it at {PORTAL}, Voice API applications",
        )
    else:
        yield Finding(severity=Severity.OK, subject=subject, message="exists")
    yield _webhook_url(application, context.urls.webhook())
    yield await _profile(application, api)


def _webhook_url(application: Mapping[str, Any], ours: str) -> Finding:
    subject = "webhook URL"
    remedy = f"set it to {ours} with API version 2, in the application at {PORTAL}"
    if str(application.get("webhook_api_version") or "2") != "2":
        return Finding(
            severity=Severity.ERROR,
            subject=subject,
            message="the application sends events of API version 1",
            remedy=remedy,
        )
    if application.get("webhook_event_url") == ours:
        return Finding(severity=Severity.OK, subject=subject, message=f"is {ours}")
    return Finding(
        severity=Severity.WARNING,
        subject=subject,
        message="the application's is another: calls in will not reach this gateway",
        remedy=remedy,
    )


async def _profile(application: Mapping[str, Any], api: RestApi) -> Finding:
    subject = "outbound voice profile"
    outbound = application.get("outbound")
    profile_id = outbound.get("outbound_voice_profile_id") if isinstance(outbound, dict) else None
    remedy = f"assign one at {PORTAL}, Outbound voice profiles; allow the countries that you call"
    if not profile_id:
        return Finding(
            severity=Severity.ERROR,
            subject=subject,
            message="none: every call out will be refused",
            remedy=remedy,
        )
    try:
        profile = await api.get(f"/outbound_voice_profiles/{quote(str(profile_id), safe='')}")
    except CarrierError as error:
        return _error(subject, error, remedy)
    if isinstance(profile, dict) and profile.get("enabled") is False:
        return Finding(
            severity=Severity.ERROR, subject=subject, message="switched off", remedy=remedy
        )
    countries = profile.get("whitelisted_destinations") if isinstance(profile, dict) else None
    told = ", ".join(map(str, countries)) if isinstance(countries, list) else "not told"
    return Finding(
        severity=Severity.OK, subject=subject, message=f"assigned; countries: {told or 'none'}"
    )


async def _number(config: TelnyxConfig, context: ProviderContext, api: RestApi) -> Finding:
    subject, number = "number", context.from_number
    remedy = f"buy or verify it at {PORTAL}, Numbers, and assign it to the application"
    if number is None:
        return Finding(
            severity=Severity.ERROR, subject=subject, message="no fromNumber", remedy=remedy
        )
    try:
        query = {"filter[phone_number]": number.removeprefix("+")}
        found = await api.get("/phone_numbers", **query)
    except CarrierError as error:
        return _error(subject, error, remedy)
    owned = [
        each
        for each in (found if isinstance(found, list) else ())
        if isinstance(each, dict) and each.get("phone_number") == number
    ]
    if not owned:
        return Finding(
            severity=Severity.WARNING,
            subject=subject,
            message="fromNumber is not among the account's numbers",
            remedy=remedy,
        )
    if str(owned[0].get("connection_id")) != config.connection_id:
        return Finding(
            severity=Severity.WARNING,
            subject=subject,
            message="fromNumber belongs to another application: calls in go there",
            remedy=remedy,
        )
    return Finding(severity=Severity.OK, subject=subject, message="owned, assigned to us")


def _error(subject: str, error: CarrierError, remedy: str) -> Finding:
    return Finding(severity=Severity.ERROR, subject=subject, message=str(error), remedy=remedy)
