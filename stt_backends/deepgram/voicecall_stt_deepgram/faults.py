"""What does Deepgram's refusal mean, for us and for the operator?

Codes: https://developers.deepgram.com/docs/errors and
https://developers.deepgram.com/docs/stt-troubleshooting-websocket-data-and-net-errors
"""

from __future__ import annotations

import json
import re

from voicecall.sdk import SpeechError

SECTION = "streaming.providers.deepgram"
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_CLOSE_NAME = re.compile(r"(?:DATA|NET)-\d{4}")
POLICY_VIOLATION = 1008


def of_answer(status: int, body: bytes, *, model: str) -> SpeechError:
    """The error for a refused handshake.

    Args:
        status: the HTTP status.
        body: ``{"err_code": ..., "err_msg": ...}``, or anything.
        model: the model that was asked.
    """
    code = _code(body)
    said = f"{status} {code}" if code else str(status)
    if status == 401:
        return SpeechError(
            f"Deepgram does not accept our key ({said}); set {SECTION}.apiKey or DEEPGRAM_API_KEY"
        )
    if status == 402:
        return SpeechError(f"Deepgram has no credit left for us ({said}); check the billing")
    if status == 403:
        return SpeechError(f"Deepgram does not allow us {model!r} ({said}); check the project")
    if status == 429:
        return SpeechError(
            f"Deepgram is asked too often ({said}); the plan bounds how many streams there are",
            retryable=True,
        )
    if status == 408 or status >= 500:
        return SpeechError(f"Deepgram failed ({said}); try again", retryable=True)
    if status == 404:
        return SpeechError(f"Deepgram's address is not there ({said}); check {SECTION}.baseUrl")
    return SpeechError(f"Deepgram refuses the stream ({said}); check {SECTION}.model and .language")


def of_close(code: int | None, reason: str) -> SpeechError:
    """The error for a connection that ended without our wish.

    Args:
        code: of the close frame, None when there was none.
        reason: of the close frame; holds one of Deepgram's names, if any.
    """
    name = _CLOSE_NAME.search(reason)
    said = " ".join(str(part) for part in (code, name and name[0]) if part) or "cut"
    if code == POLICY_VIOLATION:
        return SpeechError(f"Deepgram does not take our audio ({said}); check {SECTION}.model")
    return SpeechError(f"the connection to Deepgram was lost ({said}); try again", retryable=True)


def unreachable(reason: str) -> SpeechError:
    """The error when no connection comes about."""
    return SpeechError(f"Deepgram cannot be reached ({reason}); check the network", retryable=True)


def complaint() -> SpeechError:
    """The error for Deepgram's message that something is wrong."""
    return SpeechError("Deepgram sent an error; check its status page", retryable=True)


def unusable(reason: str) -> SpeechError:
    """The error for messages that cannot be read, one after another."""
    return SpeechError(
        f"Deepgram sends what cannot be read ({reason}); check {SECTION}.baseUrl", retryable=True
    )


def _code(body: bytes) -> str | None:
    try:
        code = json.loads(body).get("err_code")
    except (ValueError, AttributeError):
        return None
    return code if isinstance(code, str) and _NAME.fullmatch(code) else None
