"""What can be configured? Whose model, what it may do on a call, and how much it remembers."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from voicecall.sdk import Field, Secret, Section, is_e164

ADDRESS = r"^https?://[^\s?#]+$"

ToolName = Literal["end", "digits", "transfer", "note"]


class VendorConfig(Section):
    """`responders.model.vendors.<name>`: one vendor of models."""

    api_key: Secret | None = None
    """An API key of this vendor."""
    base_url: str | None = Field(default=None, pattern=ADDRESS)
    """Where its API is. A name other than `openai` and `anthropic` needs one, of a server that
    offers OpenAI's `/chat/completions`."""
    api: Literal["responses", "chat"] | None = None
    """Which of OpenAI's two APIs is spoken; absent: `responses` at OpenAI itself, `chat` with a
    `baseUrl`. Means nothing for `anthropic`."""


class MemoryConfig(Section):
    """`responders.model.memory`: what is kept of calls that are over."""

    lines: int = Field(default=60, ge=0)
    """So many lines of earlier calls are told to the model; 0: nothing is told or kept."""
    days: float = Field(default=90, gt=0)
    """Calls longer ago are forgotten."""


class ModelConfig(Section):
    """`responders.model`."""

    api_key: Secret | None = None
    """The key for the vendor of the general `responseModel`; wins over `vendors`."""
    base_url: str | None = Field(default=None, pattern=ADDRESS)
    """Where the API of that vendor is; a proxy, or any OpenAI-compatible server."""
    api: Literal["responses", "chat"] | None = None
    """As in `vendors`, for that vendor."""
    vendors: dict[str, VendorConfig] = Field(default_factory=dict)
    """Keys and addresses by vendor, when numbers have models of several."""
    temperature: float | None = Field(default=None, ge=0, le=2)
    """How freely the model chooses its words; absent: its own default. Not every model takes it."""
    max_tokens: int | None = Field(default=None, gt=0)
    """The longest answer, in tokens, thinking included; absent: the model's own limit."""
    thinking: Literal["off", "minimal", "low", "medium", "high"] = "off"
    """How much a model that can think does so before it speaks; the caller waits meanwhile."""
    timeout_seconds: float = Field(default=15, gt=0)
    """How long the model's server may be silent, before its answer and within it."""
    tools: tuple[ToolName, ...] = ("end", "digits", "transfer", "note")
    """What the model may do beside speaking: hang up, press keys, transfer (to `transfers`),
    note how the call went."""
    transfers: dict[str, str] = Field(default_factory=dict)
    """Whom callers may be connected to: a short description → number (E.164). The model sees the
    descriptions only."""
    language: str = Field(default="en", pattern=r"^[a-z]{2}(-[A-Za-z0-9]+)*$")
    """The language in which addresses are read out (`dot`, `at`); others than `en`, `de`, `fr`,
    `es`, `it`, `nl`, `pt` are read in English."""
    memory: MemoryConfig = MemoryConfig()

    @model_validator(mode="after")
    def _check(self) -> Self:
        for label, number in self.transfers.items():
            if not label.strip() or not is_e164(number):
                raise ValueError(
                    "`transfers` must map a description to a number in the form +15550001234"
                )
        return self
