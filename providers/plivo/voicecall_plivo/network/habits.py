"""Where Plivo's documentation is silent, which way does the double go?"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """Each default is what was seen on live calls.

    Args:
        own_call_uuid: a call gets another id than its order.
        one_nonce: all tries of a callback carry the same nonce.
        main_account_only: signatures come as those of the main account only.
        handshake_scheme: in which form the URL of a stream is signed.
        stop_frame: a stream says ``stop`` before it closes.
        extra_headers_as_json: instead of ``k=v;k2=v2``.
    """

    own_call_uuid: bool = False
    one_nonce: bool = False
    main_account_only: bool = False
    handshake_scheme: str = "http"
    stop_frame: bool = False
    extra_headers_as_json: bool = False
