"""Which broken providers does the suite have to catch? At least one for every rule."""

from voicecall_conformance.mutants import (
    dialling,
    failing,
    hearing,
    renewing,
    streaming,
    telling,
    verifying,
)
from voicecall_conformance.mutants.wrapped import Mutant, infect

MUTANTS: tuple[type[Mutant], ...] = (
    *verifying.MUTANTS,
    *renewing.MUTANTS,
    *hearing.MUTANTS,
    *dialling.MUTANTS,
    *telling.MUTANTS,
    *streaming.MUTANTS,
    *failing.MUTANTS,
)

__all__ = ["MUTANTS", "Mutant", "infect"]
