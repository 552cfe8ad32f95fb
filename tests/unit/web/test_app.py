"""The public listener over real sockets: what it takes, and what it refuses before reading."""

from __future__ import annotations

import http.client

import anyio
import httpx
import pytest

HEAD = b"POST /voice/webhook HTTP/1.1\r\nHost: x\r\n"
SIGNED_HEAD = HEAD + b"X-Test-Signature: wrong\r\n"


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def test_a_signed_webhook_is_answered_whatever_stands_in_its_url(edge, make_body):
    async def main() -> None:
        async with edge() as one, httpx.AsyncClient() as client:
            tail, body = "/status/a%2fb?p=a%2fb&q=b+c&e=", make_body()
            reply = await client.post(
                one.webhook_url + tail, content=body, headers=one.signed(body, tail=tail)
            )
            assert reply.status_code == 200
            assert reply.headers["content-type"] == "application/json"
            assert "server" not in reply.headers
            assert len(one.desk.ledger) == 1

    anyio.run(main)


@pytest.mark.parametrize("tail", ["", "/", "/status", "/a//b", "?a=1"])
def test_get_and_post_come_through_on_the_path_and_under_it(edge, tail):
    async def main() -> None:
        async with edge() as one, httpx.AsyncClient() as client:
            for method in ("GET", "POST"):
                reply = await client.request(
                    method, one.webhook_url + tail, headers=one.signed(b"", tail=tail)
                )
                assert reply.status_code == 400, "signed, but no event in it"

    anyio.run(main)


@pytest.mark.parametrize(
    "path", ["/", "/voice", "/voice/webhook2", "/voice//webhook", "/static/x", "/healthz"]
)
def test_nothing_else_is_served(edge, path):
    async def main() -> None:
        async with edge() as one, httpx.AsyncClient() as client:
            reply = await client.get(one.listening.url + path, headers=one.signed(b""))
            assert reply.status_code == 404

    anyio.run(main)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS"])
def test_other_methods_are_not_allowed(edge, method):
    async def main() -> None:
        async with edge() as one, httpx.AsyncClient() as client:
            reply = await client.request(method, one.webhook_url, headers=one.signed(b""))
            assert reply.status_code == 405

    anyio.run(main)


def test_without_a_signature_header_the_body_is_not_waited_for(edge):
    async def main() -> None:
        async with edge() as one, await one.connect() as stream:
            await stream.send(HEAD + b"Content-Length: 1000\r\n\r\n")
            assert status_of(await stream.receive()) == 401

    anyio.run(main)


def test_a_wrong_signature_is_401_and_changes_nothing(edge, make_body):
    async def main() -> None:
        async with edge() as one, httpx.AsyncClient() as client:
            headers = one.signed(make_body()) | {"x-test-signature": "0" * 64}
            reply = await client.post(one.webhook_url, content=make_body(), headers=headers)
            assert reply.status_code == 401
            assert one.desk.ledger == []

    anyio.run(main)


def test_acceptance_19_a_body_announced_too_large_is_413_at_once(edge):
    async def main() -> None:
        async with edge() as one, await one.connect() as stream:
            await stream.send(SIGNED_HEAD + b"Content-Length: 65537\r\n\r\n")
            assert status_of(await stream.receive()) == 413

    anyio.run(main)


