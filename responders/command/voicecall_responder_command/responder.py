"""Which program answers a turn? The one that its call started, or a new one."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

import anyio
from anyio.abc import TaskGroup

from voicecall.sdk import CallId, PluginContext, ReplySink, Responder, ResponderError, Turn
from voicecall_responder_command.config import CommandConfig
from voicecall_responder_command.program import Program


class CommandResponder(Responder):
    """Keeps a program for every call that speaks.

    Args:
        config: which program.
        tasks: where what programs write is read.
    """

    def __init__(self, config: CommandConfig, context: PluginContext, tasks: TaskGroup) -> None:
        self._config = config
        self._context = context
        self._tasks = tasks
        self._programs: OrderedDict[CallId, Program] = OrderedDict()
        self._asked: dict[CallId, float] = {}
        self._starting = anyio.Lock()

    @classmethod
    @asynccontextmanager
    async def opened(cls, config: CommandConfig, context: PluginContext) -> AsyncIterator[Self]:
        """The responder; at the end every program is ended."""
        async with anyio.create_task_group() as tasks:
            responder = cls(config, context, tasks)
            try:
                yield responder
            finally:
                with anyio.CancelScope(shield=True):
                    await responder._close_all()
                tasks.cancel_scope.cancel()

    async def respond(self, turn: Turn, out: ReplySink) -> None:
        """Let the program of the turn's call answer it.

        Raises:
            ResponderError: it cannot be started, it ended, or wrote what is no reply.
        """
        program = await self._program(turn.call_id)
        await program.answer(turn, out)

    async def _program(self, call_id: CallId) -> Program:
        now = self._context.clock.now()
        async with self._starting:
            await self._retire(now)
            program = self._programs.get(call_id)
            if program is None or not program.alive:
                if program is not None:
                    await self._close(call_id)
                program = self._programs[call_id] = await self._start()
            self._programs.move_to_end(call_id)
            self._asked[call_id] = now
            return program

    async def _retire(self, now: float) -> None:
        """End programs that were not asked for long, and one more when there are too many."""
        idle = [each for each, program in self._programs.items() if not program.busy]
        due = [each for each in idle if now - self._asked[each] > self._config.idle_seconds]
        if not due and len(self._programs) >= self._config.max_processes:
            due = idle[:1]
        for call_id in due:
            await self._close(call_id)

    async def _start(self) -> Program:
        config = self._config
        own = {name: secret.get_secret_value() for name, secret in config.env.items()}
        try:
            process = await anyio.open_process(
                config.argv, cwd=config.directory, env={**os.environ, **own}
            )
        except OSError as error:
            raise ResponderError(
                f"{config.argv[0]!r} cannot be started ({error.strerror}); "
                "check responders.command.argv and directory"
            ) from error
        program = Program(process, self._context.logger)
        program.start(self._tasks)
        return program

    async def _close(self, call_id: CallId) -> None:
        program = self._programs.pop(call_id)
        self._asked.pop(call_id, None)
        await program.close()

    async def _close_all(self) -> None:
        async with anyio.create_task_group() as tasks:
            for program in self._programs.values():
                tasks.start_soon(program.close)
