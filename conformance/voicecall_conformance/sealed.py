"""How is a suite kept from being softened? A class that overrides a test is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from voicecall_conformance.rules import Suite


class Sealed(Suite):
    """Base of a suite that is whole: those who derive from *that* may not override its tests."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Refuse a subclass that would soften a rule.

        Raises:
            TypeError: it overrides a test, itself or by a class that it mixes in.
        """
        super().__init_subclass__(**kwargs)
        for whole in (base for base in cls.__mro__[1:] if Sealed in base.__bases__):
            names = sorted(name for name, _ in proofs_in(whole))
            softened = [
                name for name in names if getattr(cls, name, None) is not getattr(whole, name)
            ]
            if softened:
                raise TypeError(
                    f"{cls.__name__} overrides {', '.join(softened)}; a rule that the plugin "
                    "cannot keep is a Deviation(reason) in the harness's `deviations`"
                )


def proofs_in(suite: type[Suite]) -> Iterator[tuple[str, str]]:
    """Name and requirement id of every test in `suite`."""
    for name in dir(suite):
        requirement = getattr(getattr(suite, name), "requirement", None)
        if requirement is not None:
            yield name, requirement
