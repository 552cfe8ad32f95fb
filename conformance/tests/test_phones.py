"""Does the phone kit deliver as a carrier does: in order, tried again, badly where asked to?"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import anyio
import httpx
import pytest

from voicecall_conformance.phones import (
    Delivery,
    Disorder,
    Letter,
    Posted,
    Poster,
    Reach,
    Retries,
)
from voicecall_conformance.vendor import RestAnswer, RestRequest, serving

pytestmark = pytest.mark.anyio

URL = "https://voice.example.com/line/webhook"
TWICE_MORE = Retries(pauses=(0.0, 0.0))
ORDER = Disorder()


@dataclass
class Desk:
    """A gateway that answers with what `answers` holds, then with 200."""

    answers: list[RestAnswer | None] = field(default_factory=list)
    came: list[RestRequest] = field(default_factory=list)

    def answer(self, request: RestRequest) -> RestAnswer | None:
        self.came.append(request)
        return self.answers.pop(0) if self.answers else RestAnswer(body=b"taken")


@asynccontextmanager
async def posting(
    answer: Callable[[RestRequest], RestAnswer | None], disorder: Disorder = ORDER
) -> AsyncIterator[tuple[Poster, list[Delivery]]]:
    """A poster; when the block ends, everything is delivered or given up."""
    deliveries: list[Delivery] = []
    reach = Reach()
    async with serving(answer) as base, httpx.AsyncClient(trust_env=False) as client:
        reach.lead_to("127.0.0.1", urlsplit(base).port or 0)
        poster = Poster(
            client=client,
            reach=reach,
            deliveries=deliveries,
            disorder=disorder,
            seed="a call",
            logger=logging.getLogger("test"),
        )
        with anyio.fail_after(10):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(poster.run)
                yield poster, deliveries
                poster.close()


def letter(text: str, retries: Retries = TWICE_MORE) -> Letter:
    def write(attempt: int) -> Posted:
        return Posted(headers={"x-attempt": str(attempt)}, body=text.encode())

    return Letter(url=f"{URL}?of={text}#rc=2", write=write, retries=retries)


def notify(poster: Poster, *texts: str) -> None:
    for text in texts:
        poster.notify(letter(text))


async def test_notifications_come_in_order_at_the_public_host_without_the_fragment() -> None:
    desk = Desk()
    async with posting(desk.answer) as (poster, _):
        notify(poster, "a", "b", "c")
    assert [each.body for each in desk.came] == [b"a", b"b", b"c"]
    assert {each.headers["host"] for each in desk.came} == {"voice.example.com"}
    assert (desk.came[0].path, desk.came[0].query) == ("/line/webhook", "of=a")


async def test_a_failure_is_tried_again_as_a_new_attempt_before_the_next_one_comes() -> None:
    desk = Desk(answers=[RestAnswer(status=503), None])
    async with posting(desk.answer) as (poster, deliveries):
        notify(poster, "a", "b")
    assert [each.headers["x-attempt"] for each in desk.came] == ["1", "2", "3", "1"]
    assert [each.status for each in deliveries] == [503, None, 200, 200]


async def test_what_is_not_tried_again_is_an_answer() -> None:
    desk = Desk(answers=[RestAnswer(status=404)])
    async with posting(desk.answer) as (poster, _):
        reply = await poster.fetch(letter("a"))
    assert reply is not None and reply.status == 404
    assert len(desk.came) == 1


async def test_where_nobody_answers_there_is_no_reply() -> None:
    async with posting(Desk(answers=[None, None, None]).answer) as (poster, deliveries):
        assert await poster.fetch(letter("a")) is None
    assert [each.attempt for each in deliveries] == [1, 2, 3]


async def test_a_webhook_that_is_turned_away_reaches_nobody_at_first() -> None:
    desk = Desk()
    async with posting(desk.answer, Disorder(turned_away=1.0)) as (poster, deliveries):
        reply = await poster.fetch(letter("a"))
    assert reply is not None and reply.body == b"taken"
    assert [each.headers["x-attempt"] for each in desk.came] == ["2"]
    assert [each.status for each in deliveries] == [503, 200]


async def test_a_webhook_whose_answer_is_forgotten_comes_again() -> None:
    desk = Desk()
    async with posting(desk.answer, Disorder(forgotten=1.0)) as (poster, deliveries):
        await poster.fetch(letter("a"))
        await poster.fetch(letter("b", Retries()))
    assert [each.headers["x-attempt"] for each in desk.came] == ["1", "2", "1"]
    assert [each.status for each in deliveries] == [503, 200, 200]


async def test_disorder_repeats_and_reorders_the_same_way_for_the_same_seed() -> None:
    disorder = Disorder(duplicate=0.5, reorder=0.5, delay=0.05, seed=3)
    orders = []
    for _ in range(2):
        desk = Desk()
        async with posting(desk.answer, disorder) as (poster, _):
            notify(poster, *"abcdef")
        orders.append(sorted(each.body for each in desk.came))
        assert {each.body for each in desk.came} == {b"a", b"b", b"c", b"d", b"e", b"f"}
        assert len(desk.came) > 6
    assert orders[0] == orders[1]


async def test_nobody_knows_the_way_before_the_gateway_is_connected() -> None:
    with pytest.raises(LookupError, match="connect"):
        Reach().request_to(URL)


async def test_a_socket_keeps_its_public_host_and_loses_only_tls() -> None:
    assert Reach().socket_to("wss://voice.example.com:8443/media/t?x=1") == (
        "ws://voice.example.com:8443/media/t?x=1"
    )
