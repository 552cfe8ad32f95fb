"""One connection in virtual time: timeouts, ticks, many requests at once, and what ends it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

STAYS, SLOW_CARRIER = "+15551230003", "+15551230010"


def run(connection: Any, story: Callable[[Any], Awaitable[None]]) -> None:
    """Run `story` with a connection, in virtual time."""

    async def main() -> None:
        with anyio.fail_after(3600):
            async with connection() as one:
                await story(one)

    clock = trio.testing.MockClock(autojump_threshold=0)
    anyio.run(main, backend="trio", backend_options={"clock": clock})


def test_the_challenge_comes_before_anything_is_sent(connection: Any) -> None:
    async def story(one: Any) -> None:
        frame = await one.read()
        assert (frame["type"], frame["event"], "seq" in frame) == (
            "event",
            "connect.challenge",
            False,
        )
        assert len(frame["payload"]["nonce"]) >= 32
        assert frame["payload"]["ts"] == 1_800_000_000_000

    run(connection, story)


def test_who_never_connects_is_closed_after_ten_seconds(connection: Any) -> None:
    async def story(one: Any) -> None:
        begun = anyio.current_time()
        await one.ended.wait()
        assert one.ending == (1008, "handshake timeout")
        assert anyio.current_time() - begun == pytest.approx(10)

    run(connection, story)


def test_a_tick_comes_every_fifteen_seconds(connection: Any) -> None:
    async def story(one: Any) -> None:
        await one.let_in()
        begun = anyio.current_time()
        for seq in (1, 2, 3):
            frame = await one.read()
            assert (frame["event"], frame["seq"]) == ("tick", seq)
            assert frame["payload"] == {"ts": 1_800_000_000_000}
            assert anyio.current_time() - begun == pytest.approx(15 * seq)

    run(connection, story)


@pytest.mark.parametrize(
    ("first", "code", "answered"),
    [
        ("{}", 1008, False),
        ("not json", 1008, False),
        ("[" * 50_000, 1008, False),
        ('{"type":"req","id":"1","method":"health"}', 1008, True),
        ('{"type":"req","id":"1","method":"connect"}', 1008, True),
        ('{"type":"req","id":"","method":"connect"}', 1008, False),
        (b"\x00\x01", 1003, False),
        ("x" * 65_537, 1009, False),
    ],
)
def test_who_does_not_begin_with_connect_is_closed(
    connection: Any, first: str | bytes, code: int, answered: bool
) -> None:
    async def story(one: Any) -> None:
        await one.read()
        one.send(first)
        await one.ended.wait()
        assert one.ending[0] == code
        assert len(one.ending[1].encode()) <= 123
        assert one.wire.frames.statistics().current_buffer_used == int(answered)
        if answered:
            frame = await one.read()
            assert (frame["id"], frame["ok"]) == ("1", False)
            assert frame["error"]["code"] == "INVALID_REQUEST"

    run(connection, story)


def test_a_request_that_waits_does_not_hold_up_others(connection: Any, frames: Any) -> None:
    async def story(one: Any) -> None:
        await one.let_in()
        placed = {"to": STAYS, "message": "hi"}
        one.send(frames.request("voicecall.initiate", placed, "a"))
        call_id = (await one.answer("a"))["payload"]["callId"]
        wish = {"callId": call_id, "message": "think about it"}
        one.send(frames.request("voicecall.continue", wish, "slow"))
        one.send(frames.request("health", None, "quick"))
        assert (await one.answer("quick"))["payload"]["liveCalls"] == 1
        one.service.person_answers.set()
        assert (await one.answer("slow"))["payload"]["transcript"] == "yes please"

    run(connection, story)


def test_too_many_requests_at_once_are_refused_and_may_be_tried_again(
    connection: Any, frames: Any
) -> None:
    async def story(one: Any) -> None:
        await one.let_in()
        for number in range(33):
            wish = {"to": SLOW_CARRIER, "message": "hi"}
            one.send(frames.request("voicecall.initiate", wish, f"w{number}"))
        error = (await one.answer("w32"))["error"]
        assert (error["code"], error["retryable"]) == ("UNAVAILABLE", True)
        assert error["retryAfterMs"] > 0
        one.service.carrier_answers.set()
        for number in range(32):
            assert await one.answer(f"w{number}") if number == 0 else True
        one.send(frames.request("health", None, "after"))
        assert (await one.answer("after"))["ok"]

    run(connection, story)


def test_a_client_that_leaves_does_not_stop_what_it_began(connection: Any, frames: Any) -> None:
    async def story(one: Any) -> None:
        await one.let_in()
        wish = {"to": SLOW_CARRIER, "message": "hi"}
        one.send(frames.request("voicecall.initiate", wish, "a"))
        await one.service.dialling.wait()
        one.wire.client_sends.close()
        await one.ended.wait()
        assert one.ending == (1000, "")
        one.service.carrier_answers.set()
        await one.service.dialled.wait()
        assert len(one.service.calls) == 1
        assert one.service.watchers == 0

    run(connection, story)


def test_an_answer_that_fits_no_frame_is_an_error(connection: Any, frames: Any) -> None:
    async def story(one: Any) -> None:
        await one.let_in()
        for number in range(3):
            wish = {"to": STAYS, "message": "x"}
            one.send(frames.request("voicecall.initiate", wish, f"a{number}"))
            await one.answer(f"a{number}")
            call = list(one.service.calls)[-1]
            await one.service.speak(call, "y" * 45_000)
            await one.service.speak(call, "z" * 45_000)
        one.send(frames.request("voicecall.status", None, "all"))
        error = (await one.answer("all"))["error"]
        assert error["code"] == "UNAVAILABLE"
        assert "too large" in error["message"]

    run(connection, story)


def test_a_gateway_that_goes_says_so(connection: Any) -> None:
    async def story(one: Any) -> None:
        await one.let_in()
        assert await one.session.say_goodbye() == (1012, "service restart")
        frame = await one.read()
        assert (frame["event"], frame["payload"]) == ("shutdown", {"reason": "service restart"})

    run(connection, story)


def test_who_missed_events_is_closed_and_knows(connection: Any, frames: Any) -> None:
    async def story(one: Any) -> None:
        await one.let_in()
        placed = {"to": STAYS, "message": "hi"}
        one.send(frames.request("voicecall.initiate", placed, "a"))
        call_id = (await one.answer("a"))["payload"]["callId"]
        for _ in range(300):
            one.service.bus.publish(one.service.calls[call_id][0])
        await one.ended.wait()
        assert one.wire.closed[0] == 1013

    run(connection, story)


def test_no_secret_and_no_number_reaches_the_log(
    connection: Any, frames: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    canary = "canary-that-must-not-sing"

    async def refused(one: Any) -> None:
        await one.read()
        one.send(frames.request("connect", frames.connect_params(4, token=canary)))
        await one.ended.wait()
        assert canary not in str((one.ending, one.seen, await one.read()))

    async def called(one: Any) -> None:
        await one.let_in()
        for number, params in enumerate(({"to": STAYS, "message": canary}, {"nope": canary})):
            one.send(frames.request("voicecall.initiate", params, f"{number}"))
            await one.answer(f"{number}")

    run(connection, refused)
    run(connection, called)
    written = str([record.__dict__ for record in caplog.records])
    assert "AUTH_TOKEN_MISMATCH" in written
    assert canary not in written
    assert STAYS not in written


GARBAGE = st.one_of(
    st.text(max_size=60),
    st.binary(max_size=20),
    st.sampled_from(["", "null", "[]", "{", '{"type":"req"}', "[" * 5_000, "1" * 5_000, "NaN"]),
    st.builds(
        '{{"type":{},"id":{},"method":{},"params":{}}}'.format,
        st.sampled_from(['"req"', '"res"', '"event"', '"cancel"', "1", "null"]),
        st.sampled_from(['"1"', '""', "7", "null", '"\\ud800"', '"é\\u0000"', "[]"]),
        st.sampled_from(['"health"', '"voicecall.status"', '"connect"', '"nothing"', '""', "3"]),
        st.sampled_from(["{}", "null", "[]", '"x"', '{"callId":1}', '{"unknown":true}', "1e999"]),
    ),
)


@given(garbage=st.lists(GARBAGE, max_size=12), connected=st.booleans())
def test_whatever_is_sent_gets_clean_errors_and_an_orderly_end(
    connection: Any, frames: Any, garbage: list[str | bytes], connected: bool
) -> None:
    async def story(one: Any) -> None:
        if connected:
            await one.let_in()
        else:
            await one.read()
        for frame in garbage:
            one.send(frame)
        one.send(frames.request("health", None, "last"))
        with anyio.move_on_after(5):
            await one.ended.wait()
        while one.wire.frames.statistics().current_buffer_used:
            await one.read()
        for frame in one.seen:
            frames.taken(frame)
        if one.ending is None:
            assert any(frame.get("id") == "last" and frame["ok"] for frame in one.seen)
        else:
            assert one.ending[0] in (1003, 1008, 1009)

    run(connection, story)
