"""How does a shell complete `voicecall …`? A script for each, made from the commands' parsers."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from voicecall.cli.options import WITH_VALUE
from voicecall.cli.shapes import Shape, Taken

_BASH = """\
# bash completion of voicecall. Load it with: source <(voicecall completion bash)
_voicecall() {
  local cur prev cmd word i skip
  COMPREPLY=()
  cur="${COMP_WORDS[COMP_CWORD]}"
  prev="${COMP_WORDS[COMP_CWORD-1]}"
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="${COMP_WORDS[i]}"
    if [[ -n $skip ]]; then skip=; continue; fi
    case "$word" in
      @globals@) skip=1 ;;
      -*) ;;
      *) cmd="$word"; break ;;
    esac
  done
  case "$cmd $prev" in
@values@
  esac
  case "$cmd" in
@words@
  esac
}
complete -F _voicecall voicecall
"""

_ZSH = """\
#compdef voicecall
# zsh completion of voicecall. Load it with: source <(voicecall completion zsh)
autoload -U +X bashcompinit && bashcompinit
"""


_ALONE = "__voicecall_without_command"


def bash(shapes: Sequence[Shape], others: Sequence[str]) -> str:
    """The script for bash. `others`: commands whose options are not known here."""
    anywhere = [line for one in shapes[0].options if one.is_global for line in _value("", one)]
    inside = [line for each in shapes for one in each.options for line in _value(each.name, one)]
    names = [*(shape.name for shape in shapes), *others]
    outside = ["--help", "--version", *_flags(shapes[0], only_global=True)]
    words = [_words('""', [*names, *dict.fromkeys(outside)])]
    words += [
        _words(shape.name, [*(c for p in shape.positionals for c in p.choices), *_flags(shape)])
        for shape in shapes
    ]
    return (
        _BASH.replace("@globals@", "|".join(WITH_VALUE))
        .replace("@values@", "\n".join([*anywhere, *inside]))
        .replace("@words@", "\n".join(words))
    )


def zsh(shapes: Sequence[Shape], others: Sequence[str]) -> str:
    """The script for zsh, which understands bash's."""
    return _ZSH + "".join(bash(shapes, others).splitlines(keepends=True)[1:])


def fish(shapes: Sequence[Shape], others: Sequence[str]) -> str:
    """The script for fish."""
    names = [*(shape.name for shape in shapes), *others]
    lines = [
        "# fish completion of voicecall. Load it with: voicecall completion fish | source",
        f"function {_ALONE}; not __fish_seen_subcommand_from {' '.join(names)}; end",
        "complete -c voicecall -f",
        *(_fish(shape.name, shape.summary) for shape in shapes),
        *(_fish(name, "") for name in others),
    ]
    for shape in shapes:
        seen = f"__fish_seen_subcommand_from {shape.name}"
        choices = " ".join(choice for one in shape.positionals for choice in one.choices)
        if choices:
            lines.append(f"complete -c voicecall -n {shlex.quote(seen)} -a {shlex.quote(choices)}")
        lines += [_fish_option(seen, one) for one in shape.options]
    return "\n".join(lines) + "\n"


def _value(command: str, one: Taken) -> list[str]:
    """What completes the value of an option of `command`; empty: where none is named yet."""
    if not one.metavar:
        return []
    kinds = {"files": "-f", "folders": "-d", "": ""}
    words = f"-W {shlex.quote(' '.join(one.choices))}" if one.choices else kinds[one.completes]
    reply = f'COMPREPLY=($(compgen {words} -- "$cur")); return' if words else "return"
    patterns = "|".join(f'"{command} {flag}"' for flag in one.flags)
    return [f"    {patterns}) {reply} ;;"]


def _words(name: str, words: Sequence[str]) -> str:
    return f'    {name}) COMPREPLY=($(compgen -W {shlex.quote(" ".join(words))} -- "$cur")) ;;'


def _flags(shape: Shape, *, only_global: bool = False) -> list[str]:
    return [flag for one in shape.options if one.is_global or not only_global for flag in one.flags]


def _fish(command: str, summary: str) -> str:
    told = f" -d {shlex.quote(summary)}" if summary else ""
    return f"complete -c voicecall -n {_ALONE} -a {shlex.quote(command)}{told}"


def _fish_option(seen: str, one: Taken) -> str:
    flags = " ".join(
        f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}" for flag in one.flags
    )
    value = ""
    if one.choices:
        value = f" -x -a {shlex.quote(' '.join(one.choices))}"
    elif one.metavar:
        value = " -r -F" if one.completes else " -x"
    return f"complete -c voicecall -n {shlex.quote(seen)} {flags}{value} -d {shlex.quote(one.help)}"
