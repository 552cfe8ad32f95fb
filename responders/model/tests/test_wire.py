"""Does a model's answer reach the caller as it comes, over each API, whatever the wire does?"""

from __future__ import annotations

import logging
from typing import Any

import anyio
import pytest

from voicecall.sdk import EndCall, ReplyText, ResponderError
from voicecall_responder_model.double.dialects import Said
from voicecall_responder_model.double.server import KEY, Scripted

every_api = pytest.mark.parametrize("api", ["chat", "responses", "messages"])

HOURS = Said(tokens=["We", " open", " at", " nine.", " And", " close", " at", " five."])


@every_api
@pytest.mark.parametrize("size", [1, 7, 65536])
def test_an_answer_is_said_sentence_by_sentence_however_the_wire_cuts_it(
    opened: Any, api: str, size: int
) -> None:
    async def main() -> None:
        async with opened(Scripted(said=HOURS, size=size), api=api) as bench:
            reply = await bench.ask("when do you open")
            assert reply.parts == [
                ReplyText(text="We open at nine. "),
                ReplyText(text="And close at five. "),
            ]

    anyio.run(main)


@every_api
def test_the_first_sentence_is_passed_on_before_the_second_is_made(opened: Any, api: str) -> None:
    stall = {"chat": 6, "responses": 8, "messages": 8}[api]

    async def main() -> None:
        async with (
            opened(Scripted(said=HOURS, stall_after=stall), api=api) as bench,
            anyio.create_task_group() as tasks,
        ):
            reply = _Waiting()
            tasks.start_soon(bench.responder.respond, bench.turn(), reply)
            await reply.begun.wait()
            assert reply.parts == [ReplyText(text="We open at nine. ")]
            bench.double.go_on.set()

    anyio.run(main)


@every_api
def test_a_caller_who_speaks_on_closes_the_request_at_once(opened: Any, api: str) -> None:
    stall = {"chat": 6, "responses": 8, "messages": 8}[api]

    async def main() -> None:
        async with opened(
            Scripted(said=HOURS, stall_after=stall), Scripted(said=HOURS), api=api
        ) as bench:
            reply = _Waiting()
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(bench.responder.respond, bench.turn(), reply)
                await reply.begun.wait()
                tasks.cancel_scope.cancel()
            with anyio.fail_after(1):
                await bench.double.hung_up.wait()
            assert (await bench.ask("and now")).text == "We open at nine. And close at five."

    anyio.run(main)


@every_api
def test_a_tool_takes_effect_after_what_was_said(opened: Any, api: str) -> None:
    said = Said(tokens=["Good", "bye."], tools=[("end_call", "{}")])

    async def main() -> None:
        async with opened(Scripted(said=said), api=api) as bench:
            assert (await bench.ask("bye")).parts == [ReplyText(text="Goodbye. "), EndCall()]

    anyio.run(main)


@every_api
def test_a_tool_without_a_word_has_the_model_asked_for_one(opened: Any, api: str) -> None:
    silent, word = Said(tools=[("end_call", "{}")]), Said(tokens=["Goodbye."])

    async def main() -> None:
        async with opened(Scripted(said=silent), Scripted(said=word), api=api) as bench:
            reply = await bench.ask("bye")
            assert sorted(map(type, reply.parts), key=str) == sorted([ReplyText, EndCall], key=str)
            assert reply.text == "Goodbye."
            assert len(bench.double.asked) == 2

    anyio.run(main)


@every_api
@pytest.mark.parametrize(
    ("status", "fault", "told"),
    [
        (401, {"type": "authentication_error", "code": "invalid_api_key"}, "apiKey"),
        (404, {"type": "not_found_error", "code": "model_not_found"}, "check responseModel"),
        (429, {"type": "rate_limit_error", "code": "rate_limit_exceeded"}, "too many requests"),
        (400, {"type": "invalid_request_error"}, "refused the request"),
    ],
)
def test_a_refusal_is_an_error_that_says_what_to_do_and_quotes_nothing(
    opened: Any, api: str, status: int, fault: dict[str, Any], told: str
) -> None:
    quoting = fault | {"message": f"key {KEY}, and you said: my secret wish"}
    refusal = Scripted(status=status, fault=quoting, headers=[("retry-after", "60")])

    async def main() -> str:
        async with opened(refusal, api=api) as bench:
            with pytest.raises(ResponderError) as refused:
                await bench.ask("my secret wish")
            assert refused.value.__suppress_context__ and refused.value.__cause__ is None
            return refused.value.message

    message = anyio.run(main)
    assert told in message and str(status) in message
    assert KEY not in message and "secret" not in message


