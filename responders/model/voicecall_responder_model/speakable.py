"""How does a written sentence sound? Without markup, with addresses and numbers spelled out."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable

_WORDS = {
    "en": {".": "dot", "@": "at", "/": "slash", "-": "dash", "_": "underscore", "+": "plus"},
    "de": {".": "Punkt", "@": "ät", "/": "Schrägstrich", "-": "Strich", "_": "Unterstrich"},
    "fr": {".": "point", "@": "arobase", "/": "slash", "-": "tiret", "_": "tiret bas"},
    "es": {".": "punto", "@": "arroba", "/": "barra", "-": "guion", "_": "guion bajo"},
    "it": {".": "punto", "@": "chiocciola", "/": "barra", "-": "trattino", "_": "trattino basso"},
    "nl": {
        ".": "punt",
        "@": "apenstaartje",
        "/": "slash",
        "-": "streepje",
        "_": "liggend streepje",
    },
    "pt": {".": "ponto", "@": "arroba", "/": "barra", "-": "hífen", "_": "sublinhado"},
}
"""How the marks of addresses are read, by language."""
_PLUS = {"es": "más", "it": "più", "pt": "mais"}
_STAR = {"en": "star", "de": "Stern", "fr": "étoile", "nl": "sterretje"}

_TOKEN = re.compile(r"<\|channel\|>\w*|<\|[^|<>]*\|>")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>|<!--.*?-->")
_LINK = re.compile(r"!?\[([^\]]*)\]\([^()\s]*(?:\s+\"[^\"]*\")?\)")
_PREFIX = re.compile(r"[ \t]*(?:#{1,6}(?=[ \t])|>|[*•◦▪‣–+-](?=[ \t]))[ \t]*")
_NUMBERED = re.compile(r"[ \t]*\(?(\d{1,3}|[a-z])[.)][ \t]+(?=\S)")
_RULE = re.compile(r"[ \t|:*_=-]*")
_ADDRESS_TAIL = r"(?:/[^\s<>\"'()\[\]]*)?"
_EMAIL = re.compile(r"(?:mailto:)?[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_URL = re.compile(
    r"(?:https?://|www\.)[^\s<>\"'()\[\]]+"
    r"|\b(?:[\w-]+\.)+(?:com|org|net|info|io|co|ai|app|dev|gov|edu|eu|uk|de|fr|es|it|nl|ch|at|br)\b"
    + _ADDRESS_TAIL,
    re.IGNORECASE,
)
_PHONE = re.compile(
    r"(?<![\w.,$€£¥/-])(?:\+\d[\d ()./-]{5,18}\d|\(?\d{3}\)?[-. ]\d{3}[-. ]\d{4}|\d{7,})"
    r"(?![\w%€£¥]|[.,/-]\d)"
)
_ROUND = re.compile(r"[1-9]\d*0{5,}")
_ARROW = re.compile(r"\s*(?:[-=]+>|[→⇒➔➜⟶])\s*")
_EMPHASIS = re.compile(r"\*\*|__|~~|(?<!\w)[*_]+(?=\w)|(?<=[\w.,!?;:'\")])[*_]+(?!\w)")
_BLANKS = re.compile(r"\s+")
_BEFORE_MARK = re.compile(r" +(?=[,.;:!?](?:\s|$))")
_EMPTY_BRACKETS = re.compile(r"\(\s*\)")
_KEPT_SYMBOLS = "°%‰"
_DROPPED = ("So", "Sk", "Cc", "Cf", "Cs", "Co", "Cn", "Me")
_ZWNJ = "\u200c"


def speakable(text: str, language: str = "en") -> str:
    """`text`, one sentence or line of markdown or plain text, as it is to be said.

    Returns:
        Plain text in one line; ``""`` when there is nothing to say.
    """
    words = _words(language)
    if _RULE.fullmatch(text.strip()):
        return ""
    text = html.unescape(_TAG.sub(" ", _TOKEN.sub(" ", text)))
    text, listed = _without_prefix(_LINK.sub(r"\1", text))
    if text.lstrip().startswith("|"):
        text, listed = ", ".join(map(str.strip, text.strip(" \t\n|").split("|"))), True
    text = _EMAIL.sub(_reading(words), text.replace("`", ""))
    text = _URL.sub(_reading(words), text)
    text = _PHONE.sub(lambda match: _digits(match[0], words), text)
    text = _plain(_ARROW.sub(", ", _EMPHASIS.sub("", text)), words)
    if not any(map(str.isalnum, text)):
        return ""
    return f"{text}." if listed and text[-1].isalnum() else text


def _words(language: str) -> dict[str, str]:
    base = language.partition("-")[0]
    own = _WORDS.get(base, {})
    plus, star = _PLUS.get(base, "plus"), _STAR.get(base, "asterisco" if own else "star")
    return {**_WORDS["en"], "+": plus, "*": star, **own}


def _without_prefix(text: str) -> tuple[str, bool]:
    """`text` without the marks of a heading, a quotation or a list, and whether it had any."""
    stripped, listed = text.lstrip("\n"), False
    while match := _PREFIX.match(stripped):
        stripped, listed = stripped[match.end() :], True
    if match := _NUMBERED.match(stripped):
        return f"{match[1]}: {stripped[match.end() :]}", True
    return stripped, listed


def _reading(words: dict[str, str]) -> Callable[[re.Match[str]], str]:
    def read(match: re.Match[str]) -> str:
        address = match[0].rstrip(".,;:!?*_")
        rest = match[0][len(address) :]
        bare = re.sub(r"^(?:mailto:|https?://)?(?:www\.)?", "", address, flags=re.IGNORECASE)
        bare = re.split(r"[?#]", bare)[0].rstrip("/")
        spelled = re.sub(r"[.@/_+-]", lambda mark: f" {words[mark[0]]} ", bare)
        return _BLANKS.sub(" ", spelled).strip() + rest

    return read


def _digits(number: str, words: dict[str, str]) -> str:
    """A telephone number or the like, digit by digit, with a pause between its groups."""
    if _ROUND.fullmatch(number):
        return number
    groups = re.findall(r"\d+", number)
    if len(groups) == 1:
        (run,) = groups
        groups = [run[start : start + 3] for start in range(0, len(run), 3)]
        if len(groups[-1]) == 1:
            groups[-2:] = [groups[-2] + groups[-1]]
    spelled = ", ".join(" ".join(group) for group in groups)
    return f"{words['+']} {spelled}" if number.startswith("+") else spelled


def _plain(text: str, words: dict[str, str]) -> str:
    """Without what no voice can say."""
    text = re.sub(r"(?<=\w)_(?=\w)", " ", text)
    text = re.sub(r"(?<=\d)\s*\*\s*(?=\d)", " × ", text)
    text = re.sub(r"(?<!\S)\*(?!\S)", words["*"], text)
    text = re.sub(r"(?<=\S)[<>]|[<>](?=\S)", "", "".join(map(_said, text)))
    text = _BLANKS.sub(" ", _EMPTY_BRACKETS.sub("", text))
    return _BEFORE_MARK.sub("", text).strip(" ,;")


def _said(character: str) -> str:
    if character in "*_~|[]{}\\^":
        return " " if character == "|" else ""
    if character in _KEPT_SYMBOLS or character in " \t\n" or character == _ZWNJ:
        return character
    dropped = unicodedata.category(character) in _DROPPED or "\ufe00" <= character <= "\ufe0f"
    return "" if dropped else character
