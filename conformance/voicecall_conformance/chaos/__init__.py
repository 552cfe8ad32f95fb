"""Bad weather between a carrier's double and a gateway, repeatable by its seed.

* `ChaosProxy`: a TCP proxy whose connections are slow, cut, half-open, or come byte by byte.
* `FailingFront`: an HTTP front of a REST API that fails in every way such an API can, before the
  request was carried out and after it.
* `Storm`: the dice of both, and whether it blows now.
"""

from voicecall_conformance.chaos.front import CARRIED_OUT, NOT_CARRIED_OUT, FailingFront, RestFault
from voicecall_conformance.chaos.proxy import CALM, ChaosProxy, Weather
from voicecall_conformance.chaos.storm import Harshness, Storm

__all__ = [
    "CALM",
    "CARRIED_OUT",
    "NOT_CARRIED_OUT",
    "ChaosProxy",
    "FailingFront",
    "Harshness",
    "RestFault",
    "Storm",
    "Weather",
]
