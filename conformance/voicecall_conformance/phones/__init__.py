"""The vendor-neutral half of a carrier's live double: phones, people, a tunnel, webhooks out.

`CarrierNetwork` is the double: a REST API on a loopback port, and the calls that it carries. A
vendor's double subclasses it and translates wires only:

* `answer` reads a REST request; a dial makes a `Leg` with `self.leg` and starts it with `begin`.
* For every call there is an object of the vendor's, an `Exchange`: it posts what happens
  (`ringing`, `answered`, `ended`) through a `Poster`, and does on the `Leg` what the gateway
  tells: `say`, `gather`, `send_digits`, `pick_up`, `hang_up`, `transfer`.
* A media stream is a `MediaSocket` between the gateway and the leg's line: what arrives goes to
  ``leg.line.to_phone`` (`play`, `mark`, `clear`), what the phone says comes in frames of 20 ms
  µ-law to the function at ``leg.line.on_said``.

Whatever the carrier would complain about but not refuse, a vendor's double tells `fault`; whole
calls are tried with none (`voicecall_conformance.phones.gateway`).

People, their scripts and their ears are those of the simulated network (`voicecall_mock`): a
`Phone` has an `Outcome` and `steps` such as ``{listen: true}``, ``{say: "…"}``, ``{press: "1"}``.
"""

from voicecall_conformance.phones.leg import Exchange, Gathered, Leg, PhoneTools
from voicecall_conformance.phones.network import CarrierNetwork, Surroundings
from voicecall_conformance.phones.poster import (
    Delivery,
    Disorder,
    Letter,
    Posted,
    Poster,
    Reply,
    Retries,
)
from voicecall_conformance.phones.reach import Reach
from voicecall_mock.config import Backend, Outcome, Phone, Step
from voicecall_mock.network.gathering import Wanted
from voicecall_mock.network.plan import CallEnd
from voicecall_mock.network.socket import MediaSocket, StreamFailed
from voicecall_mock.network.sound import read_wav

__all__ = [
    "Backend",
    "CallEnd",
    "CarrierNetwork",
    "Delivery",
    "Disorder",
    "Exchange",
    "Gathered",
    "Leg",
    "Letter",
    "MediaSocket",
    "Outcome",
    "Phone",
    "PhoneTools",
    "Posted",
    "Poster",
    "Reach",
    "Reply",
    "Retries",
    "Step",
    "StreamFailed",
    "Surroundings",
    "Wanted",
    "read_wav",
]
