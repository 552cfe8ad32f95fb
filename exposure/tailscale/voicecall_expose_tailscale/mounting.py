"""How do our mounts come, stay and go, without touching anybody else's?"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import replace

from voicecall.sdk import ExposureContext, ExposureError
from voicecall_expose_tailscale.daemon import Daemon
from voicecall_expose_tailscale.node import Node
from voicecall_expose_tailscale.plan import Plan
from voicecall_expose_tailscale.record import BY_HAND, GATEWAY, Ledger, Made, Record
from voicecall_expose_tailscale.serving import Mount, Serving


class Mounting:
    """The mounts of a gateway, or of `voicecall expose`.

    Whatever is not in one of the two markers exactly as it is served is somebody else's.

    Args:
        daemon: that serves them.
        context: lent by the kernel; `by_hand` says whose they are.
    """

    def __init__(self, daemon: Daemon, context: ExposureContext) -> None:
        self._daemon = daemon
        self._by_hand = context.by_hand
        self._logger: logging.Logger | logging.LoggerAdapter[logging.Logger] = context.logger
        names = (BY_HAND, GATEWAY) if context.by_hand else (GATEWAY, BY_HAND)
        self._mine, self._its = (Ledger(context.state_dir, name) for name in names)

    @property
    def mounts(self) -> frozenset[Mount]:
        """What is noted as made by us."""
        return self._mine.read().mounts

    async def put_up(self, plan: Plan, node: Node) -> None:
        """Make what is missing of `plan`, which may be nothing.

        Raises:
            ExposureError: somebody else uses the port, or it was refused.
        """
        serving = await self._daemon.serving()
        wanted, at = plan.mounts(node.host), (node.host, plan.port)
        if self._stands(plan, node, serving):
            self._claim(plan, wanted, serving)
            return
        self._refuse_others(plan, serving)
        missing = [each for each in wanted if each not in serving.mounts]
        self._note(missing, at, serving)
        for mount in missing or wanted[:1]:
            await self._daemon.put(mount, funnel=plan.funnel)
        serving = await self._daemon.serving()
        if not self._stands(plan, node, serving):
            raise ExposureError(
                f"tailscale said nothing against it, but does not serve {wanted[0]}",
                remedy="look with `tailscale serve status`, and try again",
            )
        self._refuse_others(plan, serving)

    async def take_down(self, keep: Collection[Mount] = ()) -> bool:
        """Take away what the marker says and is still as it says, but for `keep`, put back what
        was there before, and forget it; whether anything was taken away.

        Raises:
            ExposureError: it was refused. The marker stays.
        """
        record = self._mine.read()
        ending = [each for each in record.made if each.mount not in keep]
        if not ending and not record.funnels:
            self._mine.write(record)
            return False
        serving, node = await self._daemon.serving(), await self._daemon.node()
        shared = self._its.read().mounts
        there = [each for each in ending if each.mount in serving.mounts - shared]
        gone = [each for each in there if each.mount.host == node.host]
        for made in gone:
            await self._undo(made, record, serving)
        if shared:
            await self._set_back(record, shared, node)
        lost = [each.mount for each in there if each not in gone]
        if lost:
            self._logger.warning(
                "this machine has another name in Tailscale now; under the old one stays %s",
                ", ".join(map(str, lost)),
            )
        self._mine.write(replace(record.only([*lost, *keep]), funnels={}))
        return bool(gone)

    # -- what is looked at

    def _stands(self, plan: Plan, node: Node, serving: Serving) -> bool:
        return (
            serving.mounts.issuperset(plan.mounts(node.host))
            and serving.is_funnel(node.host, plan.port) is plan.funnel
        )

    def _refuse_others(self, plan: Plan, serving: Serving) -> None:
        mine, its = self._mine.read().mounts, self._its.read().mounts
        # A gateway may be alive; what was made by hand has nobody behind it any more.
        ours = mine if self._by_hand else mine | its
        if others := serving.others(plan.port, ours):
            gateways = self._by_hand and not serving.others(plan.port, mine | its)
            whose = "a gateway's" if gateways else "somebody else's"
            raise ExposureError(
                f"port {plan.port} of Tailscale has {whose} {' and '.join(others[:3])}",
                remedy=_another_port(plan),
            )

    # -- what is noted

    def _claim(self, plan: Plan, wanted: Sequence[Mount], serving: Serving) -> None:
        """All is there, made by us, by a gateway, or by hand; by hand means that it shall stay."""
        if not (self._mine.read().mounts | self._its.read().mounts).issuperset(wanted):
            self._refuse_others(plan, serving)
        if self._by_hand:
            self._note(wanted, (wanted[0].host, plan.port), serving)

    def _note(self, mounts: Sequence[Mount], at: tuple[str, int], serving: Serving) -> None:
        record = self._mine.read()
        before = {(each.host, each.port, each.path): each.target for each in serving.mounts}
        made = [Made(mount=mount, before=self._before(before, mount)) for mount in mounts]
        known = record.funnels.get(at, serving.is_funnel(*at))
        funnels = {} if self._by_hand else {**record.funnels, at: known}
        self._mine.write(replace(record.with_made(made), funnels=funnels))

    def _before(self, before: dict[tuple[str, int, str], str], mount: Mount) -> str | None:
        """What a gateway puts back: what was made by hand, and led elsewhere."""
        target = before.get((mount.host, mount.port, mount.path))
        return None if self._by_hand or target == mount.target else target

    # -- what is undone

    async def _undo(self, made: Made, record: Record, serving: Serving) -> None:
        mount, at = made.mount, (made.mount.host, made.mount.port)
        is_funnel = serving.is_funnel(*at)
        former = made.before and replace(mount, target=made.before)
        if former and former in self._its.read().mounts:
            alone = not serving.others(mount.port, record.mounts | self._its.read().mounts)
            funnel = record.funnels.get(at, is_funnel) if alone else is_funnel
            await self._daemon.put(former, funnel=funnel)
        else:
            await self._daemon.off(mount, funnel=is_funnel)

    async def _set_back(self, record: Record, shared: frozenset[Mount], node: Node) -> None:
        """Where only the other one's mounts remain, Funnel is as it was before."""
        serving = await self._daemon.serving()
        for (host, port), before in record.funnels.items():
            left = sorted(each for each in serving.mounts & shared if each.port == port)
            others = serving.others(port, shared)
            changed = serving.is_funnel(host, port) is not before
            if left and changed and not others and host == node.host:
                await self._daemon.put(left[0], funnel=before)


def _another_port(plan: Plan) -> str:
    ports = "443, 8443 or 10000" if plan.funnel else "another one"
    return (
        f"set tailscale.port to {ports}, whichever is free, or take away what is there "
        f"(`tailscale serve status` shows it)"
    )
