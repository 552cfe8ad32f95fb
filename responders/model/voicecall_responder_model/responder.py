"""How does a language model answer a turn? Sentence by sentence, then with what it wants done."""

from __future__ import annotations

import logging
import sqlite3
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from voicecall.sdk import (
    CallError,
    Clock,
    EndedCall,
    NoteOutcome,
    PressDigits,
    ReplySink,
    ReplyText,
    Responder,
    ResponderError,
    Turn,
)
from voicecall_responder_model.brain import Answer, Brain, Talk, ToolCall
from voicecall_responder_model.config import ModelConfig
from voicecall_responder_model.memory import Memory, Owner, PastCall
from voicecall_responder_model.prompt import conversation, earlier, heard, instructions
from voicecall_responder_model.spoken import SpokenText
from voicecall_responder_model.tools import (
    Action,
    ToolRefused,
    action_of,
    done,
    told,
    tools_of,
)

MOST_CALLS = 1000
"""Calls of which it is known what was done on them; that of the oldest is forgotten."""
MOST_ROUNDS = 3
"""How often a model is asked in one turn, because of its tools."""
LONGEST_REPLY = 4000
"""Characters that are said in one turn: five minutes."""


@dataclass(slots=True)
class CallState:
    """What is kept of a live call beside its transcript.

    `known`: what was remembered of earlier calls, and `began`: when, both as the model was told
    at its first turn. `done`: what was done, by the number of lines that were there before.
    """

    began: datetime
    known: str
    done: dict[int, list[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a wish of the model came to, in words for it."""

    text: str
    accepted: bool


class Reply:
    """One turn's reply on its way to the caller.

    Args:
        out: takes it.
        language: in which addresses are read out.
    """

    def __init__(self, out: ReplySink, language: str) -> None:
        self._out = out
        self._language = language
        self._text = SpokenText(language)
        self.said = 0
        self.actions: list[Action] = []

    async def say(self, text: str) -> bool:
        """Take the next piece of an answer; False: that is enough."""
        await self._write(self._text.feed(text))
        return self.said < LONGEST_REPLY

    async def end_answer(self) -> None:
        """The answer is complete."""
        await self._write(self._text.finish())
        self._text = SpokenText(self._language)

    async def do(self, action: Action) -> None:
        """Have `action` done after what was said."""
        await self._out.write(action)
        self.actions.append(action)

    async def _write(self, speech: str) -> None:
        if speech:
            self.said += len(speech)
            await self._out.write(ReplyText(text=speech))


class ModelResponder(Responder):
    """Has language models answer.

    Args:
        config: the section.
        brains: the models by their names in the configuration.
        memory: of earlier calls, None: there is none.
        clock: for the dates that models are told.
        logger: gets what goes wrong without harm to the call.
    """

    def __init__(
        self,
        config: ModelConfig,
        brains: Mapping[str, Brain],
        memory: Memory | None,
        *,
        clock: Clock,
        logger: logging.Logger,
    ) -> None:
        self._config = config
        self._brains = brains
        self._memory = memory
        self._clock = clock
        self._logger = logger
        self._tools = tools_of(config)
        self._calls: OrderedDict[str, CallState] = OrderedDict()

    async def respond(self, turn: Turn, out: ReplySink) -> None:
        """Push what the model says as it comes, then what it wants done."""
        brain = self._brain(turn)
        call = await self._state(turn)
        messages = conversation(turn, call.known, call.done)
        talk = Talk(instructions(turn, began=call.began), messages)
        reply = Reply(out, self._config.language)
        for _ in range(MOST_ROUNDS):
            answer = await brain.ask(talk, self._tools, reply.say)
            await reply.end_answer()
            results = [await self._use(each, turn, reply, call) for each in answer.calls]
            if _is_complete(reply, results):
                break
            talk.went_on(answer, [result.text for result in results])
        if not reply.said and not any(map(_is_done_on_the_line, reply.actions)):
            raise _silence(turn, answer)

    async def call_ended(self, call: EndedCall) -> None:
        """Keep what was heard of the call."""
        self._calls.pop(call.call_id, None)
        lines = heard(call.history)
        shared = call.session_key != call.call_id  # else no other call can ever ask for it
        if self._memory is not None and lines and shared:
            owner = Owner(agent_id=call.agent_id, session_key=call.session_key)
            await self._memory.keep(owner, call.call_id, lines, at=self._clock.wall())

    def _brain(self, turn: Turn) -> Brain:
        if turn.model is None:
            raise ResponderError("no model is named; set responseModel, for example openai/gpt-5")
        return self._brains[turn.model]

    async def _state(self, turn: Turn) -> CallState:
        state = self._calls.get(turn.call_id)
        if state is None:
            now = datetime.fromtimestamp(self._clock.wall(), UTC).astimezone()
            known = earlier(await self._recall(turn), now=now)
            state = self._calls[turn.call_id] = CallState(began=now, known=known)
        self._calls.move_to_end(turn.call_id)
        while len(self._calls) > MOST_CALLS:
            self._calls.popitem(last=False)
        return state

    async def _recall(self, turn: Turn) -> list[PastCall]:
        if self._memory is None:
            return []
        try:
            return await self._memory.recall(_owner(turn), now=self._clock.wall(), but=turn.call_id)
        except sqlite3.Error as error:
            self._logger.warning("earlier calls cannot be recalled: %s", error)
            return []

    async def _use(self, wish: ToolCall, turn: Turn, reply: Reply, call: CallState) -> Result:
        """Have done what the model wants, once, if it may be."""
        try:
            action = action_of(wish.name, wish.arguments, self._tools, self._config.transfers)
            if action not in reply.actions:
                await reply.do(action)
                await self._remember(action, turn, call)
        except ToolRefused as refusal:
            return Result(text=str(refusal), accepted=False)
        except CallError as error:
            self._logger.warning("a wish of the model was refused: %s", error)
            return Result(text="The operator does not allow this.", accepted=False)
        return Result(text=told(action), accepted=True)

    async def _remember(self, action: Action, turn: Turn, call: CallState) -> None:
        if (what := done(action)) is not None:
            call.done.setdefault(len(turn.history), []).append(what)
        if isinstance(action, NoteOutcome) and self._memory is not None:
            self._logger.info("an outcome was noted", extra={"call_id": turn.call_id})
            try:
                await self._memory.note(
                    _owner(turn), turn.call_id, action.text, at=self._clock.wall()
                )
            except sqlite3.Error as error:
                self._logger.warning("the outcome of a call cannot be kept: %s", error)


def _owner(turn: Turn) -> Owner:
    return Owner(agent_id=turn.agent_id, session_key=turn.session_key)


def _is_complete(reply: Reply, results: Sequence[Result]) -> bool:
    """Whether the model has had its say: nothing was refused, and the caller is not left in
    silence. A menu that wants keys is."""
    if not all(result.accepted for result in results):
        return False
    silent = (PressDigits,)
    return not results or reply.said > 0 or all(isinstance(a, silent) for a in reply.actions)


def _is_done_on_the_line(action: Action) -> bool:
    return not isinstance(action, NoteOutcome)


def _silence(turn: Turn, answer: Answer) -> ResponderError:
    remedy = {
        "length": "raise responders.model.maxTokens",
        "content_filter": "its vendor held the answer back; check responseSystemPrompt",
    }
    return ResponderError(
        f"model {turn.model!r} said nothing that can be spoken ({answer.reason or 'no reason'}); "
        + remedy.get(answer.reason or "", "check responseSystemPrompt, or choose another model")
    )
