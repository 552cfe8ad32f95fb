"""Which faults does an STT backend have? All of them, in one list."""

from __future__ import annotations

from voicecall_conformance.speech.mutants import Mutant, infect, package_mutants
from voicecall_conformance.speech.stt import misconnecting, mishearing

__all__ = ["MUTANTS", "infect"]

MUTANTS: tuple[type[Mutant], ...] = (
    mishearing.LosesAWord,
    mishearing.SaysItTwice,
    mishearing.ForgetsToBegin,
    mishearing.LagsBehind,
    mishearing.KeepsItToItself,
    mishearing.Stammers,
    mishearing.HearsGhosts,
    mishearing.LeavesItOpen,
    mishearing.CannotTell,
    mishearing.IsTooSure,
    misconnecting.SkipsAFrame,
    mishearing.Crowds,
    mishearing.CannotStop,
    mishearing.Muddles,
    misconnecting.RetriesCredentials,
    misconnecting.ForgetsTheKey,
    misconnecting.GivesUp,
    misconnecting.RetriesRefusals,
    misconnecting.HearsOnQuietly,
    misconnecting.Hoards,
    misconnecting.DropsInSecret,
    misconnecting.ForgetsWhatIsNew,
    misconnecting.EndsQuietly,
    misconnecting.LeavesItHanging,
    misconnecting.CountsNothing,
    mishearing.QuotesTheCaller,
    mishearing.LogsTheText,
    *package_mutants("stt"),
)
