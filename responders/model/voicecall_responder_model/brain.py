"""How is a model asked? One streamed request, whose text is passed on as it comes.

pydantic-ai knows what each model takes and how each vendor streams; we ask it for single
requests and keep the turn in our own hands. Importing this module takes seconds.
https://pydantic.dev/docs/ai/api/pydantic_ai/direct/
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass

import anyio
from pydantic_ai.direct import model_request_stream
from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    ModelResponseStreamEvent,
    PartDeltaEvent,
    PartStartEvent,
    SystemPromptPart,
    TextPart,
    TextPartDelta,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models import Model, ModelRequestParameters, StreamedResponse
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import ToolDefinition

from voicecall.sdk import ResponderError
from voicecall_responder_model import faults
from voicecall_responder_model.access import Access
from voicecall_responder_model.prompt import Message
from voicecall_responder_model.tools import Tool

AGAIN_SECONDS = 0.2
"""The pause before a request that failed at once is sent a second time."""

Events = AsyncIterator[ModelResponseStreamEvent]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """The model wants a tool; `arguments` is JSON text."""

    name: str
    arguments: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer whose text was passed on. `reason`: why it ended, as far as the vendor says."""

    calls: tuple[ToolCall, ...]
    reason: str | None
    response: ModelResponse


class Talk:
    """One turn's exchange with a model.

    Args:
        instructions: what the model is to be.
        messages: the conversation so far.
    """

    def __init__(self, instructions: str, messages: Sequence[Message]) -> None:
        system = SystemPromptPart(content=instructions)
        first, *others = messages
        self.messages: list[ModelMessage] = [
            ModelRequest(parts=[system, UserPromptPart(content=first.text)]),
            *map(_message, others),
        ]

    def went_on(self, answer: Answer, results: Sequence[str]) -> None:
        """The model gave `answer`; `results` is what its tool calls came to."""
        returned = [
            ToolReturnPart(tool_name=call.name, content=result, tool_call_id=call.id)
            for call, result in zip(answer.calls, results, strict=True)
        ]
        self.messages += [answer.response, ModelRequest(parts=returned)]


class Brain:
    """One model.

    Args:
        access: which.
        model: as the library has it.
        settings: of every request.
        silence: for how many seconds its server may be silent.
    """

    def __init__(
        self, access: Access, model: Model, settings: ModelSettings, *, silence: float
    ) -> None:
        self._access = access
        self._model = model
        self._settings = settings
        self._silence = silence

    async def ask(
        self, talk: Talk, tools: Sequence[Tool], say: Callable[[str], Awaitable[bool]]
    ) -> Answer:
        """Ask, and pass the answer's text to `say` as it comes, until that returns False.

        Cancelled, it closes the request at once. A request that fails before anything came is
        sent once again where that may help.

        Raises:
            ResponderError: no answer, or not to its end; the message says what to do.
        """
        async with AsyncExitStack() as stack:
            try:
                event, events, stream = await self._begin(stack, talk, tools)
            except Exception as error:
                if not faults.may_ask_again(error):
                    raise self._fault(error) from None
                await anyio.sleep(AGAIN_SECONDS)
                with self._explained():
                    event, events, stream = await self._begin(stack, talk, tools)
            going_on = True
            while event is not None and going_on:
                if text := _text(event):
                    going_on = await say(text)
                with self._explained():
                    event = await anext(events, None)
            with self._explained():
                return _answer(stream.get())

    async def _begin(
        self, stack: AsyncExitStack, talk: Talk, tools: Sequence[Tool]
    ) -> tuple[ModelResponseStreamEvent | None, Events, StreamedResponse]:
        """Send the request; returns with the answer's first event."""
        request = model_request_stream(
            self._model,
            talk.messages,
            model_settings=self._settings,
            model_request_parameters=ModelRequestParameters(
                function_tools=[_definition(tool) for tool in tools]
            ),
        )
        stream = await stack.enter_async_context(request)
        events = aiter(stream)
        return await anext(events, None), events, stream

    @contextmanager
    def _explained(self) -> Iterator[None]:
        # Anything may come up when a server keeps to no API, with words and keys in its text.
        try:
            yield
        except Exception as error:
            raise self._fault(error) from None

    def _fault(self, error: Exception) -> ResponderError:
        return faults.of_error(error, self._access, silence=self._silence)


def _message(message: Message) -> ModelMessage:
    if message.role == "assistant":
        return ModelResponse(parts=[TextPart(content=message.text)])
    return ModelRequest(parts=[UserPromptPart(content=message.text)])


def _definition(tool: Tool) -> ToolDefinition:
    return ToolDefinition(
        name=tool.name, description=tool.description, parameters_json_schema=tool.parameters
    )


def _text(event: ModelResponseStreamEvent) -> str:
    match event:
        case PartStartEvent(part=TextPart(content=text)):
            return text
        case PartDeltaEvent(delta=TextPartDelta(content_delta=text)):
            return text
    return ""


def _answer(response: ModelResponse) -> Answer:
    calls = tuple(
        ToolCall(name=part.tool_name, arguments=part.args_as_json_str(), id=part.tool_call_id)
        for part in response.parts
        if isinstance(part, ToolCallPart)
    )
    return Answer(calls=calls, reason=response.finish_reason, response=response)
