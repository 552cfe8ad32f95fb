"""Is the account ready for calls? Read-only findings, each with what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from voicecall.sdk import CarrierError, Finding, ProviderContext, Severity, mask_number
from voicecall_twilio import links
from voicecall_twilio.config import TwilioConfig

_CONSOLE = "in the console under Phone Numbers, Manage, Active numbers"


async def find(client: Any, config: TwilioConfig, context: ProviderContext) -> Sequence[Finding]:
    """Ask about account and number. Never raises for what Twilio answers."""
    try:
        findings = [*await _account(client, config)]
        if findings[0].severity is not Severity.ERROR:
            findings += await _number(client, context)
    except CarrierError as error:
        findings = [_error("account", str(error), "correct the twilio section, then ask again")]
    except (ValueError, TypeError, KeyError, AttributeError):
        remedy = "check twilio.apiBaseUrl"
        findings = [_error("account", "the answer is not one of Twilio's API", remedy)]
    return [*findings, *_callbacks(context)]


async def _account(client: Any, config: TwilioConfig) -> Sequence[Finding]:
    account = await client.api.accounts(config.account_sid).fetch_async()
    if account.status != "active":
        message = f"it is {account.status!r} and makes no calls"
        return [_error("account", message, "see the billing page of Twilio's console")]
    where = config.region or "the default region"
    found = [_ok("account", f"the credentials are accepted in {where}")]
    if account.type == "Trial":
        message = "a trial account calls verified numbers only, after an announcement"
        found.append(_warning("account", message, "upgrade it, or verify every number you call"))
    return found


async def _number(client: Any, context: ProviderContext) -> Sequence[Finding]:
    number = context.from_number
    if number is None:
        return [_error("number", "there is none to call from", "set fromNumber")]
    name = mask_number(number)
    owned = await client.incoming_phone_numbers.list_async(phone_number=number, limit=1)
    if owned:
        return [*_capabilities(name, owned[0]), *_webhooks(name, owned[0], context)]
    verified = await client.outgoing_caller_ids.list_async(phone_number=number, limit=1)
    if verified:
        message = f"{name} is verified, not owned: it can call, and cannot be called"
        return [_warning("number", message, "buy a number to be called at")]
    message = f"the account neither owns {name} nor verified it"
    return [_error("number", message, "buy or verify it, or correct fromNumber")]


def _capabilities(name: str, owned: Any) -> Sequence[Finding]:
    if (owned.capabilities or {}).get("voice"):
        return [_ok("number", f"{name} is the account's, and makes calls")]
    return [_error("number", f"{name} has no voice", "choose a number that can make calls")]


def _webhooks(name: str, owned: Any, context: ProviderContext) -> Sequence[Finding]:
    here = context.urls.webhook
    voice = here(links.VOICE) if _same(owned.voice_url, here(links.VOICE)) else here()
    wanted = (
        ("A call comes in", owned.voice_url, voice),
        ("Primary handler fails", owned.voice_fallback_url, here(links.FALLBACK)),
        ("Call status changes", owned.status_callback, here(links.STATUS)),
    )
    findings = [
        _warning(
            "webhook",
            f"{name}: {field!r} is {'elsewhere' if found else 'empty'}, so inbound calls "
            "do not work as they should",
            f"set it to {url} {_CONSOLE}",
        )
        for field, found, url in wanted
        if not _same(found, url)
    ]
    return findings or [_ok("webhook", f"the webhooks of {name} come here")]


def _same(found: str | None, url: str) -> bool:
    """Whether two URLs are one, but for how Twilio shall retry."""
    return (found or "").partition("#")[0] == url


def _callbacks(context: ProviderContext) -> Sequence[Finding]:
    parts = urlsplit(context.urls.webhook())
    found = []
    if "_" in (parts.hostname or ""):
        message = "Twilio takes no callback URL with '_' in its host name"
        found.append(_error("webhook", message, "give this machine another public name"))
    if parts.scheme != "https":
        message = "callbacks are not encrypted"
        found.append(_warning("webhook", message, "use a public URL with https"))
    return found


def _ok(subject: str, message: str) -> Finding:
    return Finding(severity=Severity.OK, subject=f"Twilio {subject}", message=message)


def _warning(subject: str, message: str, remedy: str) -> Finding:
    return Finding(
        severity=Severity.WARNING, subject=f"Twilio {subject}", message=message, remedy=remedy
    )


def _error(subject: str, message: str, remedy: str) -> Finding:
    return Finding(
        severity=Severity.ERROR, subject=f"Twilio {subject}", message=message, remedy=remedy
    )
