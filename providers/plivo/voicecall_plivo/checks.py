"""Is the account fit for calls? Read-only questions to Plivo, each answer with its remedy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from voicecall.sdk import CarrierAuthFailed, CarrierCallGone, CarrierError, Finding, Severity
from voicecall_plivo import callbacks
from voicecall_plivo.callbacks import Callbacks
from voicecall_plivo.rest import PlivoApi

CONSOLE = "https://cx.plivo.com"
ACCOUNT, NUMBER, APPLICATION = "plivo account", "fromNumber", "plivo application"


async def findings(api: PlivoApi, *, from_number: str | None, urls: Callbacks) -> list[Finding]:
    """What `setup` and `doctor` should know."""
    account = await _account(api)
    if account.severity is Severity.ERROR or from_number is None:
        return [account]
    number, application = await _number(api, from_number)
    if application is None:
        return [account, number]
    return [account, number, *await _application(api, application, urls)]


async def _account(api: PlivoApi) -> Finding:
    try:
        account = await api.ask("GET", to="tell about the account")
    except CarrierAuthFailed as error:
        remedy = f"copy Auth ID and Auth Token from {CONSOLE} to plivo.authId and plivo.authToken"
        return _finding(Severity.ERROR, ACCOUNT, str(error), remedy)
    except CarrierError as error:
        remedy = "check the network, plivo.apiBaseUrl and https://status.plivo.com"
        return _finding(Severity.ERROR, ACCOUNT, str(error), remedy)
    credits = _amount(account.get("cash_credits"))
    if credits is not None and credits <= 0 and not account.get("auto_recharge"):
        remedy = f"add credits at {CONSOLE}"
        return _finding(Severity.WARNING, ACCOUNT, "has no credits left", remedy)
    return _finding(Severity.OK, ACCOUNT, "the credentials are accepted")


async def _number(api: PlivoApi, from_number: str) -> tuple[Finding, str | None]:
    """About the number, and the application that it is assigned to."""
    try:
        number = await api.ask(
            "GET", "Number", from_number.removeprefix("+"), to="tell about the number"
        )
    except CarrierCallGone:
        message = "the account does not own this number"
        remedy = f"rent it at {CONSOLE}, or set fromNumber to a number that the account owns"
        return _finding(Severity.ERROR, NUMBER, message, remedy), None
    except CarrierError as error:
        return _finding(Severity.WARNING, NUMBER, str(error), "try again later"), None
    if number.get("voice_enabled") is False:
        message = "the number carries no voice calls"
        remedy = "choose a number with voice, or ask Plivo's support to enable it"
        return _finding(Severity.ERROR, NUMBER, message, remedy), None
    application = application_of(number)
    if not application:
        message = "the number is assigned to no application, so nobody can call in"
        remedy = f"assign it to an application at {CONSOLE}; not needed for outbound calls"
        return _finding(Severity.WARNING, NUMBER, message, remedy), None
    return _finding(Severity.OK, NUMBER, "the account owns the number"), application


def application_of(number: Mapping[str, Any]) -> str:
    """The id of the application that a Number resource is assigned to; empty: none."""
    return str(number.get("application") or "").rstrip("/").rpartition("/")[2]


async def _application(api: PlivoApi, app_id: str, urls: Callbacks) -> list[Finding]:
    try:
        application = await api.ask("GET", "Application", app_id, to="tell about the application")
    except CarrierError as error:
        remedy = "assign the number to an application that exists"
        return [_finding(Severity.WARNING, APPLICATION, str(error), remedy)]
    wanted = {
        "answer_url": urls.url(""),
        "hangup_url": urls.url(callbacks.HANGUP),
        "fallback_answer_url": urls.url(callbacks.FALLBACK),
    }
    wrong = [name for name, url in wanted.items() if not _same(application, name, url)]
    if not wrong:
        return [_finding(Severity.OK, APPLICATION, "inbound calls are sent to this gateway")]
    return [
        _finding(
            Severity.WARNING,
            APPLICATION,
            f"its {name} is not this gateway's",
            f"for inbound calls set {name} to {wanted[name]} at {CONSOLE}",
        )
        for name in wrong
    ]


def _same(application: Mapping[str, Any], name: str, url: str) -> bool:
    """Whether both are one URL; how often Plivo tries again is the operator's choice."""
    told = str(application.get(name) or "")
    return told.partition("#")[0].rstrip("/") == url.partition("#")[0].rstrip("/")


def _amount(text: object) -> float | None:
    try:
        return float(str(text))
    except ValueError:
        return None


def _finding(severity: Severity, subject: str, message: str, remedy: str | None = None) -> Finding:
    return Finding(severity=severity, subject=subject, message=message, remedy=remedy)
