"""What does Telnyx's REST API answer? ``data``, or ``errors`` with a code of Telnyx's.

developers.telnyx.com, *API errors*. The codes ``90xxx`` of commands that do not fit what the call
does are not listed there; these are some of them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from voicecall_conformance import RestAnswer
from voicecall_telnyx.network.fields import BadField

NOT_ANSWERED = ("90034", "Call has not been answered yet")
ALREADY_ANSWERED = ("90035", "Call has already been answered")
_PAGE = {"page[number]": "1", "page[size]": "20"}
RUNNING = ("90061", "Already in progress")
NOT_RUNNING = ("90062", "Not in progress")


class Refused(Exception):
    """A request that is answered with an error.

    Args:
        answer: the whole answer.
    """

    def __init__(self, answer: RestAnswer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def data(found: object) -> RestAnswer:
    """200."""
    return _json({"data": found})


def page(found: Sequence[object], query: Mapping[str, Sequence[str]]) -> RestAnswer:
    """200 with the part of a list that `query` asks for."""
    number, size = (int(query.get(name, (default,))[0]) for name, default in _PAGE.items())
    meta = {
        "page_number": number,
        "page_size": size,
        "total_pages": -(-len(found) // size),
        "total_results": len(found),
    }
    return _json({"data": found[(number - 1) * size : number * size], "meta": meta})


def problem(status: int, code: str, title: str, *, pointer: str | None = None) -> RestAnswer:
    """An error; `pointer` leads to the field that is to blame."""
    error: dict[str, object] = {"code": code, "title": title, "detail": title}
    if pointer is not None:
        error["source"] = {"pointer": pointer}
    return _json({"errors": [error]}, status=status)


def bad_field(bad: BadField) -> RestAnswer:
    """422 about a field."""
    return problem(422, bad.code, bad.detail, pointer=f"/{bad.name}")


def not_now(reason: tuple[str, str]) -> Refused:
    """422: the command does not fit what the call does; no field is to blame."""
    return Refused(problem(422, *reason))


def _json(body: object, *, status: int = 200) -> RestAnswer:
    headers = {"content-type": "application/json"}
    return RestAnswer(status=status, body=json.dumps(body).encode(), headers=headers)


NOT_FOUND = problem(404, "10005", "Resource not found")
UNAUTHENTICATED = problem(401, "10009", "Authentication failed")
ENDED = problem(422, "90018", "Call has already ended")
INVALID_ID = problem(422, "90015", "Invalid Call Control ID")