def test_a_chunked_body_that_grows_too_large_is_413(edge):
    async def main() -> None:
        async with edge() as one, await one.connect() as stream:
            await stream.send(SIGNED_HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
            for _ in range(5):
                await stream.send(b"4000\r\n" + bytes(0x4000) + b"\r\n")
            assert status_of(await stream.receive()) == 413

    anyio.run(main)


def test_acceptance_19_a_client_that_sends_50_mb_reads_its_413(edge):
    async def main() -> None:
        async with edge() as one, httpx.AsyncClient(timeout=20) as client:
            headers = {"x-test-signature": "wrong"}
            reply = await client.post(one.webhook_url, content=bytes(50_000_000), headers=headers)
            assert reply.status_code == 413

    anyio.run(main)


def test_acceptance_19_a_slow_body_is_408(edge):
    async def main() -> None:
        async with edge(limits={"bodyTimeoutMs": 100}) as one:
            answer = await one.answer(SIGNED_HEAD + b"Content-Length: 10\r\n\r\nabc")
            assert status_of(answer) == 408

    anyio.run(main)


def test_too_many_unverified_requests_from_one_address_are_429(edge, make_body):
    async def main() -> None:
        limits = {"unverifiedRequestsTrusted": 2}
        async with edge(limits=limits) as one, httpx.AsyncClient() as client:
            body = make_body()
            slow = [await one.connect() for _ in range(2)]
            for stream in slow:
                await stream.send(
                    SIGNED_HEAD + b"Expect: 100-continue\r\nContent-Length: 9\r\n\r\n"
                )
                assert status_of(await stream.receive()) == 100
            forged = one.signed(b"another body")
            refused = await client.post(one.webhook_url, content=body, headers=forged)
            assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
            genuine = await client.post(one.webhook_url, content=body, headers=one.signed(body))
            assert genuine.status_code == 200
            for stream in slow:
                await stream.send(b"123456789")
                assert status_of(await stream.receive()) == 401
                await stream.aclose()
            taken = await client.post(one.webhook_url, content=body, headers=one.signed(body))
            assert taken.status_code == 200

    anyio.run(main)


@pytest.mark.parametrize("size", [15 * 1024, 100 * 1024])
def test_acceptance_19_a_flood_of_headers_is_431(edge, size):
    async def main() -> None:
        async with edge(limits={"headerBytes": 8 * 1024}) as one, await one.connect() as stream:
            await stream.send(SIGNED_HEAD + b"X-Flood: " + b"x" * size + b"\r\n\r\n")
            assert status_of(await stream.receive()) == 431

    anyio.run(main)


def test_acceptance_19_who_sends_megabytes_of_headers_can_still_read_the_431(edge):
    def flood(port: int) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        try:
            connection.request("POST", "/voice/webhook", headers={"X-Flood": "x" * 4_000_000})
            return connection.getresponse().status
        finally:
            connection.close()

    async def main() -> None:
        async with edge(limits={"headerBytes": 8 * 1024}) as one:
            port = httpx.URL(one.webhook_url).port
            for _ in range(3):
                assert await anyio.to_thread.run_sync(flood, port) == 431

    anyio.run(main)


def test_acceptance_13_five_deliveries_in_parallel_have_one_effect_and_five_equal_answers(
    edge, make_body
):
    async def main() -> None:
        async with edge() as one, httpx.AsyncClient() as client:
            one.desk.open = anyio.Event()
            body, replies = make_body(), []

            async def deliver() -> None:
                headers = one.signed(body)
                replies.append(await client.post(one.webhook_url, content=body, headers=headers))

            async with anyio.create_task_group() as tasks:
                for _ in range(5):
                    tasks.start_soon(deliver)
                await one.desk.entered.wait()
                one.desk.open.set()
            assert [reply.status_code for reply in replies] == [200] * 5
            assert len({reply.content for reply in replies}) == 1
            assert len(one.desk.ledger) == 1

    anyio.run(main)


def test_a_carrier_that_hangs_up_does_not_undo_what_it_started(edge, make_body):
    async def main() -> None:
        async with edge() as one, httpx.AsyncClient() as client:
            one.desk.open = anyio.Event()
            body = make_body()
            headers = "".join(f"{name}: {value}\r\n" for name, value in one.signed(body).items())
            async with await one.connect() as stream:
                length = f"Content-Length: {len(body)}\r\n\r\n"
                await stream.send(HEAD + (headers + length).encode() + body)
                await one.desk.entered.wait()
            one.desk.open.set()
            repeat = await client.post(one.webhook_url, content=body, headers=one.signed(body))
            assert repeat.status_code == 200
            assert len(one.desk.ledger) == 1
            assert one.gate.counters.repeated == 1

    anyio.run(main)


def test_a_get_webhook_comes_through_raw_and_takes_effect(edge):
    async def main() -> None:
        async with edge() as one:
            event = "%7B%22key%22:%22g1%22,%22wants%22:true%7D"
            tail = f"/hang%2Fup//x?event={event}&e=&q=b+c&z=%zz&%C5%BC"
            signed = "".join(f"{k}: {v}\r\n" for k, v in one.signed(b"", tail=tail).items())
            head = f"GET /voice/webhook{tail} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            answer = await one.answer(f"{head}{signed}\r\n".encode())
            assert status_of(answer) == 200
            (event,) = one.desk.ledger
            assert event.key == "g1"

    anyio.run(main)
