"""What does a vendor's refusal mean, for us and for the operator?

Vendors' own messages are left out, because they quote keys and what was said.
"""

from __future__ import annotations

import re

from pydantic_ai import exceptions as vendor

from voicecall.sdk import ResponderError
from voicecall_responder_model.access import VARIABLES, Access

PATIENT_SECONDS = 1.0
"""A vendor that wants us to wait longer than this before we ask again is not asked again."""

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def of_error(error: Exception, access: Access, *, silence: float) -> ResponderError:
    """The error for one of the library's.

    Args:
        error: what came.
        access: the model that was asked.
        silence: for how many seconds its server may be silent.
    """
    who = f"{access.vendor}'s model {access.model!r}"
    match error:
        case vendor.ModelAuthenticationError():
            variable = VARIABLES.get(access.vendor)
            remedy = f"check {access.section}.apiKey" + (f" or {variable}" if variable else "")
            text = f"{access.vendor} does not accept our key for {access.model!r}"
        case vendor.ModelNotFoundError():
            text, remedy = f"{access.vendor} has no model {access.model!r}", "check responseModel"
        case vendor.ModelQuotaExceededError():
            text = f"{access.vendor} has no credit left for us"
            remedy = "check the plan and billing there"
        case vendor.ModelRateLimitError():
            text = f"{access.vendor} gets too many requests from us"
            remedy = "wait, or have the account's limits raised"
        case vendor.ModelContextWindowExceededError():
            text = f"the conversation is too long for {who}"
            remedy = "lower responders.model.memory.lines, or choose a larger model"
        case vendor.ModelTimeoutError() | vendor.ModelRequestTimeout():
            text = f"{who} was silent for {silence:g} s"
            remedy = "try again, or raise responders.model.timeoutSeconds"
        case vendor.ModelConnectionError():
            text = f"{access.vendor} cannot be reached, or cut the connection"
            remedy = f"check the network and {access.section}.baseUrl"
        case vendor.ModelUnavailableError() | vendor.ModelServerError():
            text, remedy = f"{access.vendor} has trouble of its own", "try again later"
        case vendor.ModelRequestRejectedError():
            text = f"{who} refused the request"
            remedy = f"check responseModel and what {access.section} sets for it"
        case _:
            text = f"{who} gave an answer that nobody can read ({type(error).__name__})"
            remedy = f"check {access.section}.baseUrl and .api, and that the server streams"
    return ResponderError(f"{text}{_said(error)}; {remedy}")


def may_ask_again(error: Exception) -> bool:
    """Whether the same request may be sent at once again; nothing of the answer came yet."""
    if not isinstance(error, vendor.ModelAPIError) or (error.retry_after or 0) > PATIENT_SECONDS:
        return False
    if isinstance(error, vendor.ModelTimeoutError | vendor.ModelQuotaExceededError):
        return False
    return isinstance(
        error,
        vendor.ModelConnectionError
        | vendor.ModelUnavailableError
        | vendor.ModelServerError
        | vendor.ModelRateLimitError,
    )


def _said(error: Exception) -> str:
    """Status and code in brackets, as far as they are plain names."""
    status = getattr(error, "status_code", None)
    code = getattr(error, "provider_error_code", None)
    kind = getattr(error, "provider_error_type", None)
    names = (str(each) for each in (status, code or kind) if each)
    plain = " ".join(name for name in names if _NAME.fullmatch(name))
    return f" ({plain})" if plain else ""
