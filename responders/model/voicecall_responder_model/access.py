"""Where is a model, and with which key? Told by its name and the section; what lacks is said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from voicecall.sdk import ConfigError, Secret
from voicecall_responder_model.config import ModelConfig, VendorConfig

VARIABLES = {"openai": "OPENAI_API_KEY", "anthropic": "ANTHROPIC_API_KEY"}
"""The vendors whose addresses we know, and the environment variables of their keys."""

Api = Literal["responses", "chat", "messages"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """A model that can be asked.

    `key` is None where the server wants none, `base_url` where the vendor's own address counts.
    `section` is where both can be set, for messages to the operator.
    """

    vendor: str
    model: str
    api: Api
    key: Secret | None
    base_url: str | None
    section: str

    @property
    def name(self) -> str:
        """As the configuration writes it."""
        return f"{self.vendor}/{self.model}"


def access_to(name: str, config: ModelConfig, *, general: str) -> Access:
    """The model `name` (``vendor/model``).

    Args:
        name: as in `responseModel`.
        config: the section.
        general: the vendor that the section's own key and address belong to.

    Raises:
        ConfigError: no such form, no key, or nobody knows where the vendor is.
    """
    vendor, _, model = name.partition("/")
    if not vendor or not model:
        raise ConfigError(
            f"responseModel {name!r} must be vendor/model, for example 'openai/gpt-4o-mini'"
        )
    found, section = _vendor(vendor, config, general=vendor == general)
    if vendor in VARIABLES and found.api_key is None:
        raise ConfigError(
            f"responseModel {name!r} has no key: set {section}.apiKey, or environment variable "
            f"{VARIABLES[vendor]} (any text will do for a server that wants none)"
        )
    if vendor not in VARIABLES and found.base_url is None:
        raise ConfigError(
            f"responseModel {name!r}: nobody knows where {vendor!r} is; set {section}.baseUrl to "
            f"an OpenAI-compatible server, or choose a model of {' or '.join(VARIABLES)}"
        )
    api = _api(vendor, found)
    return Access(
        vendor=vendor,
        model=model,
        api=api,
        key=found.api_key,
        base_url=found.base_url and _root(found.base_url, api),
        section=section,
    )


def accesses_to(names: Sequence[str], config: ModelConfig) -> dict[str, Access]:
    """The models `names`, of which the first is the general one.

    Raises:
        ConfigError: as `access_to`, for the first that cannot be asked.
    """
    general = names[0].partition("/")[0] if names else ""
    return {name: access_to(name, config, general=general) for name in names}


def model_faults(config: ModelConfig, names: Sequence[str]) -> dict[str, str]:
    """Why each of `names` that cannot be asked cannot."""
    faults = {}
    for name in names:
        try:
            access_to(name, config, general=names[0].partition("/")[0])
        except ConfigError as error:
            faults[name] = error.message
    return faults


def _vendor(vendor: str, config: ModelConfig, *, general: bool) -> tuple[VendorConfig, str]:
    own = config.vendors.get(vendor, VendorConfig())
    if not general:
        return own, f"responders.model.vendors.{vendor}"
    together = VendorConfig(
        api_key=config.api_key or own.api_key,
        base_url=config.base_url or own.base_url,
        api=config.api or own.api,
    )
    return together, "responders.model"


def _root(base_url: str, api: Api) -> str:
    """`base_url` as the vendor's library wants it: OpenAI's with ``/v1``, Anthropic's without."""
    root = base_url.rstrip("/")
    if api == "messages":
        return root.removesuffix("/v1")
    return root if urlsplit(root).path else f"{root}/v1"


def _api(vendor: str, found: VendorConfig) -> Api:
    if vendor == "anthropic":
        return "messages"
    itself = vendor == "openai" and found.base_url is None
    return found.api or ("responses" if itself else "chat")
