"""What does OpenAI's refusal mean, for us and for the operator?

Codes: https://developers.openai.com/api/docs/guides/error-codes. OpenAI's own messages are left
out, because they quote keys.
"""

from __future__ import annotations

import json
import re

from voicecall.sdk import SpeechError

SECTION = "streaming.providers.openai"
_NAME = re.compile(r"[A-Za-z0-9_.\[\]-]{1,64}")
_NO_CREDIT = ("insufficient_quota", "billing_hard_limit_reached", "billing_not_active")
_NO_KEY = ("invalid_api_key", "missing_api_key", "account_deactivated")
_NO_MODEL = ("model_not_found", "model_deprecated", "unsupported_model", "invalid_model")
_PASSING = ("server_error", "rate_limit_exceeded", "session_expired", "tokens", "requests")


def of_answer(status: int, body: bytes, *, model: str) -> SpeechError:
    """The error for a refused handshake.

    Args:
        status: the HTTP status.
        body: ``{"error": {...}}``, or anything.
        model: the model that was asked.
    """
    try:
        fault = json.loads(body).get("error")
    except (ValueError, AttributeError):
        fault = None
    named = of_fault(fault, model=model, status=status)
    if named is not None:
        return named
    said = _said(fault, status)
    if status == 401:
        return _no_key(said)
    if status == 403:
        return SpeechError(f"OpenAI refuses us ({said}); check the project's limits and country")
    if status == 404:
        return SpeechError(f"OpenAI's address is not there ({said}); check {SECTION}.baseUrl")
    if status in (408, 409, 425, 429) or status >= 500:
        return SpeechError(f"OpenAI failed, or is asked too often ({said})", retryable=True)
    return SpeechError(f"OpenAI refuses the session ({said}); check {SECTION}")


def of_fault(fault: object, *, model: str, status: int | None = None) -> SpeechError | None:
    """The error for OpenAI's ``error`` object; None when the session can go on with it.

    Args:
        fault: ``{"type": ..., "code": ..., "param": ..., "message": ...}``, or anything.
        model: the model that was asked.
        status: the HTTP status, if there was one.
    """
    said, given = _said(fault, status), fault if isinstance(fault, dict) else {}
    names = (given.get("code"), given.get("type"))
    param = _name(given.get("param")) or ""
    if any(name in _NO_CREDIT for name in names):
        return SpeechError(f"OpenAI has no credit left for us ({said}); check the plan and billing")
    if any(name in _NO_KEY for name in names):
        return _no_key(said)
    if any(name in _NO_MODEL for name in names) or param.endswith("model"):
        return SpeechError(f"OpenAI does not offer {model!r} ({said}); check {SECTION}.model")
    if any(name in _PASSING for name in names):
        return SpeechError(f"OpenAI ended the session ({said}); try again", retryable=True)
    if param.startswith("session"):
        return SpeechError(f"OpenAI refuses {param!r} ({said}); check {SECTION}")
    return None


def named(fault: object) -> str:
    """What OpenAI calls its ``error`` object, safe to show."""
    return _said(fault, None)


def lost(code: int | None) -> SpeechError:
    """The error for a connection that ended without our wish, with its close code."""
    return SpeechError(
        f"the connection to OpenAI was lost ({code or 'cut'}); try again", retryable=True
    )


def unreachable(reason: str) -> SpeechError:
    """The error when no connection comes about."""
    return SpeechError(f"OpenAI cannot be reached ({reason}); check the network", retryable=True)


def unusable(reason: str) -> SpeechError:
    """The error for messages that are no events, one after another."""
    return SpeechError(
        f"OpenAI sends what cannot be read ({reason}); check {SECTION}.baseUrl", retryable=True
    )


def _no_key(said: str) -> SpeechError:
    return SpeechError(
        f"OpenAI does not accept our key ({said}); set {SECTION}.apiKey or OPENAI_API_KEY"
    )


def _said(fault: object, status: int | None) -> str:
    given = fault if isinstance(fault, dict) else {}
    name = _name(given.get("code")) or _name(given.get("type"))
    return " ".join(str(part) for part in (status, name) if part) or "no reason given"


def _name(value: object) -> str | None:
    """`value` if it is one of OpenAI's names, and no prose that could quote anything."""
    return value if isinstance(value, str) and _NAME.fullmatch(value) else None
