"""What becomes of a URL that a carrier keeps, when ours is another? It moves, or it stays."""

from __future__ import annotations

from collections.abc import Mapping


def moved(kept: str, former: str, present: str) -> str | None:
    """`kept` at our present URL, its tail as it was; None where it is not to be touched.

    Args:
        kept: the URL that a carrier has.
        former: our webhook URL until now. `kept` is ours when it is this, or lies under it: a
            path, a query or a fragment follows. ``…/webhook2`` does not lie under ``…/webhook``.
        present: our webhook URL from now on. What lies under it already stays.
    """
    tail = _tail(kept, former)
    if tail is None or former == present:
        return None
    if _tail(present, former) and _tail(kept, present) is not None:
        return None
    return present.rstrip("/") + tail if tail.startswith("/") else present + tail


def all_moved(kept: Mapping[str, object], former: str, present: str) -> dict[str, str]:
    """Those of the URLs in `kept` that move, by their names; see `moved`.

    Args:
        kept: name → URL; what is no text is nobody's.
        former: our webhook URL until now.
        present: our webhook URL from now on.
    """
    texts = {name: url for name, url in kept.items() if isinstance(url, str)}
    found = {name: moved(url, former, present) for name, url in texts.items()}
    return {name: url for name, url in found.items() if url is not None}


def _tail(url: str, root: str) -> str | None:
    """What follows `root` in `url`; None: the one does not lie under the other."""
    if url == root:
        return ""
    stem = root.rstrip("/")
    tail = url.removeprefix(stem)
    return tail if url.startswith(stem) and tail.startswith(("/", "?", "#")) else None
