"""Is every field that holds a secret typed so, in the kernel and in whatever is installed?"""

from __future__ import annotations

import os
import re
from typing import Any

import pytest
from pydantic import BaseModel

from voicecall.config.models import fields_below, holds_secret, options_of
from voicecall.config.schema import Settings
from voicecall.plugins.loader import load_plugins
from voicecall.sdk import Secret, Section

NAMED_LIKE_A_SECRET = re.compile(
    r"(^|_)(tokens?|secrets?|passwords?|passwd|passphrases?|passcodes?|pins?|credentials?|keys?|"
    r"bearer|authorization|auth|headers?|cookies?|env|environment|dsn|jwt|pem)$"
)
"""What the name of a field ends in that may hold what nobody should see, in snake case."""

ARE_NONE: frozenset[str] = frozenset()
"""Fields that are called so, may hold text and are no secrets; say beside each why."""


def unguarded(model: type[BaseModel]) -> set[str]:
    """The fields that are named like a secret, may hold text, and are none."""
    return {
        ".".join(map(str, path))
        for path, annotation in fields_below(model)
        if isinstance(path[-1], str)
        and NAMED_LIKE_A_SECRET.search(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", path[-1]).lower())
        and may_be_text(annotation)
        and not holds_secret(annotation)
    }


def may_be_text(annotation: Any) -> bool:
    inside = [annotation, *(inner for _, inner in fields_below(annotation))]
    return bool({str, object, Any} & {option for each in inner_options(inside) for option in each})


def inner_options(annotations: list[Any]) -> list[list[Any]]:
    return [list(options_of(annotation)) for annotation in annotations]


def test_a_field_with_the_name_of_a_secret_is_one() -> None:
    found = {f"voicecall:{path}" for path in unguarded(Settings)}
    for spec in load_plugins(os.environ).all_specs():
        found |= {f"{spec.kind}:{spec.name}:{path}" for path in unguarded(spec.config)}
    assert found == ARE_NONE, "type it Secret, or write down why it is none"


@pytest.mark.parametrize(
    ("annotation", "missed"),
    [(str, True), (str | None, True), (dict[str, str], True), (tuple[str, ...], True)]
    + [(int, False), (bool, False), (Secret, False), (dict[str, Secret], False)],
)
def test_one_that_forgets_the_type_is_caught(annotation: Any, missed: bool) -> None:
    names = {"api_key": annotation, "old_auth_token": annotation, "headers": annotation}
    body = {"__annotations__": {**names, "keywords": str, "token_path_hint": str}}
    forgetful = type("Forgetful", (Section,), {**body, "__module__": __name__})
    assert unguarded(forgetful) == ({"apiKey", "oldAuthToken", "headers"} if missed else set())
