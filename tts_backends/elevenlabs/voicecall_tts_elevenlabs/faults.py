"""What does ElevenLabs' refusal mean, for us and for the operator?

Codes: https://elevenlabs.io/docs/eleven-api/resources/errors. ElevenLabs' own messages are left
out, because they quote keys and texts.
"""

from __future__ import annotations

import re

from voicecall.sdk import SpeechError

SECTION = "tts.providers.elevenlabs"
_NAME = re.compile(r"[a-z0-9_.-]{1,64}")
_NO_CREDIT = ("quota_exceeded", "insufficient_credits", "payment_required")
_NO_PERMISSION = ("missing_permissions", "insufficient_permissions", "forbidden")
_NO_VOICE = ("voice_not_found", "voice_does_not_exist", "voice_not_fine_tuned")
_NO_MODEL = ("model_not_found", "model_does_not_exist", "invalid_model", "unsupported_model")


def of_answer(status: int, body: object, *, model: str, voice: str) -> SpeechError:
    """The error for an answer that is no audio.

    Args:
        status: the HTTP status.
        body: the answer's JSON, as far as it is any: ``{"detail": {"status": ..., ...}}``.
        model: the model that was asked.
        voice: the id of the voice that was asked for.
    """
    code = _code(body)
    said = f"{status} {code}" if code else str(status)
    # A used-up quota comes with the status 401, like a wrong key.
    if code in _NO_CREDIT or status == 402:
        return SpeechError(f"ElevenLabs has no credit left for us ({said}); check the plan")
    if code in _NO_VOICE or (status == 404 and code not in _NO_MODEL):
        return SpeechError(
            f"ElevenLabs has no voice {voice!r} for us ({said}); {_check('voiceId')}"
        )
    if code in _NO_MODEL:
        return SpeechError(f"ElevenLabs has no model {model!r} ({said}); {_check('modelId')}")
    if code in _NO_PERMISSION or status == 403:
        return SpeechError(
            f"ElevenLabs refuses us ({said}); give the key the permission for text to speech"
        )
    if status == 401:
        return SpeechError(
            f"ElevenLabs does not accept our key ({said}); set {SECTION}.apiKey or "
            "ELEVENLABS_API_KEY"
        )
    if status == 429:
        return SpeechError(
            f"ElevenLabs is asked too often ({said}); the plan bounds how many speak at once",
            retryable=True,
        )
    if status in (408, 409, 425) or status >= 500:
        return SpeechError(f"ElevenLabs failed ({said}); try again", retryable=True)
    return SpeechError(f"ElevenLabs refuses the request ({said}); {_check(_field(body))}")


def unreachable(reason: str) -> SpeechError:
    """The error when there is no connection, or none any more."""
    return SpeechError(
        f"ElevenLabs cannot be reached ({reason}); check the network", retryable=True
    )


def silent(seconds: float) -> SpeechError:
    """The error when nothing came for `seconds`."""
    return SpeechError(
        f"ElevenLabs sent nothing for {seconds:g} s; check its status page", retryable=True
    )


def _check(key: str | None) -> str:
    return f"check {SECTION}.{key}" if key else f"check {SECTION}"


def _code(body: object) -> str | None:
    """The name of the fault: ``detail.status``, and ``detail.code`` in newer answers."""
    detail = body.get("detail") if isinstance(body, dict) else None
    if not isinstance(detail, dict):
        return None
    named = (detail.get(key) for key in ("code", "status"))
    return next((name for name in named if isinstance(name, str) and _NAME.fullmatch(name)), None)


def _field(body: object) -> str | None:
    """Which field a validation error (status 422) is about."""
    detail = body.get("detail") if isinstance(body, dict) else None
    if not isinstance(detail, list) or not detail or not isinstance(detail[0], dict):
        return None
    place = detail[0].get("loc")
    last = place[-1] if isinstance(place, list) and place else None
    return last if isinstance(last, str) and _NAME.fullmatch(last) else None
