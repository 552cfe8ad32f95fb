"""The gate: what is signed takes effect once, everything else is refused and leaves no trace."""

from __future__ import annotations

import json
import logging
from dataclasses import replace

import anyio
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from trio.testing import MockClock

from voicecall.errors import StoreError, WebhookStale
from voicecall.model.ids import CallId
from voicecall.model.webhook import HttpReply, WebhookRequest
from voicecall.sdk.clock import SystemClock
from voicecall.webhooks.gate import Gate
from voicecall.webhooks.vouching import Vouching

URL = "https://calls.example/voice/webhook?call=secret-in-the-query"


def test_a_signed_webhook_takes_effect_and_is_answered(carrier, make_desk, make_body):
    async def main() -> None:
        desk = make_desk()
        gate = Gate(carrier, desk, SystemClock())
        reply = await gate.handle(carrier.request(URL, make_body("e7")))
        assert reply.status == 200
        assert len(json.loads(reply.body)) == 1
        assert [event.key for event in desk.ledger] == ["e7"]
        assert gate.counters.accepted == 1

    anyio.run(main)


def test_who_wants_no_instructions_gets_none(carrier, make_desk, make_body):
    async def main() -> None:
        gate = Gate(carrier, make_desk(), SystemClock())
        reply = await gate.handle(carrier.request(URL, make_body(wants=False)))
        assert json.loads(reply.body) == []

    anyio.run(main)


def test_five_deliveries_in_parallel_have_one_effect_and_one_answer(carrier, make_desk, make_body):
    async def main() -> None:
        desk, replies = make_desk(), []
        desk.open = anyio.Event()
        told = []
        gate = Gate(carrier, desk, SystemClock(), told=told.append)

        async def deliver() -> None:
            replies.append(await gate.handle(carrier.request(URL, make_body())))

        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(deliver)
            await anyio.wait_all_tasks_blocked()
            desk.open.set()
        assert len(replies) == 5
        assert len(set(replies)) == 1
        assert len(desk.ledger) == len(told) == 1
        assert told[0].carrier_call_id == desk.ledger[0].carrier_call_id
        assert told[0].kinds == (type(desk.ledger[0]).__name__,)
        assert gate.counters.repeated == 4

    anyio.run(main)


def test_the_same_question_signed_as_a_new_delivery_gets_the_same_answer(
    carrier, make_desk, make_body
):
    async def main() -> None:
        desk = make_desk()
        gate = Gate(carrier, desk, SystemClock())
        names = ("first try", "second try")
        one, other = [
            await gate.handle(carrier.request(URL, make_body(), delivery=name)) for name in names
        ]
        assert one == other
        assert len(json.loads(one.body)) == 1
        assert len(desk.ledger) == 1

    anyio.run(main)


@pytest.mark.parametrize(
    "failure, status", [(StoreError("disk full"), 503), (RuntimeError("a defect"), 500)]
)
def test_after_a_failure_the_carriers_retry_works(carrier, make_desk, make_body, failure, status):
    async def main() -> None:
        desk = make_desk()
        desk.failures.append(failure)
        gate = Gate(carrier, desk, SystemClock())
        request = carrier.request(URL, make_body())
        assert (await gate.handle(request)).status == status
        assert (await gate.handle(request)).status == 200
        assert len(desk.ledger) == 1

    anyio.run(main)


def test_a_signed_webhook_that_says_nothing_is_400(carrier, make_desk):
    async def main() -> None:
        gate = Gate(carrier, make_desk(), SystemClock())
        assert (await gate.handle(carrier.request(URL, b"{}"))).status == 400
        assert gate.counters.malformed == 1

    anyio.run(main)


def test_a_delivery_name_used_again_with_another_body_is_401(carrier, make_desk, make_body):
    async def main() -> None:
        desk = make_desk()
        gate = Gate(carrier, desk, SystemClock())
        await gate.handle(carrier.request(URL, make_body("e1")))
        assert (await gate.handle(carrier.request(URL, make_body("e2")))).status == 401
        assert len(desk.ledger) == 1

    anyio.run(main)


def test_a_refusal_logs_neither_query_nor_signature_nor_body(carrier, make_desk, make_body, caplog):
    caplog.set_level(logging.DEBUG)

    async def main() -> None:
        gate = Gate(carrier, make_desk(), SystemClock())
        forged = carrier.request(URL, make_body())
        forged = replace(forged, body=b"+15550001234")
        assert (await gate.handle(forged)).status == 401

    anyio.run(main)
    text = " ".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records)
    assert "webhook refused" in text
    for canary in ("secret-in-the-query", "15550001234", carrier.sign(URL, make_body())):
        assert canary not in text


def test_a_flood_of_forgeries_is_one_line_a_minute_with_their_count(
    carrier, make_desk, make_body, caplog
):
    async def main() -> None:
        gate = Gate(carrier, make_desk(), SystemClock())
        forged = replace(carrier.request(URL, make_body()), body=b"forged")
        for _ in range(50):
            await gate.handle(forged)
        await gate.handle(carrier.request(URL, b"{}"))
        await anyio.sleep(61)
        await gate.handle(forged)
        assert (gate.counters.refused, gate.counters.malformed) == (51, 1)

    clock = MockClock(autojump_threshold=0)
    anyio.run(main, backend="trio", backend_options={"clock": clock})
    told = [record.getMessage() for record in caplog.records]
    assert ["SignatureInvalid" in text for text in told] == [True, False, True]
    assert "49 more" in told[2] and "more" not in told[0]


