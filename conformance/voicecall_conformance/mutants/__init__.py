"""Which broken providers does the suite have to catch? At least one for every rule."""

from voicecall_conformance.mutants import acting, failing, hearing, streaming, verifying
from voicecall_conformance.mutants.wrapped import Mutant, infect

MUTANTS: tuple[type[Mutant], ...] = (
    *verifying.MUTANTS,
    *hearing.MUTANTS,
    *acting.MUTANTS,
    *streaming.MUTANTS,
    *failing.MUTANTS,
)

__all__ = ["MUTANTS", "Mutant", "infect"]
