"""What is a leg made to hear? Texts and files, one after the other, until stopped."""

from __future__ import annotations

import base64
import binascii
import re
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import anyio
import httpx

from voicecall.sdk import SpeechError
from voicecall_conformance.phones import Leg, read_wav
from voicecall_telnyx.network.reporter import Reporter

_TAG = re.compile(r"<[^>]*>")


@dataclass(slots=True, kw_only=True)
class Job:
    """One text, or one file.

    Args:
        kind: ``speak`` or ``playback``, as its events are called.
        sound: lets it be heard once; whether it could be.
        names: what its events have beside the status.
    """

    kind: str
    sound: Callable[[], Awaitable[bool]]
    names: Mapping[str, object] = field(default_factory=dict)
    times: int = 1
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    over: anyio.Event = field(default_factory=anyio.Event)


class Voice:
    """Speaks and plays on one leg; what comes while it is busy waits.

    Args:
        client: fetches files.
    """

    def __init__(self, leg: Leg, report: Reporter, client: httpx.AsyncClient) -> None:
        self._leg = leg
        self._report = report
        self._client = client
        self._waiting: deque[Job] = deque()
        self._busy = False
        self._now: Job | None = None

    def speak(self, fields: Mapping[str, Any]) -> Job:
        """Say ``payload``."""
        text = fields["payload"]
        if fields.get("payload_type") == "ssml":
            text = _TAG.sub(" ", text)
        job = Job(kind="speak", sound=lambda: self._leg.say(text), times=_times(fields))
        return self._queue(job, fields.get("stop"))

    def play(self, fields: Mapping[str, Any]) -> Job:
        """Play ``audio_url`` or ``playback_content``."""
        names = {
            "media_url": fields.get("audio_url"),
            "media_name": fields.get("media_name"),
            "overlay": fields.get("overlay", False),
        }
        job = Job(
            kind="playback",
            sound=lambda: self._play(fields),
            names=names,
            times=_times(fields),
        )
        return self._queue(job, fields.get("stop"))

    def stop(self, which: str) -> None:
        """Stop what is heard now; ``all``: and forget what waits."""
        first = self._now or (self._waiting[0] if self._waiting else None)
        if first is not None:
            first.scope.cancel()
        if which == "all":
            for job in self._waiting:
                job.over.set()
            self._waiting.clear()

    def _queue(self, job: Job, stop: str | None) -> Job:
        if stop is not None:
            self.stop(stop)
        self._waiting.append(job)
        if not self._busy:
            self._busy = True
            self._leg.tasks.start_soon(self._run)
        return job

    async def _run(self) -> None:
        while self._waiting:
            self._now = self._waiting.popleft()
            await self._perform(self._now)
            self._now = None
        self._busy = False

    async def _perform(self, job: Job) -> None:
        self._report(f"call.{job.kind}.started", **job.names)
        status = "call_hangup"
        try:
            with job.scope:
                status = "completed" if await self._repeated(job) else "failed"
            if job.scope.cancelled_caught:
                status = "cancelled"
        finally:
            self._report(f"call.{job.kind}.ended", status=status, **job.names)
            job.over.set()

    async def _repeated(self, job: Job) -> bool:
        for _ in range(job.times):
            if not await job.sound():
                return False
        return True

    async def _play(self, fields: Mapping[str, Any]) -> bool:
        try:
            audio = read_wav(await self._fetch(fields))
        except (SpeechError, binascii.Error, httpx.HTTPError, KeyError):
            return False
        await self._leg.line.to_phone.play_through(audio)
        return True

    async def _fetch(self, fields: Mapping[str, Any]) -> bytes:
        if "playback_content" in fields:
            return base64.b64decode(fields["playback_content"], validate=True)
        response = await self._client.get(fields["audio_url"])
        response.raise_for_status()
        return response.content


def _times(fields: Mapping[str, Any]) -> int:
    loop = fields.get("loop", 1)
    return sys.maxsize if loop == "infinity" else int(loop)
