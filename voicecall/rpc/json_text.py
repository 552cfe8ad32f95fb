"""How does JSON come in and go out? Strictly: no NaN, no number without end, no broken text.

RFC 8259.
"""

from __future__ import annotations

import json
import math
from typing import Any

from voicecall.errors import InvalidRequest


def read_json(body: bytes) -> Any:
    """The value of `body`; None for an empty one.

    Raises:
        InvalidRequest: it is no JSON.
    """
    if not body.strip():
        return None
    try:
        return json.loads(body.decode(), parse_constant=_no_number, parse_float=_finite)
    except ValueError:
        raise InvalidRequest("the body is not JSON") from None
    except RecursionError:
        raise InvalidRequest("the body is nested too deeply") from None


def write_json(value: object) -> bytes:
    """`value`, which may hold halves of characters as JSON can spell them."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode()


def _no_number(text: str) -> float:
    raise ValueError(text)


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _no_number(text)
