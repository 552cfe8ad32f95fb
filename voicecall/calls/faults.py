"""What does the log say when a carrier did not do what it was told? Why, and what to do."""

from __future__ import annotations

import logging

from voicecall.errors import (
    CapabilityMissing,
    CarrierAuthFailed,
    CarrierCallGone,
    CarrierError,
    CarrierRateLimited,
    CarrierRejected,
    CarrierUnreachable,
)

ADVICE: tuple[tuple[type[Exception], str], ...] = (
    (CarrierUnreachable, "it may be done or not; check the network to the carrier"),
    (CarrierAuthFailed, "check the credentials with 'voicecall doctor'"),
    (CarrierRateLimited, "lower outbound.guard.callsPerSecond, or ask the carrier for more"),
    (CarrierCallGone, "nothing is to be done; the call has ended"),
    (CarrierRejected, "look the carrier's code up in the provider's README"),
    (CapabilityMissing, "choose a provider that declares it"),
)
OF_A_DEFECT = "the provider's plugin failed; report it with the traceback"


def tell(logger: logging.Logger, what: str, error: Exception, **beside: object) -> None:
    """Warn that `what` was not done because of `error`, with the traceback of a defect.

    Args:
        logger: of the module that had it done.
        what: for the carrier to do, as a noun: ``a command``.
        error: what came instead.
        beside: goes beside the message.
    """
    advice = next((text for kind, text in ADVICE if isinstance(error, kind)), OF_A_DEFECT)
    known = isinstance(error, CarrierError | CapabilityMissing)
    code = getattr(error, "code", None)
    if code is not None:
        beside["code"] = code
    logger.warning(
        "%s did not succeed (%s): %s",
        what,
        type(error).__name__,
        advice,
        exc_info=None if known else error,
        extra={**beside, "error": str(error)},
    )
