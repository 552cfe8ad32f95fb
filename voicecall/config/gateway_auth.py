"""Which token and password does our gateway take from the file of a whole gateway?

Those that its clients know already: the file's ``gateway.auth``.
Source: https://docs.openclaw.ai/gateway/configuration-reference
"""

from __future__ import annotations

from voicecall.config.report import Report
from voicecall.config.secrets import Secrets
from voicecall.config.tree import Node


def adopt_auth(section: Node, auth: Node | None, secrets: Secrets, report: Report) -> Node:
    """`section` with `gateway.token` and `gateway.password`, where it has none of its own.

    What cannot be read is left out with a warning, because it belongs to others.

    Args:
        section: the voice-call section.
        auth: ``gateway.auth`` of the file; None: there is none.
        secrets: reads secrets.
        report: takes the warnings.
    """
    ours = section.child("gateway")
    if auth is None or (ours is not None and not ours.is_object):
        return section
    for key in ("token", "password"):
        node = auth.child(key)
        if node is not None and section.at(("gateway", key)) is None:
            section = _adopted(section, key, node, secrets, report)
    return section


def _adopted(section: Node, key: str, node: Node, secrets: Secrets, report: Report) -> Node:
    try:
        secrets(node.plain())
    except ValueError as error:
        report.warning(
            f"the gateway's {key} is not used here: {error}",
            node,
            suggestion=f"or set gateway.{key} in the voice-call section",
        )
        return section
    return section.put(("gateway", key), node)
