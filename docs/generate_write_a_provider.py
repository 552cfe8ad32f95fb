"""What does the page for authors print of the example, of the rules and of the harness?

    python docs/generate_write_a_provider.py

docs/write-a-provider.md is written by hand but for its blocks, which begin with one of

    <!-- code: FILE: NAME NAME CLASS.METHOD -->    of examples/acme_provider/voicecall_acme
    <!-- rules: AREA -->                           of voicecall_conformance
    <!-- harness -->                               what an author's `ProviderHarness` says
    <!-- methods -->                               which methods it has
    <!-- words -->                                 the values that it exchanges with the suite

and end with ``<!-- end -->``; this fills them. A test compares the committed page with what this
would write.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from voicecall_conformance import (
    Asked,
    Commanded,
    Dialled,
    Failure,
    HungUp,
    ProviderHarness,
    RestAnswer,
    RestRequest,
)
from voicecall_conformance.requirements import REQUIREMENTS

HERE = Path(__file__).resolve().parent
PAGE = HERE / "write-a-provider.md"
PACKAGE = HERE.parent / "examples" / "acme_provider" / "voicecall_acme"
BLOCK = re.compile(
    r"(<!-- (code|rules|harness|methods|words)(?:: ([^>]*))? -->\n).*?(<!-- end -->)", re.DOTALL
)
WIDTH = 100
WORDS = (Dialled, Commanded, HungUp, Asked, Failure, RestRequest, RestAnswer)

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def page(current: str) -> str:
    """The page, with every block of `current` anew."""
    return BLOCK.sub(_filled, current)


def _filled(found: re.Match[str]) -> str:
    begin, kind, wish, end = found.groups()
    return begin + "\n".join([*FILLERS[kind](wish or ""), end])


# -- code


def _code(wish: str) -> Iterator[str]:
    file, _, names = wish.partition(": ")
    yield from ("```python", f"# voicecall_acme/{file}", *snippet(file, names.split()), "```")


def snippet(file: str, names: Iterable[str]) -> list[str]:
    """The definitions `names` of a module of the example, below the imports that they need."""
    source = (PACKAGE / file).read_text(encoding="utf-8")
    tree = ast.parse(source)
    lines = source.splitlines()
    shown: list[str] = []
    used: set[str] = set()
    open_class = ""
    for name in names:
        owner, _, last = name.rpartition(".")
        body = tree.body
        if owner:
            outer = _defined(body, owner)
            assert isinstance(outer, ast.ClassDef)
            if owner != open_class:
                shown += ["", "", lines[outer.lineno - 1], "    ..."]
                used |= _used(*outer.bases)
            body = outer.body
        node = _defined(body, last)
        shown += ["", *_source(node, lines)] if owner else ["", "", *_source(node, lines)]
        used |= _used(node)
        open_class = owner
    imports = list(_imports(tree.body, used))
    return [*imports, *shown] if imports else shown[2:]


def _defined(body: list[ast.stmt], name: str) -> Definition:
    for node in body:
        if isinstance(node, Definition) and node.name == name:
            return node
    raise LookupError(f"the example defines no {name!r}; mend the block in {PAGE.name}")


def _source(node: Definition, lines: list[str]) -> list[str]:
    first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
    return lines[first - 1 : node.end_lineno]


def _used(*nodes: ast.AST) -> set[str]:
    return {each.id for node in nodes for each in ast.walk(node) if isinstance(each, ast.Name)}


def _imports(body: list[ast.stmt], used: set[str]) -> Iterator[str]:
    """The imports of what is `used`, the standard library's above a blank line."""
    kinds: set[bool] = set()
    for node in body:
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        names = [each.name for each in node.names if (each.asname or each.name) in used]
        if not names:
            continue
        of_module = isinstance(node, ast.ImportFrom)
        top = ((node.module if of_module else names[0]) or "").partition(".")[0]
        if kinds and (top in sys.stdlib_module_names) not in kinds:
            yield ""
        kinds.add(top in sys.stdlib_module_names)
        start = f"from {node.module} import " if of_module else "import "
        line = start + ", ".join(names)
        if len(line) <= WIDTH:
            yield line
        else:
            yield from (f"{start}(", *(f"    {name}," for name in names), ")")


# -- rules


def _rules(area: str) -> Iterator[str]:
    rules = [rule for rule in REQUIREMENTS.values() if rule.area == area]
    assert rules, f"there is no area {area!r}"
    yield from ("| rule | level | |", "|---|---|---|")
    for rule in rules:
        text = rule.text.replace("|", "\\|")
        yield f"| `{rule.id}` | {rule.level} | {text} |"


# -- the harness


def _harness(_: str) -> Iterator[str]:
    yield from ("| | |", "|---|---|")
    for name, text in _attributes().items():
        cell = " ".join(text.split()).replace("``", "`").replace("|", "\\|")
        yield f"| `{name}` | {cell} |"


def _words(_: str) -> Iterator[str]:
    """The values that a harness and the suite exchange, as they are written."""
    yield "```python"
    for number, word in enumerate(WORDS):
        yield from (["", ""] if number else [])
        yield from inspect.getsource(word).rstrip().splitlines()
    yield "```"


def _attributes() -> dict[str, str]:
    """What a harness says of its carrier, with the docstrings below."""
    (tree,) = ast.parse(inspect.getsource(ProviderHarness)).body
    assert isinstance(tree, ast.ClassDef)
    told: dict[str, str] = {}
    for node, after in zip(tree.body, tree.body[1:], strict=False):
        match node, after:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(ast.Constant(value=str(text))):
                default = f" = {ast.unparse(node.value)}" if node.value else ""
                told[name + default] = text
    return told


def _methods(_: str) -> Iterator[str]:
    """Every method for authors as it is written, those that have to be first."""
    lines = inspect.getsource(ProviderHarness).splitlines()
    (tree,) = ast.parse("\n".join(lines)).body
    assert isinstance(tree, ast.ClassDef)
    methods = [each for each in tree.body if isinstance(each, ast.FunctionDef)]
    methods = [each for each in methods if each.name == "__init__" or each.name[0] != "_"]
    yield from ("```python", lines[tree.lineno - 1])
    for number, method in enumerate(sorted(methods, key=lambda each: not _is_abstract(each))):
        text = method.body[0]
        head = lines[method.lineno - 1 : text.lineno - 1]
        yield from ([""] if number else [])
        if isinstance(text, ast.Expr):
            yield from (*head, *lines[text.lineno - 1 : text.end_lineno])
        else:
            yield from (*head[:-1], f"{head[-1]} ...")  # `__init__`, which the class tells
    yield "```"


def _is_abstract(method: ast.FunctionDef) -> bool:
    return any(ast.unparse(each) == "abstractmethod" for each in method.decorator_list)


FILLERS: dict[str, Callable[[str], Iterator[str]]] = {
    "code": _code,
    "rules": _rules,
    "harness": _harness,
    "methods": _methods,
    "words": _words,
}


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