@every_api
@pytest.mark.parametrize("status", [500, 503, 529])
def test_a_server_in_trouble_is_asked_once_more(opened: Any, api: str, status: int) -> None:
    trouble = Scripted(status=status, fault={"type": "api_error", "message": "oops"})

    async def main() -> None:
        async with opened(trouble, Scripted(said=HOURS), api=api) as bench:
            assert (await bench.ask()).text.startswith("We open")
        async with opened(trouble, trouble, api=api) as bench:
            with pytest.raises(ResponderError, match="try again later"):
                await bench.ask()

    anyio.run(main)


@every_api
def test_a_connection_that_is_cut_in_the_middle_is_an_error_after_what_was_said(
    opened: Any, api: str
) -> None:
    async def main() -> None:
        cut = {"chat": 6, "responses": 8, "messages": 8}[api]
        async with opened(Scripted(said=HOURS, cut_after=cut), api=api) as bench:
            reply = _Waiting()
            with pytest.raises(ResponderError, match="cut the connection"):
                await bench.responder.respond(bench.turn(), reply)
            assert reply.parts == [ReplyText(text="We open at nine. ")]
            assert len(bench.double.asked) == 1

    anyio.run(main)


@every_api
def test_a_server_that_falls_silent_is_an_error_that_names_the_key(opened: Any, api: str) -> None:
    async def main() -> None:
        scripted = Scripted(said=HOURS, stall_after=4)
        async with opened(scripted, api=api, timeoutSeconds=0.2) as bench:
            with pytest.raises(ResponderError, match=r"silent for 0\.2 s.*timeoutSeconds"):
                await bench.ask()
            await bench.double.hung_up.wait()

    anyio.run(main)


@every_api
@pytest.mark.parametrize(
    "odd",
    [
        Scripted(raw=b"data: {not json\n\n"),
        Scripted(raw=b"data: []\n\n"),
        Scripted(raw=b"<html>hello</html>", kind="text/html"),
        Scripted(raw=b""),
        Scripted(said=Said(tokens=["<think>", "hm", "</think>"])),
        Scripted(said=Said()),
    ],
)
def test_what_is_no_answer_is_an_error_and_never_silence(
    opened: Any, api: str, odd: Scripted
) -> None:
    async def main() -> None:
        async with opened(odd, odd, api=api) as bench:
            with pytest.raises(ResponderError, match="check|try"):
                await bench.ask()

    anyio.run(main)


@every_api
def test_an_answer_that_the_limit_cut_off_is_said_as_far_as_it_goes(opened: Any, api: str) -> None:
    cut = Said(tokens=["One sentence. And ha"], reason="length")
    nothing = Said(reason="length")

    async def main() -> None:
        async with opened(Scripted(said=cut), Scripted(said=nothing), api=api) as bench:
            assert (await bench.ask()).text == "One sentence. And ha"
            with pytest.raises(ResponderError, match="maxTokens"):
                await bench.ask()

    anyio.run(main)


@every_api
def test_an_endless_answer_is_cut_short(opened: Any, api: str) -> None:
    endless = Said(tokens=["All work and no play makes Jack a dull boy. "] * 2000)

    async def main() -> None:
        async with opened(Scripted(said=endless, size=65536), api=api) as bench:
            assert 4000 <= len((await bench.ask()).text) < 4100

    anyio.run(main)


def test_a_server_that_is_away_is_an_error_that_names_the_key(opened: Any) -> None:
    async def main() -> None:
        async with opened(baseUrl="http://127.0.0.1:1/v1") as bench:
            with pytest.raises(ResponderError, match=r"responders\.model\.baseUrl"):
                await bench.ask()

    anyio.run(main)


@every_api
def test_neither_key_nor_words_reach_the_log_at_any_level(
    opened: Any, api: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        trouble = Scripted(status=500, fault={"message": KEY})
        async with opened(trouble, Scripted(said=HOURS), api=api) as bench:
            await bench.ask("my secret wish")

    with caplog.at_level(logging.DEBUG):
        anyio.run(main)
    for secret in (KEY, "secret wish", "at nine", "+15550002222"):
        assert secret not in caplog.text


@every_api
def test_turns_share_a_connection(opened: Any, api: str) -> None:
    async def main() -> None:
        async with opened(*[Scripted(said=HOURS)] * 3, api=api) as bench:
            for _ in range(3):
                await bench.ask()
            assert bench.double.connections == 1

    anyio.run(main)


class _Waiting:
    """Keeps the parts and says when the first one came."""

    def __init__(self) -> None:
        self.parts: list[Any] = []
        self.begun = anyio.Event()

    async def write(self, part: Any) -> None:
        self.parts.append(part)
        self.begun.set()
