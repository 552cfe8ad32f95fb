"""Does every event become one line of a private file?"""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import anyio
import pytest

from voicecall.sdk import (
    CallEvent,
    CallGreeted,
    CallId,
    ConfigError,
    EventSink,
    HttpResponse,
    PartialHeard,
    PublicUrlChanged,
    SinkContext,
    SystemClock,
)
from voicecall_sink_jsonl.plugin import JsonlConfig, voicecall_event_sinks

CALL = CallId("8f0c1a52-6b0e-4a55-9d1e-0f6f2a7c9b11")


class NoHttp:
    async def request(self, *args: object, **kwargs: object) -> HttpResponse:
        raise AssertionError("a file needs no network")


class Shown:
    def event(self, event: CallEvent) -> Mapping[str, object]:
        return {"type": type(event).__name__, "number": event.number, "text": "žluťoučký"}

    async def call(self, call_id: CallId) -> Mapping[str, object] | None:
        raise AssertionError("a line needs no call")


def with_sink(
    state_dir: Path, work: Callable[[EventSink], Awaitable[None]], **section: object
) -> None:
    (spec,) = voicecall_event_sinks()
    context = SinkContext(
        http=NoHttp(),
        public_http=NoHttp(),
        clock=SystemClock(),
        logger=logging.getLogger("test"),
        state_dir=state_dir,
        showing=Shown(),
    )

    async def main() -> None:
        async with spec.open(JsonlConfig.model_validate(section), context) as sink:
            await work(sink)

    anyio.run(main)


async def three(sink: EventSink) -> None:
    for number in (1, 2, 3):
        await sink.write(CallGreeted(call_id=CALL, number=number, at=1.0))
    await sink.write(PartialHeard(call_id=CALL, number=0, at=1.0, text="hel"))


def numbers(path: Path) -> list[int]:
    return [json.loads(line)["number"] for line in path.read_text("utf-8").splitlines()]


def test_events_are_lines_of_a_file_that_only_we_read(tmp_path: Path) -> None:
    with_sink(tmp_path, three)
    assert numbers(tmp_path / "events.jsonl") == [1, 2, 3]
    assert (tmp_path / "events.jsonl").stat().st_mode & 0o777 == 0o600


def test_what_is_not_certain_is_written_on_request(tmp_path: Path) -> None:
    with_sink(tmp_path, three, path=str(tmp_path / "own.jsonl"), partials=True)
    assert numbers(tmp_path / "own.jsonl") == [1, 2, 3, 0]


def test_a_full_file_moves_aside_and_the_oldest_goes(tmp_path: Path) -> None:
    with_sink(tmp_path, three, maxBytes=60, keep=1)
    assert numbers(tmp_path / "events.jsonl") == [3]
    assert numbers(tmp_path / "events.jsonl.1") == [2]
    assert not (tmp_path / "events.jsonl.2").exists()


@pytest.mark.parametrize("trap", ["symlink", "directory", "missing directory"])
def test_a_path_that_cannot_be_written_is_told_at_the_start(tmp_path: Path, trap: str) -> None:
    path = tmp_path / "events.jsonl"
    if trap == "symlink":
        path.symlink_to(tmp_path / "elsewhere")
    elif trap == "directory":
        path.mkdir()
    else:
        path = tmp_path / "none" / "events.jsonl"
    with pytest.raises(ConfigError, match="events.jsonl cannot be written"):
        with_sink(tmp_path, three, path=str(path))
    assert not (tmp_path / "elsewhere").exists()


def test_a_public_url_that_changed_is_a_line_of_no_call(tmp_path: Path) -> None:
    async def drift(sink: EventSink) -> None:
        sink.public_url_changed(
            PublicUrlChanged(former="https://a.example/w", current="https://b.example/w", at=1.5)
        )

    with_sink(tmp_path, drift)
    assert json.loads((tmp_path / "events.jsonl").read_text("utf-8")) == {
        "type": "public-url",
        "former": "https://a.example/w",
        "current": "https://b.example/w",
        "at": 1500,
    }
