"""What was a call ordered with? The URLs of it, and what happens when somebody answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from voicecall_plivo import callbacks
from voicecall_plivo.network.courier import Hook


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A call's URLs, and what is done when it is answered.

    Args:
        request: the order's id; None: somebody called the number.
        detection: ``true`` or ``hangup``, of answering machines; ``""``: none.
    """

    answer: Hook
    request: str | None = None
    ring: Hook | None = None
    hangup: Hook | None = None
    fallback: Hook | None = None
    machine: Hook | None = None
    detection: str = ""
    send_digits: str = ""
    caller_name: str = ""


def ordered(fields: Mapping[str, Any], *, request: str) -> Order:
    """Out of the fields of "make call"."""

    def hook(name: str) -> Hook | None:
        url = fields.get(f"{name}_url")
        return Hook(url=url, method=fields.get(f"{name}_method", "POST")) if url else None

    return Order(
        answer=Hook(url=fields["answer_url"], method=fields.get("answer_method", "POST")),
        request=request,
        ring=hook("ring"),
        hangup=hook("hangup"),
        fallback=hook("fallback"),
        machine=hook("machine_detection"),
        detection=fields.get("machine_detection", ""),
        send_digits=fields.get("send_digits", ""),
        caller_name=fields.get("caller_name", ""),
    )


def application(webhook_url: str) -> dict[str, str]:
    """The application of the gateway's number, filled in as the README tells to."""
    return {
        "answer_url": f"{webhook_url}#{callbacks.RETRIES}",
        "fallback_answer_url": f"{webhook_url}/{callbacks.FALLBACK}",
        "hangup_url": f"{webhook_url}/{callbacks.HANGUP}#{callbacks.RETRIES}",
    }


def called(urls: Mapping[str, str]) -> Order:
    """Somebody calls the number of the application that has `urls`."""
    hangup, fallback = urls.get("hangup_url"), urls.get("fallback_answer_url")
    return Order(
        answer=Hook(url=urls["answer_url"]),
        hangup=Hook(url=hangup) if hangup else None,
        fallback=Hook(url=fallback) if fallback else None,
    )