def test_a_stale_webhook_is_401_and_counted(carrier, make_desk, make_body, monkeypatch):
    def stale(request):
        raise WebhookStale("too old")

    async def main() -> None:
        monkeypatch.setattr(carrier, "verify", stale)
        gate = Gate(carrier, make_desk(), SystemClock())
        assert (await gate.handle(carrier.request(URL, make_body()))).status == 401
        assert gate.counters.stale == 1

    anyio.run(main)


def test_skipping_verification_accepts_with_a_warning_and_still_once(
    carrier, make_desk, make_body, caplog
):
    async def main() -> None:
        desk = make_desk()
        gate = Gate(carrier, desk, SystemClock(), skip_verification=True)
        unsigned = carrier.request(URL, make_body())
        unsigned = replace(unsigned, headers=())
        assert await gate.handle(unsigned) == await gate.handle(unsigned)
        assert len(desk.ledger) == 1
        assert gate.counters.unsigned == 2

    anyio.run(main)
    assert "skipSignatureVerification" in caplog.text


def claim(request: WebhookRequest) -> tuple[CallId, str] | None:
    """As a carrier whose URLs hold the call and the secret of that call."""
    call_id, secret = request.query("call"), request.query("secret")
    return (CallId(call_id), secret) if call_id and secret else None


@pytest.mark.parametrize(
    ("query", "peer", "status"),
    [
        ("call=c1&secret=hush", "127.0.0.1", 200),
        ("call=c1&secret=hush", "::1", 200),
        ("call=c1&secret=hush", "192.0.2.7", 401),
        ("call=c1&secret=hus", "127.0.0.1", 401),
        ("call=c1&secret=", "127.0.0.1", 401),
        ("call=c2&secret=hush", "127.0.0.1", 401),
        ("call=c1", "127.0.0.1", 401),
        ("", "127.0.0.1", 401),
    ],
)
def test_a_wrong_signature_passes_from_loopback_only_with_the_secret_of_a_live_call(
    carrier, make_desk, make_body, caplog, query: str, peer: str, status: int
):
    async def main() -> None:
        desk, claiming = (
            make_desk(),
            type("Claiming", (type(carrier),), {"claim": staticmethod(claim)}),
        )
        secrets = {"c1": "hush"}
        vouching = Vouching(provider=claiming(), secret_of=secrets.get)
        gate = Gate(carrier, desk, SystemClock(), vouched=vouching)
        forged = carrier.request(f"https://wrong.example/?{query}", make_body())
        forged = replace(forged, url=f"https://calls.example/?{query}", peer=peer)
        assert (await gate.handle(forged)).status == status
        assert len(desk.ledger) == (status == 200)
        strict = Gate(carrier, desk, SystemClock())
        assert (await strict.handle(forged)).status == 401

    anyio.run(main)
    assert ("although its signature is wrong" in caplog.text) == (status == 200)


SIGNED_URL = "https://calls.example:8443/voice/webhook/status?call=abc&turn=1"
SIGNED_BODY = b'{"key": "e1", "wants": true}'


@st.composite
def one_change(draw) -> tuple[str, bytes]:
    """URL and body with one character replaced, dropped or put in somewhere."""
    whole = SIGNED_URL.encode() + b"\n" + SIGNED_BODY
    at = draw(st.integers(0, len(whole) - 1))
    piece = draw(st.binary(max_size=1))
    kept = draw(st.integers(0, 1))
    changed = whole[:at] + piece + whole[at + kept :]
    assume(changed != whole)
    url, _, body = changed.partition(b"\n")
    return url.decode("latin-1"), body


@given(change=one_change())
def test_any_change_of_url_or_body_is_refused_and_changes_nothing(carrier, make_desk, change):
    url, body = change

    async def main() -> None:
        desk = make_desk()
        gate = Gate(carrier, desk, SystemClock())
        signed = carrier.request(SIGNED_URL, SIGNED_BODY)
        assert (await gate.handle(replace(signed, url=url, body=body))).status == 401
        assert desk.ledger == []

    anyio.run(main)


@pytest.mark.parametrize(
    ("failure", "status"), [(StoreError("disk full"), 503), (KeyError("bug"), 500)]
)
def test_an_apology_of_the_provider_is_sent_for_a_failure_and_not_remembered(
    carrier, make_desk, make_body, monkeypatch, failure, status
):
    sorry = HttpReply(body=b"<Say>Sorry</Say>")
    apologies = iter([sorry, None])
    monkeypatch.setattr(carrier, "apology", lambda webhook: next(apologies))

    async def main() -> None:
        desk = make_desk()
        desk.failures = [failure, failure]
        gate = Gate(carrier, desk, SystemClock())
        request = carrier.request(URL, make_body())
        assert await gate.handle(request) == sorry
        assert (await gate.handle(request)).status == status, "no apology this time"
        assert (await gate.handle(request)).status == 200
        assert len(desk.ledger) == 1

    anyio.run(main)


def test_nobody_apologises_to_a_stranger(carrier, make_desk, make_body, monkeypatch):
    monkeypatch.setattr(carrier, "apology", lambda webhook: HttpReply(body=b"Sorry"))

    async def main() -> None:
        gate = Gate(carrier, make_desk(), SystemClock())
        unsigned = replace(carrier.request(URL, make_body()), headers=())
        assert (await gate.handle(unsigned)).status == 401

    anyio.run(main)


def test_an_apology_that_fails_is_none(carrier, make_desk, make_body, monkeypatch):
    def broken(webhook):
        raise KeyError("bug")

    monkeypatch.setattr(carrier, "apology", broken)

    async def main() -> None:
        desk = make_desk()
        desk.failures = [StoreError("disk full")]
        gate = Gate(carrier, desk, SystemClock())
        assert (await gate.handle(carrier.request(URL, make_body()))).status == 503

    anyio.run(main)
