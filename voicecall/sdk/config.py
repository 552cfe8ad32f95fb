"""What a plugin's configuration model is made of: strict camelCase sections and secrets."""

from __future__ import annotations

from typing import Annotated, Any, Protocol

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
)
from pydantic.alias_generators import to_camel

__all__ = ["Field", "Secret", "SecretResolver", "Section"]


class Section(BaseModel):
    """Base of every configuration model.

    Python names are ``snake_case``, keys in the file their ``camelCase``; an unknown key is an
    error, values are frozen.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
        hide_input_in_errors=True,  # it may be a secret, or hold one
    )


class SecretResolver(Protocol):
    """Turns the forms in which a secret may be written into its text; the kernel has one."""

    def __call__(self, raw: object) -> str:
        """The secret's text.

        Raises:
            ValueError: the form is unknown, or what it points at is missing; the message names
                the variable or file, never a value.
        """
        ...


def _resolve(raw: Any, info: ValidationInfo) -> Any:
    if isinstance(raw, SecretStr):
        return raw
    resolver = (info.context or {}).get("secrets")
    if resolver is None:
        if isinstance(raw, str):
            return raw
        raise ValueError("only a plain string is possible here")
    return resolver(raw)


Secret = Annotated[SecretStr, BeforeValidator(_resolve)]
"""A secret: a string, ``"${NAME}"``, ``{env}``, ``{file}``, ``{exec}`` or the OpenClaw form.

Prints as ``**********``; ``.get_secret_value()`` gives the text.
"""
