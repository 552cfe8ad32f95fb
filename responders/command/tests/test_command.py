"""Does a program answer its call's turns, and does nothing it does wrong hurt another turn?"""

from __future__ import annotations

import logging
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from textwrap import dedent

import anyio
import pytest

from voicecall.sdk import (
    CallId,
    CallMode,
    Direction,
    EndCall,
    HttpResponse,
    PluginContext,
    ReplyPart,
    ReplyText,
    Responder,
    ResponderError,
    SystemClock,
    Turn,
)
from voicecall_responder_command.config import CommandConfig
from voicecall_responder_command.plugin import voicecall_responders

PATIENCE = 20

ECHO = """
    import json, sys
    count = 0
    for line in sys.stdin:
        turn = json.loads(line)
        count += 1
        print(json.dumps({"say": f"{count}: {turn['text']}"}), flush=True)
"""


class NoHttp:
    async def request(self, *args: object, **kwargs: object) -> HttpResponse:
        raise AssertionError("a program needs no network")


class Reply:
    """Keeps the parts and says when the first one came."""

    def __init__(self) -> None:
        self.parts: list[ReplyPart] = []
        self.begun = anyio.Event()

    async def write(self, part: ReplyPart) -> None:
        self.parts.append(part)
        self.begun.set()


def turn(text: str, call: str = "one") -> Turn:
    return Turn(
        call_id=CallId(call),
        number=1,
        text=text,
        direction=Direction.INBOUND,
        mode=CallMode.CONVERSATION,
        from_number=None,
        to_number=None,
        history=(),
        session_key="key",
    )


@asynccontextmanager
async def opened(argv: Sequence[str], **options: object) -> AsyncIterator[Responder]:
    (spec,) = voicecall_responders()
    context = PluginContext(
        http=NoHttp(),
        clock=SystemClock(),
        logger=logging.getLogger("test"),
        state_dir=Path("."),
    )
    config = CommandConfig.model_validate({"argv": argv, **options})
    with anyio.fail_after(PATIENCE):
        async with spec.open(config, context) as responder:
            yield responder


def python(tmp_path: Path, source: str) -> list[str]:
    path = tmp_path / "answer.py"
    path.write_text(dedent(source))
    return [sys.executable, str(path)]


async def ask(responder: Responder, text: str, call: str = "one") -> list[ReplyPart]:
    reply = Reply()
    await responder.respond(turn(text, call), reply)
    return reply.parts


def test_a_program_answers_turn_by_turn_and_every_call_has_its_own(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(python(tmp_path, ECHO)) as responder:
            assert await ask(responder, "hello") == [ReplyText(text="1: hello")]
            assert await ask(responder, "you there") == [ReplyText(text="2: you there")]
            assert await ask(responder, "hi", "two") == [ReplyText(text="1: hi")]

    anyio.run(main)


def test_the_program_of_the_readme_answers(tmp_path: Path) -> None:
    readme = Path(__file__).parents[1] / "README.md"
    source = readme.read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]

    async def main() -> None:
        async with opened(python(tmp_path, source)) as responder:
            assert await ask(responder, "hello") == [ReplyText(text="You said: hello")]

    anyio.run(main)


def test_the_first_sentence_is_passed_on_before_the_second_is_written(tmp_path: Path) -> None:
    source = f"""
        import pathlib, sys, time
        sys.stdin.readline()
        print('{{"say": "One.", "more": true}}', flush=True)
        while not pathlib.Path({str(tmp_path / "go")!r}).exists():
            time.sleep(0.01)
        print('{{"say": "Two.", "end": true}}', flush=True)
    """

    async def main() -> None:
        reply = Reply()
        async with (
            opened(python(tmp_path, source)) as responder,
            anyio.create_task_group() as tasks,
        ):
            tasks.start_soon(responder.respond, turn("hello"), reply)
            await reply.begun.wait()
            assert reply.parts == [ReplyText(text="One.\n")]
            (tmp_path / "go").touch()
        assert reply.parts == [ReplyText(text="One.\n"), ReplyText(text="Two."), EndCall()]

    anyio.run(main)


