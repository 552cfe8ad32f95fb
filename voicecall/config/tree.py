"""What does the file say, and where? Values that keep their places through merges and moves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from voicecall.config.positions import KeyPath, Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a value comes from: a place in the document, or an environment variable."""

    path: KeyPath = ()
    mark: Mark | None = None
    variable: str | None = None


@dataclass(frozen=True, slots=True)
class Node:
    """A value: a scalar, a dict of nodes or a list of nodes. Changed by making a new one."""

    value: Any = field(repr=False)  # it may be a secret
    place: Place = field(default_factory=Place)

    @property
    def is_object(self) -> bool:
        """Whether it is an object."""
        return isinstance(self.value, dict)

    @property
    def members(self) -> dict[str, Node]:
        """Its members; none when it is no object."""
        return self.value if isinstance(self.value, dict) else {}

    def plain(self) -> Any:
        """The value without places, as the parser gave it."""
        if isinstance(self.value, dict):
            return {key: child.plain() for key, child in self.value.items()}
        if isinstance(self.value, list):
            return [child.plain() for child in self.value]
        return self.value

    def at(self, path: KeyPath) -> Node | None:
        """The node at `path` below this one, or None."""
        node: Node | None = self
        for step in path:
            node = node.child(step) if node else None
        return node

    def child(self, step: str | int) -> Node | None:
        """One member or item, or None."""
        if isinstance(step, str):
            return self.members.get(step)
        if isinstance(self.value, list) and 0 <= step < len(self.value):
            item: Node = self.value[step]
            return item
        return None

    def text(self, *path: str) -> str | None:
        """The string at `path`, None when there is none."""
        node = self.at(path)
        return node.value if node and isinstance(node.value, str) else None

    def put(self, path: KeyPath, node: Node) -> Node:
        """A copy in which `node` stands at `path`; objects on the way are made."""
        if not path:
            return node
        step, rest = path[0], path[1:]
        if isinstance(step, int):
            items = list(self.value)
            items[step] = items[step].put(rest, node)
            return replace(self, value=items)
        below = self.members.get(step, Node({}, node.place))
        return replace(self, value={**self.members, step: below.put(rest, node)})

    def drop(self, path: KeyPath) -> Node:
        """A copy in which nothing stands at `path`."""
        child = self.child(path[0])
        if child is None:
            return self
        step, rest = path[0], path[1:]
        kept = child.drop(rest) if rest else None
        if isinstance(step, int):
            middle = [] if kept is None else [kept]
            return replace(self, value=[*self.value[:step], *middle, *self.value[step + 1 :]])
        members = {key: kept if key == step else node for key, node in self.members.items()}
        return replace(self, value={key: node for key, node in members.items() if node})

    def walk(self, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Node]]:
        """Every node from here down with its path below this one, this one first."""
        yield path, self
        children: Mapping[Any, Node] = (
            dict(enumerate(self.value)) if isinstance(self.value, list) else self.members
        )
        for step, child in children.items():
            yield from child.walk((*path, step))


def build(value: Any, mark: Mark | None, path: KeyPath = ()) -> Node:
    """A tree of what the parser read, with places from the position reader."""
    place = Place(path=path, mark=mark)
    if isinstance(value, dict):
        return Node({key: _child(item, mark, path, key) for key, item in value.items()}, place)
    if isinstance(value, list):
        return Node([_child(item, mark, path, i) for i, item in enumerate(value)], place)
    return Node(value, place)


def _child(value: Any, mark: Mark | None, path: KeyPath, step: str | int) -> Node:
    return build(value, mark.child(step) if mark else None, (*path, step))
