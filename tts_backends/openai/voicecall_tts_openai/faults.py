"""What does OpenAI's refusal mean, for us and for the operator?

Codes: https://developers.openai.com/api/docs/guides/error-codes. OpenAI's own messages are left
out, because they quote keys and texts.
"""

from __future__ import annotations

import json
import re

from voicecall.sdk import SpeechError

SECTION = "tts.providers.openai"
_NAME = re.compile(r"[A-Za-z0-9_.\[\]-]{1,64}")
_NO_CREDIT = ("insufficient_quota", "billing_hard_limit_reached", "billing_not_active")
_NO_KEY = ("invalid_api_key", "missing_api_key", "account_deactivated")
_NO_MODEL = ("model_not_found", "model_deprecated", "unsupported_model")


def of_answer(status: int, body: bytes, *, model: str) -> SpeechError:
    """The error for an HTTP answer that is no audio.

    Args:
        status: the answer's status.
        body: its body, JSON or not.
        model: the model that was asked.
    """
    try:
        fault = json.loads(body).get("error")
    except (ValueError, AttributeError):
        fault = None
    return of_fault(fault, status=status, model=model)


def of_fault(fault: object, *, model: str, status: int | None = None) -> SpeechError:
    """The error for OpenAI's ``error`` object, with the HTTP status if there was one."""
    given = fault if isinstance(fault, dict) else {}
    code, kind, param = (name(given.get(key)) for key in ("code", "type", "param"))
    said = " ".join(str(part) for part in (status, code or kind) if part) or "no reason given"
    if code in _NO_CREDIT or kind in _NO_CREDIT:
        return SpeechError(f"OpenAI has no credit left for us ({said}); check the plan and billing")
    if status == 401 or code in _NO_KEY:
        return SpeechError(
            f"OpenAI does not accept our key ({said}); set {SECTION}.apiKey or OPENAI_API_KEY"
        )
    if code in _NO_MODEL or status == 404:
        return SpeechError(
            f"OpenAI does not offer {model!r} to us ({said}); check {SECTION}.model and .baseUrl"
        )
    if status == 403:
        return SpeechError(f"OpenAI refuses us ({said}); check the project's limits and country")
    if status == 429 or kind == "rate_limit_exceeded" or code == "rate_limit_exceeded":
        return SpeechError(f"OpenAI is asked too often ({said}); try later", retryable=True)
    if status in (408, 409, 425) or (status or 0) >= 500 or kind == "server_error":
        return SpeechError(f"OpenAI failed ({said}); try again", retryable=True)
    about = f", about {param!r}" if param else ""
    return SpeechError(f"OpenAI refuses the request ({said}{about}); check {SECTION}")


def unreachable(reason: str) -> SpeechError:
    """The error when there is no connection, or none any more."""
    return SpeechError(f"OpenAI cannot be reached ({reason}); check the network", retryable=True)


def silent(seconds: float) -> SpeechError:
    """The error when nothing came for `seconds`."""
    return SpeechError(
        f"OpenAI sent nothing for {seconds:g} s; check its status page", retryable=True
    )


def name(value: object) -> str | None:
    """`value` if it is one of OpenAI's names, and no prose that could quote anything."""
    return value if isinstance(value, str) and _NAME.fullmatch(value) else None
