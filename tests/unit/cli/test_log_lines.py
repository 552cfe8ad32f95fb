"""Can a machine read our log, and does every line say which call it is about?"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from io import StringIO

import anyio
import pytest

from voicecall.calls.log_context import concerns
from voicecall.cli.log_lines import stderr_handler
from voicecall.model.ids import CallId

CALL = CallId("8f0c1a52-6b0e-4a55-9d1e-0f6f2a7c9b11")
TRACE = "8f0c1a526b0e4a559d1e0f6f2a7c9b11"


@pytest.fixture
def written(request: pytest.FixtureRequest) -> Iterator[StringIO]:
    handler = stderr_handler(request.param)
    assert isinstance(handler, logging.StreamHandler)
    stream = StringIO()
    handler.setStream(stream)
    logger = logging.getLogger("voicecall.test")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    yield stream
    logger.removeHandler(handler)


def in_a_call() -> None:
    async def main() -> None:
        async with anyio.create_task_group() as tasks:
            concerns(CALL)
            tasks.start_soon(anyio.to_thread.run_sync, say)

    anyio.run(main)


def say() -> None:
    logging.getLogger("voicecall.test").info("stream %s", "lost", extra={"reason": "a\nb"})


@pytest.mark.parametrize("written", ["json"], indirect=True)
def test_a_line_of_a_call_names_the_call_and_its_trace(written: StringIO) -> None:
    in_a_call()
    line = json.loads(written.getvalue())
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "info",
        "logger": "voicecall.test",
        "message": "stream lost",
        "callId": CALL,
        "traceId": TRACE,
        "reason": "a\nb",
    }


@pytest.mark.parametrize("written", ["json"], indirect=True)
def test_a_line_about_no_call_names_none_and_an_exception_stays_one_line(
    written: StringIO,
) -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError:
        logging.getLogger("voicecall.test").exception("it failed")
    (line,) = written.getvalue().splitlines()
    assert "callId" not in json.loads(line)
    assert "ValueError: two\nlines" in json.loads(line)["exception"]


@pytest.mark.parametrize("written", ["text"], indirect=True)
def test_a_line_for_people_has_what_stands_beside_its_message(written: StringIO) -> None:
    in_a_call()
    assert "INFO voicecall.test: stream lost [" in written.getvalue()
    assert f"callId={CALL}" in written.getvalue()
    assert TRACE not in written.getvalue()
    assert len(written.getvalue().splitlines()) == 1
