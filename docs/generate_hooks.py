"""What may a plugin implement, receive and import? Rewrites the reference in docs/hooks.md.

    python docs/generate_hooks.py

What stands above the marker in that page is written by hand and kept; the rest comes from the
docstrings and definitions of `voicecall.sdk` and of what it re-exports, read and not imported.
A test compares the committed page with what this would write.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
KERNEL = HERE.parent / "voicecall"
PAGE = HERE / "hooks.md"
MARKER = "<!-- From here on written by docs/generate_hooks.py; edit the docstrings. -->"

SECTIONS = {
    "Specs": ["sdk/specs.py"],
    "A plugin's section": ["sdk/config.py"],
    "A provider": ["sdk/provider.py", "sdk/moved.py"],
    "Webhooks and their signatures": [
        "model/webhook.py",
        "sdk/signatures.py",
        "sdk/rotation.py",
    ],
    "What a carrier reports": ["model/carrier_events.py"],
    "What a carrier is told": ["model/instructions.py"],
    "Audio": ["model/media.py"],
    "HTTP and time": ["sdk/http.py", "sdk/clock.py"],
    "Speech backends": ["sdk/tts.py", "sdk/stt.py", "sdk/reconnecting.py", "sdk/vad.py"],
    "A responder": ["sdk/responder.py", "sdk/reply_lines.py", "model/speech.py"],
    "An exposure": ["sdk/exposure.py"],
    "An event sink": ["sdk/sink.py", "model/call_events.py", "model/call.py"],
    "Ids and numbers": ["model/ids.py", "model/phone.py"],
    "Errors": ["errors.py"],
    "A command of a plugin": ["sdk/commands.py"],
}
"""Heading → the modules below it, in the order of the page."""

ENTRY = re.compile(r"^ {4}(?=\S)(.*?)(?=^ {4}\S|\Z)", re.MULTILINE | re.DOTALL)
PART = re.compile(r"^(Args|Returns|Raises):$", re.MULTILINE)


def page(current: str) -> str:
    """The page with its hand-written head from `current` and the reference anew."""
    head = current.partition(MARKER)[0]
    lines = [MARKER, "", "## Hooks", "", "| hook | returns | |", "|---|---|---|", *_hooks(), ""]
    public = exported()
    for title, modules in SECTIONS.items():
        lines += [f"## {title}", ""]
        for module in modules:
            lines += _module(module, public)
    return head + re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip("\n") + "\n"


def exported() -> set[str]:
    """Every name that `voicecall.sdk` offers, and the Protocol of commands beside it."""
    for node in ast.parse(_source("sdk/__init__.py")).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.List):
            return {*ast.literal_eval(node.value), "CommandKit"}
    raise LookupError("voicecall/sdk/__init__.py has no __all__")


def _source(module: str) -> str:
    return (KERNEL / module).read_text(encoding="utf-8")


def _hooks() -> Iterator[str]:
    for node in ast.parse(_source("sdk/hookspecs.py")).body:
        if isinstance(node, ast.FunctionDef) and node.returns is not None:
            returned = _code(ast.unparse(node.returns))
            yield f"| `{node.name}` | {returned} | {' '.join(_text(node))} |"


def _module(module: str, public: set[str]) -> Iterator[str]:
    source = _source(module)
    tree, lines = ast.parse(source), source.splitlines()
    if module == "errors.py":
        yield from ("```text", *_tree(ast.get_docstring(tree) or ""), "```", "")
    for node, after in zip(tree.body, [*tree.body[1:], None], strict=True):
        name = _name(node)
        if name not in public:
            continue
        if isinstance(node, ast.ClassDef):
            if module != "errors.py" or _own_start(node):
                yield from _class(node, lines)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from (f"### `{_signature(node)}`", "", *_text(node), "")
        else:
            yield from _constant(node, name, after)


def _tree(docstring: str) -> list[str]:
    _, _, drawn = docstring.partition("::\n\n")
    return inspect.cleandoc(drawn.split("\n\n")[0]).splitlines()


def _own_start(node: ast.ClassDef) -> bool:
    return any(isinstance(each, ast.FunctionDef) and each.name == "__init__" for each in node.body)


def _name(node: ast.stmt) -> str:
    match node:
        case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
            return name
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            return name
    return ""


def _constant(node: ast.stmt, name: str, after: ast.stmt | None) -> Iterator[str]:
    assert isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None
    value = ast.unparse(node.value)
    yield from (f"### `{name}`", "", _code(value if value.count("|") < 2 else _one_of(value)), "")
    if text := _below(after):
        yield from (text, "")


def _one_of(union: str) -> str:
    return union.replace(" | ", ", ")


def _class(node: ast.ClassDef, lines: list[str]) -> Iterator[str]:
    bases = [ast.unparse(base) for base in node.bases]
    kept = [base for base in bases if base not in ("ABC", "Protocol", "BaseModel")]
    yield from (f"### `{node.name}`" + (f" ({_listed(kept)})" if kept else ""), "")
    yield from (*_text(node), "")
    if fields := list(_fields(node, lines)):
        yield from ("```python", *fields, "```", "")
    for each in node.body:
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) and _is_told(each):
            yield from (f"* `{_signature(each)}`{_marks(each)}", "")
            yield from (f"  {line}" if line else "" for line in (*_text(each), ""))


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _is_told(method: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return not method.name.startswith("_") or method.name in ("__init__", "__call__", "__aiter__")


def _marks(method: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    decorators = {ast.unparse(each) for each in method.decorator_list}
    marks = [text for name, text in MARKS.items() if name in decorators]
    return f" ({', '.join(marks)})" if marks else ""


SHOWN = {"kind", "section_paths"}
MARKS = {"property": "property", "abstractmethod": "required"}


def _fields(node: ast.ClassDef, lines: list[str]) -> Iterator[str]:
    """Fields, class variables and members, as they are written."""
    for each in node.body:
        match each:
            case ast.AnnAssign(target=ast.Name(id=name)) if not name.startswith("_"):
                pass
            case ast.Assign(targets=[ast.Name(id=name)]) if name.isupper() or name in SHOWN:
                pass
            case _:
                continue
        written = inspect.cleandoc("\n".join(lines[each.lineno - 1 : each.end_lineno]))
        yield from written.replace("field(default_factory=dict)", "{}").splitlines()


def _signature(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    start = "async " if isinstance(node, ast.AsyncFunctionDef) else ""
    given = ast.unparse(node.args).removeprefix("self, ").removeprefix("self")
    returned = f" -> {ast.unparse(node.returns)}" if node.returns is not None else ""
    name = node.name
    return f"{start}{name}({given}){returned if name != '__init__' else ''}"


def _code(text: str) -> str:
    return f"`{text.replace('|', chr(92) + '|')}`"


def _below(node: ast.stmt | None) -> str:
    """The docstring that stands below a constant."""
    match node:
        case ast.Expr(value=ast.Constant(value=str(text))):
            return _plain(inspect.cleandoc(text))
    return ""


def _text(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    """A docstring as Markdown: paragraphs, then a list for what it takes, gives and raises."""
    said, *parts = PART.split(_plain(ast.get_docstring(node) or ""))
    lines = _paragraphs(said.strip())
    for title, body in zip(parts[::2], parts[1::2], strict=True):
        lines += ["", *_part(title, body)]
    return lines


def _paragraphs(text: str) -> list[str]:
    blocks = []
    for block in text.split("\n\n"):
        if block.startswith("    "):
            blocks += ["```python", *inspect.cleandoc(block).splitlines(), "```", ""]
        else:
            blocks += [*block.removesuffix(":").splitlines(), ""]
    return blocks[:-1]


def _part(title: str, body: str) -> Iterator[str]:
    for entry in ENTRY.findall(body):
        name, colon, text = " ".join(entry.split()).partition(": ")
        if title == "Returns" or not colon:
            yield f"* {title.lower()}: {' '.join(entry.split())}"
        elif title == "Raises":
            yield f"* raises `{name}`: {text}"
        else:
            yield f"* `{name}`: {text}"


def _plain(text: str) -> str:
    return text.replace("``", "`")


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
