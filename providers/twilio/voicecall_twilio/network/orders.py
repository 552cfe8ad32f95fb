"""What does a call at Twilio know of its URLs? From the order to dial, or from the number."""

from __future__ import annotations

from dataclasses import dataclass

from voicecall_twilio.network.performer import Request, Step
from voicecall_twilio.network.resource import Fields, only
from voicecall_twilio.network.settings import Settings
from voicecall_twilio.network.twiml import read_document

DETECTION_TIMEOUT = "30"


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """Answering-machine detection.

    Args:
        to_the_end: ``DetectMessageEnd``: waits until a message may be left.
        callback: where the result goes; None: it comes with the voice request, which waits.
        timeout: how long it tries, in call seconds.
    """

    to_the_end: bool
    callback: Request | None
    timeout: float


@dataclass(slots=True, kw_only=True)
class Plan:
    """What a call does when it is answered, and who is told about it."""

    first: Step
    fallback: Request | None = None
    status: Request | None = None
    events: frozenset[str] = frozenset({"completed"})
    send_digits: str = ""
    detection: Detection | None = None

    def change(self, fields: Fields) -> None:
        """The URLs that an update names."""
        self.fallback = _request(fields, "Fallback", "FallbackUrl") or self.fallback
        self.status = _request(fields, "StatusCallback", "StatusCallback") or self.status


def ordered(fields: Fields) -> Plan:
    """The plan of an order to dial."""
    plan = Plan(first=wanted(fields), send_digits=only(fields, "SendDigits"))
    plan.change(fields)
    plan.events = frozenset(fields.get("StatusCallbackEvent", ("completed",)))
    if "MachineDetection" in fields and not plan.send_digits:
        asynchronous = only(fields, "AsyncAmd") == "true"
        told = _request(fields, "AsyncAmdStatusCallback", "AsyncAmdStatusCallback")
        plan.detection = Detection(
            to_the_end=only(fields, "MachineDetection") == "DetectMessageEnd",
            callback=told if asynchronous else None,
            timeout=float(only(fields, "MachineDetectionTimeout", DETECTION_TIMEOUT)),
        )
    return plan


def called(settings: Settings) -> Plan:
    """The plan of a call to a number that has `settings`."""
    fallback, status = settings.voice_fallback_url, settings.status_callback
    return Plan(
        first=Request(url=settings.voice_url),
        fallback=Request(url=fallback) if fallback else None,
        status=Request(url=status) if status else None,
    )


def wanted(fields: Fields) -> Step:
    """The document of an order, or of an update, or where it is."""
    if "Twiml" in fields:
        return read_document(only(fields, "Twiml"))
    return Request(url=only(fields, "Url"), method=only(fields, "Method", "POST"))


def _request(fields: Fields, prefix: str, name: str) -> Request | None:
    if name not in fields:
        return None
    return Request(url=only(fields, name), method=only(fields, f"{prefix}Method", "POST"))
