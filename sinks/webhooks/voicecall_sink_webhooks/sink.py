"""How does an event reach its receiver? Written to the outbox, posted from there until it did."""

from __future__ import annotations

import json
import sqlite3
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import anyio

from voicecall.sdk import (
    CallEvent,
    CallFinished,
    CarrierUnreachable,
    ConfigError,
    EventSink,
    HttpResponse,
    PublicUrlChanged,
    SinkContext,
)
from voicecall_sink_webhooks.outbox import Delivery, Outbox
from voicecall_sink_webhooks.schedule import given_up, next_attempt
from voicecall_sink_webhooks.signing import key_of, signed_headers

if TYPE_CHECKING:
    from voicecall_sink_webhooks.plugin import WebhooksConfig

GONE = 410
PUBLIC_URL = "public-url"
TROUBLED_SECONDS = 30.0
"""Real seconds until an outbox that failed (a full disk) is tried again."""

FAREWELL_SECONDS = 3.0
"""How long deliveries that are due may still go out while the gateway closes."""


@asynccontextmanager
async def opened(config: WebhooksConfig, context: SinkContext) -> AsyncIterator[WebhookSink]:
    """The sink while its outbox is open and its task runs."""
    path = context.state_dir / "sink-webhooks.db"
    try:
        outbox = Outbox(path, config.url)
    except (OSError, sqlite3.Error) as error:
        raise ConfigError(f"sinks: the outbox {path} cannot be opened: {error}") from error
    sink = WebhookSink(config, context, outbox)
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(sink.run)
            try:
                yield sink
            finally:
                sink.close()
                tasks.cancel_scope.shield = True
                tasks.cancel_scope.deadline = anyio.current_time() + FAREWELL_SECONDS
    finally:
        outbox.close()


class WebhookSink(EventSink):
    """Posts events to one receiver."""

    def __init__(self, config: WebhooksConfig, context: SinkContext, outbox: Outbox) -> None:
        self._config = config
        self._outbox = outbox
        self._clock = context.clock
        self._showing = context.showing
        self._logger = context.logger
        self._http = context.http if config.allow_private_network else context.public_http
        secrets = [config.secret, *([config.old_secret] if config.old_secret else [])]
        self._keys = [key_of(secret.get_secret_value()) for secret in secrets]
        self._host = urlsplit(config.url).hostname
        self._news = anyio.Event()
        self._changes: deque[Delivery] = deque()
        self._is_gone = self._closing = False

    async def write(self, event: CallEvent) -> None:
        """Keep `event` for its receiver, if it is wanted there; the posting is a task's affair."""
        shown = dict(self._showing.event(event))
        if not event.number or not self._wants(shown["type"]):
            return
        if isinstance(event, CallFinished):
            shown["call"] = await self._showing.call(event.call_id)
        await self._add(
            Delivery(
                id=f"{event.call_id}.{event.number}",
                body=_body(f"voicecall.call.{shown['type']}", shown, event.at),
                due=self._clock.wall(),
            )
        )

    def public_url_changed(self, change: PublicUrlChanged) -> None:
        """Keep it for its receiver, if it is wanted there; `run` puts it into the outbox."""
        if not self._wants(PUBLIC_URL):
            return
        at = round(change.at * 1000)
        shown = {"type": PUBLIC_URL, "former": change.former, "current": change.current, "at": at}
        delivery = Delivery(
            id=f"{PUBLIC_URL}.{at}",
            body=_body(f"voicecall.{PUBLIC_URL}", shown, change.at),
            due=self._clock.wall(),
        )
        self._changes.append(delivery)
        self._news.set()

    def _wants(self, kind: object) -> bool:
        wanted = self._config.events
        return not self._is_gone and ("*" in wanted or kind in wanted)

    async def _add(self, delivery: Delivery) -> None:
        lost = await self._outbox.add(delivery, most=self._config.max_waiting)
        if lost:
            self._logger.warning(
                "%d deliveries to %s were given up: too many wait", lost, self._host
            )
        self._news.set()

    def close(self) -> None:
        """Post what is due once more, then `run` ends."""
        self._closing = True
        self._news.set()

    async def run(self) -> None:
        """Post what is due, until the sink is closed."""
        last = False
        while not last:
            last, self._news = self._closing, anyio.Event()
            try:
                while self._changes:
                    await self._add(self._changes[0])
                    self._changes.popleft()
                pause = await self.deliver_due()
            except sqlite3.Error:
                self._logger.exception("the outbox cannot be used now")
                pause = TROUBLED_SECONDS
            if not self._closing:
                with anyio.move_on_after(pause):
                    await self._news.wait()

    async def deliver_due(self) -> float | None:
        """Post everything that is due; returns real seconds until something else is."""
        while not self._is_gone:
            delivery = await self._outbox.next()
            if delivery is None:
                return None
            wait = delivery.due - self._clock.wall()
            if wait > 0:
                return wait
            await self._post(delivery)
        return None

    async def _post(self, delivery: Delivery) -> None:
        answer = await self._attempt(delivery)
        if answer is not None and 200 <= answer.status < 300:
            await self._outbox.settle(delivery)
            return
        failed = replace(delivery, attempts=delivery.attempts + 1)
        said = "no answer" if answer is None else f"status {answer.status}"
        if answer is not None and answer.status == GONE:
            self._is_gone = True
            self._logger.warning(
                "%s wants no more webhooks (410); none go until a restart", self._host
            )
            await self._outbox.settle(delivery)
        elif given_up(failed.attempts):
            self._logger.error("webhook %s to %s was given up: %s", delivery.id, self._host, said)
            await self._outbox.settle(delivery)
        else:
            due = next_attempt(failed.attempts, self._clock.wall(), answer)
            self._logger.info("webhook %s to %s failed: %s", delivery.id, self._host, said)
            await self._outbox.postpone(delivery, due)

    async def _attempt(self, delivery: Delivery) -> HttpResponse | None:
        headers = signed_headers(
            self._keys,
            message_id=delivery.id,
            timestamp=int(self._clock.wall()),
            body=delivery.body,
        )
        try:
            return await self._http.request(
                "POST",
                self._config.url,
                headers=headers,
                content=delivery.body,
                timeout_seconds=self._config.timeout_seconds,
            )
        except CarrierUnreachable:
            return None


def _body(kind: str, shown: Mapping[str, object], at: float) -> bytes:
    payload = {
        "type": kind,
        "timestamp": datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z"),
        "data": shown,
    }
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