def test_the_rest_of_a_reply_that_the_caller_cut_is_dropped(tmp_path: Path) -> None:
    source = """
        import sys
        sys.stdin.readline()
        print('{"say": "A long story.", "more": true}', flush=True)
        sys.stdin.readline()
        print('{"say": "Its end."}\\n{"say": "The next answer."}', flush=True)
    """

    async def main() -> None:
        reply = Reply()
        async with opened(python(tmp_path, source)) as responder:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(responder.respond, turn("hello"), reply)
                await reply.begun.wait()
                tasks.cancel_scope.cancel()
            assert await ask(responder, "wait") == [ReplyText(text="The next answer.")]

    anyio.run(main)


def test_a_program_that_dies_is_an_error_with_its_last_words_and_the_next_turn_starts_it_anew(
    tmp_path: Path,
) -> None:
    source = f"""
        import json, pathlib, sys
        sys.stdin.readline()
        marker = pathlib.Path({str(tmp_path / "died")!r})
        if not marker.exists():
            marker.touch()
            sys.exit("out of ideas")
        print('{{"say": "Back again."}}', flush=True)
    """

    async def main() -> None:
        async with opened(python(tmp_path, source)) as responder:
            with pytest.raises(ResponderError, match="ended"):
                await ask(responder, "hello")
            assert await ask(responder, "hello") == [ReplyText(text="Back again.")]

    anyio.run(main)


def test_a_line_that_is_no_reply_is_an_error_and_the_next_turn_works(tmp_path: Path) -> None:
    source = """
        import sys
        for line in sys.stdin:
            print("Traceback" if "first" in line else '{"say": "fine"}', flush=True)
    """

    async def main() -> None:
        async with opened(python(tmp_path, source)) as responder:
            with pytest.raises(ResponderError, match="JSON object"):
                await ask(responder, "first")
            assert await ask(responder, "second") == [ReplyText(text="fine")]

    anyio.run(main)


def test_a_program_that_is_not_there_is_an_error_that_names_the_key() -> None:
    async def main() -> None:
        async with opened(["/nowhere/to/be/found"]) as responder:
            with pytest.raises(ResponderError, match="responders.command.argv"):
                await ask(responder, "hello")

    anyio.run(main)


def test_more_calls_than_processes_end_the_one_that_spoke_longest_ago(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(python(tmp_path, ECHO), maxProcesses=1) as responder:
            assert await ask(responder, "a", "one") == [ReplyText(text="1: a")]
            assert await ask(responder, "b", "two") == [ReplyText(text="1: b")]
            assert await ask(responder, "c", "one") == [ReplyText(text="1: c")]

    anyio.run(main)


def test_a_program_that_ignores_the_end_of_its_input_is_ended_with_the_gateway(
    tmp_path: Path,
) -> None:
    source = """
        import os, signal, sys
        sys.stdin.readline()
        print('{"say": "%d"}' % os.getpid(), flush=True)
        while True:
            signal.pause()
    """

    async def main() -> None:
        async with opened(python(tmp_path, source)) as responder:
            (said,) = await ask(responder, "hello")
            assert isinstance(said, ReplyText)
            assert Path(f"/proc/{said.text}").exists() or not Path("/proc").exists()
        assert not Path(f"/proc/{said.text}").exists()

    anyio.run(main)


def test_the_environment_of_the_file_reaches_the_program(tmp_path: Path) -> None:
    source = """
        import json, os, sys
        sys.stdin.readline()
        print(json.dumps({"say": os.environ["GREETING"]}), flush=True)
    """

    async def main() -> None:
        env = {"GREETING": "good day"}
        async with opened(python(tmp_path, source), env=env) as responder:
            assert await ask(responder, "hello") == [ReplyText(text="good day")]

    anyio.run(main)
