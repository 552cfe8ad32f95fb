"""What do the three APIs accept, and how do they stream an answer? Pure.

https://platform.openai.com/docs/api-reference/chat-streaming
https://platform.openai.com/docs/api-reference/responses-streaming
https://docs.anthropic.com/en/docs/build-with-claude/streaming
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Fields = dict[str, Any]


class Refusal(Exception):
    """The double does not accept what it was sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One answer: its tokens, then the tools it wants, as (name, arguments in JSON text)."""

    tokens: Sequence[str] = ()
    tools: Sequence[tuple[str, str]] = ()
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One API. `pieces`: the answer as server-sent events, one for each token, at least."""

    path: str
    require: Callable[[Fields], None]
    pieces: Callable[[Said], Iterator[bytes]]


def _require(truth: object, what: str) -> None:
    if not truth:
        raise Refusal(what)


def _require_keys(body: Mapping[str, Any], known: str) -> None:
    unknown = set(body) - set(known.split())
    _require(not unknown, f"unknown: {sorted(unknown)}")
    _require(body.get("stream") is True, "only streams are served")


def _require_schema(schema: Any) -> None:
    _require(isinstance(schema, dict) and schema.get("type") == "object", "no schema")
    _require(schema.get("additionalProperties") is False, "open schema")


def _event(data: Fields, kind: str | None = None) -> bytes:
    name = f"event: {kind}\n" if kind else ""
    return f"{name}data: {json.dumps(data)}\n\n".encode()


