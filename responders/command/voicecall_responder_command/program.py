"""What is a running program? Lines in and out; the reply to a turn is what answers its line."""

from __future__ import annotations

import json
import logging
from collections import deque
from contextlib import suppress

import anyio
from anyio.abc import Process, TaskGroup
from anyio.streams.text import TextReceiveStream

from voicecall.sdk import (
    ReplyLine,
    ReplySink,
    ReplyText,
    ResponderError,
    Turn,
    read_reply_line,
    turn_object,
)

END_SECONDS = 2.0
"""How long a program may take to end when its input is closed, and again when it is told to."""
LONGEST_LINE = 256 * 1024
ERROR_LINES = 5


class Program:
    """One process, which answers the turns of one call.

    Args:
        process: with pipes for input, output and errors.
        logger: gets what the program writes to its standard error.
    """

    def __init__(self, process: Process, logger: logging.Logger) -> None:
        self._process = process
        self._logger = logger
        self._errors: deque[str] = deque(maxlen=ERROR_LINES)
        self._send, self._lines = anyio.create_memory_object_stream[str](0)
        self._owed = 0  # replies that the program has still to finish
        self._turn = anyio.Lock()
        self._ended = anyio.Event()

    @property
    def busy(self) -> bool:
        """Whether a turn is being answered."""
        return self._turn.locked()

    @property
    def alive(self) -> bool:
        """Whether it can answer another turn."""
        return not self._ended.is_set() and self._process.returncode is None

    def start(self, tasks: TaskGroup) -> None:
        """Read what it writes, in `tasks`."""
        tasks.start_soon(self._read_output)
        tasks.start_soon(self._read_errors)

    async def answer(self, turn: Turn, out: ReplySink) -> None:
        """Hand `turn` over and pass the reply on, object by object.

        When cancelled, the rest of the reply is dropped as it comes.

        Raises:
            ResponderError: the program ended, or wrote what is no reply.
        """
        async with self._turn:
            await self._write(turn)
            self._owed += 1
            while self._owed > 1:
                await self._next()
            while True:
                line = await self._next()
                for part in line.parts:
                    if line.more and isinstance(part, ReplyText):
                        # It waits for no next object, and does not run into it.
                        part = ReplyText(text=f"{part.text}\n")
                    await out.write(part)
                if not line.more:
                    return

    async def close(self) -> None:
        """Close its input, and insist if it does not end by itself."""
        self._ended.set()
        self._lines.close()
        process = self._process
        with anyio.CancelScope(shield=True):
            if process.stdin is not None:
                with suppress(OSError, anyio.BrokenResourceError):
                    await process.stdin.aclose()
            for insist in (process.terminate, process.kill):
                with anyio.move_on_after(END_SECONDS):
                    await process.wait()
                if process.returncode is not None:
                    break
                with suppress(ProcessLookupError):
                    insist()
            await process.wait()

    async def _write(self, turn: Turn) -> None:
        line = json.dumps(turn_object(turn), ensure_ascii=False) + "\n"
        try:
            assert self._process.stdin is not None
            await self._process.stdin.send(line.encode("utf-8", "replace"))
        except (anyio.BrokenResourceError, anyio.ClosedResourceError, OSError) as error:
            raise self._over() from error

    async def _next(self) -> ReplyLine:
        """The next object that it writes; the last one of a reply ends what it owed for that."""
        try:
            line = read_reply_line(await self._lines.receive())
        except (anyio.EndOfStream, anyio.ClosedResourceError) as error:
            raise self._over() from error
        except ResponderError:
            self._owed -= 1
            raise
        if not line.more:
            self._owed -= 1
        return line

    def _over(self) -> ResponderError:
        self._ended.set()
        said = f"; it said: {self._errors[-1]}" if self._errors else ""
        return ResponderError(f"the program ended ({self._process.returncode}){said}")

    async def _read_output(self) -> None:
        assert self._process.stdout is not None
        rest = ""
        with self._send:
            with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
                async for text in TextReceiveStream(self._process.stdout, errors="replace"):
                    *lines, rest = (rest + text).split("\n")
                    for line in lines:
                        if line.strip():
                            await self._send.send(line)
                    if len(rest) > LONGEST_LINE:
                        self._logger.error("the program wrote a line without end; it is ended")
                        self._process.terminate()
                        return
            with anyio.move_on_after(END_SECONDS):
                await self._process.wait()

    async def _read_errors(self) -> None:
        assert self._process.stderr is not None
        rest = ""
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
            async for text in TextReceiveStream(self._process.stderr, errors="replace"):
                *lines, rest = (rest + text).split("\n")
                rest = rest[-LONGEST_LINE:]
                for line in filter(str.strip, lines):
                    self._errors.append(line.strip()[:200])
                    self._logger.info("the program says: %s", line.strip()[:200])