def _halves(text: str) -> tuple[str, str]:
    return text[: len(text) // 2], text[len(text) // 2 :]


# ---- OpenAI's chat completions -----------------------------------------------------------------


def _require_chat(body: Fields) -> None:
    _require_keys(
        body,
        "model messages stream stream_options tools tool_choice temperature max_tokens"
        " max_completion_tokens reasoning_effort",
    )
    for tool in body.get("tools", []):
        _require(tool["type"] == "function", "no function")
        _require_schema(tool["function"]["parameters"])
    wanted: set[str] = set()
    for message in body["messages"]:
        role = message["role"]
        _require(role in ("system", "user", "assistant", "tool"), f"role {role}")
        if role == "tool":
            _require(message["tool_call_id"] in wanted, "a result of no call")
            wanted.discard(message["tool_call_id"])
            continue
        _require(not wanted, "a call without its result")
        calls = message.get("tool_calls", [])
        _require(message.get("content") or calls, "an empty message")
        wanted = {call["id"] for call in calls}
        for call in calls:
            json.loads(call["function"]["arguments"])


def _chat_pieces(said: Said) -> Iterator[bytes]:
    def chunk(delta: Fields, reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        return _event(
            {
                "id": "chatcmpl-1",
                "object": "chat.completion.chunk",
                "created": 1_700_000_000,
                "model": "double-1",
                "choices": [choice],
            }
        )

    yield chunk({"role": "assistant", "content": ""})
    for token in said.tokens:
        yield chunk({"content": token})
    for index, (name, arguments) in enumerate(said.tools):
        call = {"index": index, "id": f"call_{index}", "type": "function"}
        yield chunk({"tool_calls": [call | {"function": {"name": name, "arguments": ""}}]})
        for half in _halves(arguments):
            yield chunk({"tool_calls": [{"index": index, "function": {"arguments": half}}]})
    yield chunk({}, said.reason or ("tool_calls" if said.tools else "stop"))
    yield b"data: [DONE]\n\n"


# ---- OpenAI's responses ------------------------------------------------------------------------


def _require_responses(body: Fields) -> None:
    _require_keys(
        body,
        "model input instructions stream store tools tool_choice temperature max_output_tokens"
        " reasoning include",
    )
    _require(body.get("store") is False, "what is said on the telephone is not to be stored")
    for tool in body.get("tools", []):
        _require(tool["type"] == "function", "no function")
        _require_schema(tool["parameters"])
    wanted: set[str] = set()
    for item in body["input"]:
        match item.get("type", "message"):
            case "message":
                _require(not wanted, "a call without its result")
                _require(item["content"], "an empty message")
            case "function_call":
                wanted.add(item["call_id"])
            case "function_call_output":
                _require(item["call_id"] in wanted, "a result of no call")
                wanted.discard(item["call_id"])
            case kind:
                raise Refusal(f"item {kind}")


def _response(status: str, output: list[Fields], **more: object) -> Fields:
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1_700_000_000,
        "status": status,
        "model": "double-1",
        "output": output,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "error": None,
        "incomplete_details": None,
        **more,
    }


def _responses_pieces(said: Said) -> Iterator[bytes]:
    count, output = 0, list[Fields]()

    def event(kind: str, **data: object) -> bytes:
        nonlocal count
        count += 1
        return _event({"type": kind, "sequence_number": count, **data}, kind)

    yield event("response.created", response=_response("in_progress", []))
    if said.tokens:
        yield from _responses_text(said.tokens, event, output)
    for name, arguments in said.tools:
        yield from _responses_call(name, arguments, event, output)
    if said.reason:
        why = {"reason": {"length": "max_output_tokens"}.get(said.reason, said.reason)}
        done = _response("incomplete", output, incomplete_details=why)
        yield event("response.incomplete", response=done)
    else:
        yield event("response.completed", response=_response("completed", output))


def _responses_text(
    tokens: Sequence[str], event: Callable[..., bytes], output: list[Fields]
) -> Iterator[bytes]:
    item: Fields = {"id": "msg_1", "type": "message", "role": "assistant"}
    place: Fields = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    part: Fields = {"type": "output_text", "text": "", "annotations": []}
    added = item | {"status": "in_progress", "content": []}
    yield event("response.output_item.added", output_index=0, item=added)
    yield event("response.content_part.added", part=part, **place)
    for token in tokens:
        yield event("response.output_text.delta", delta=token, logprobs=[], **place)
    part = part | {"text": "".join(tokens)}
    yield event("response.output_text.done", text=part["text"], logprobs=[], **place)
    yield event("response.content_part.done", part=part, **place)
    output.append(item | {"status": "completed", "content": [part]})
    yield event("response.output_item.done", output_index=0, item=output[-1])


def _responses_call(
    name: str, arguments: str, event: Callable[..., bytes], output: list[Fields]
) -> Iterator[bytes]:
    index = len(output)
    item: Fields = {
        "id": f"fc_{index}",
        "type": "function_call",
        "call_id": f"call_{index}",
        "name": name,
        "arguments": "",
        "status": "in_progress",
    }
    place = {"item_id": item["id"], "output_index": index}
    yield event("response.output_item.added", output_index=index, item=item)
    for half in _halves(arguments):
        yield event("response.function_call_arguments.delta", delta=half, **place)
    yield event("response.function_call_arguments.done", name=name, arguments=arguments, **place)
    output.append(item | {"arguments": arguments, "status": "completed"})
    yield event("response.output_item.done", output_index=index, item=output[-1])


# ---- Anthropic's messages ----------------------------------------------------------------------


def _require_messages(body: Fields) -> None:
    _require_keys(
        body, "model max_tokens messages system stream tools tool_choice temperature thinking"
    )
    _require(body["max_tokens"] > 0, "no max_tokens")
    for tool in body.get("tools", []):
        _require_schema(tool["input_schema"])
    wanted: set[str] = set()
    for number, message in enumerate(body["messages"]):
        _require(message["role"] == ("assistant" if number % 2 else "user"), "roles alternate")
        blocks = message["content"]
        if isinstance(blocks, str):
            blocks = [{"type": "text", "text": blocks}]
        results = {block["tool_use_id"] for block in blocks if block["type"] == "tool_result"}
        _require(results == wanted, "a call without its result")
        wanted = {block["id"] for block in blocks if block["type"] == "tool_use"}
        texts = [block["text"] for block in blocks if block["type"] == "text"]
        _require(all(text.strip() for text in texts), "text content blocks must be non-empty")


def _messages_pieces(said: Said) -> Iterator[bytes]:
    def event(kind: str, **data: object) -> bytes:
        return _event({"type": kind, **data}, kind)

    usage = {"input_tokens": 10, "output_tokens": 1}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "double-1"}
    empty: Fields = {"content": [], "stop_reason": None, "stop_sequence": None, "usage": usage}
    yield event("message_start", message=message | empty)
    if said.tokens:
        block: Fields = {"type": "text", "text": ""}
        yield event("content_block_start", index=0, content_block=block)
        yield event("ping")
        for token in said.tokens:
            delta = {"type": "text_delta", "text": token}
            yield event("content_block_delta", index=0, delta=delta)
        yield event("content_block_stop", index=0)
    for index, (name, arguments) in enumerate(said.tools, start=1 if said.tokens else 0):
        block = {"type": "tool_use", "id": f"toolu_{index}", "name": name, "input": {}}
        yield event("content_block_start", index=index, content_block=block)
        for half in ("", *_halves(arguments)):
            delta = {"type": "input_json_delta", "partial_json": half}
            yield event("content_block_delta", index=index, delta=delta)
        yield event("content_block_stop", index=index)
    reason = {"length": "max_tokens", None: "tool_use" if said.tools else "end_turn"}
    end = {"stop_reason": reason.get(said.reason, said.reason), "stop_sequence": None}
    yield event("message_delta", delta=end, usage={"output_tokens": 15})
    yield event("message_stop")


DIALECTS = {
    "chat": Dialect(
        path="/v1/chat/completions",
        require=_require_chat,
        pieces=_chat_pieces,
    ),
    "responses": Dialect(
        path="/v1/responses",
        require=_require_responses,
        pieces=_responses_pieces,
    ),
    "messages": Dialect(
        path="/v1/messages",
        require=_require_messages,
        pieces=_messages_pieces,
    ),
}
"""The APIs by the names that `Access.api` has for them."""
