"""Does somebody ask not to be called again? The usual words for it, in a few languages.

Who says so by any reasonable means must be heeded, see
https://www.ecfr.gov/current/title-47/section-64.1200 (a)(10), and a mistake is taken back by the
operator; so in doubt the wish counts. What only tells of others ("he won't stop calling me") does
not.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_ME = r"(?:me|us|here|this (?:number|phone|house)|(?:my|our) (?:\w+ )?(?:number|phone|house|home))"
_NOT = r"(?:do not|don't|dont|never|must not|mustn't|should not|shouldn't)"
_CALL = r"(?:call|phone|ring|contact|telephone|bother|disturb|harass)"
_CALLING = r"(?:calling|phoning|ringing|contacting|telephoning|bothering|disturbing|harassing)"
_MORE = r"(?:again|any ?more|any longer|ever|at all|back|please|in (?:the )?future)"
_LIST = r"(?:list|lists|database|system|records|files?)"
_OFF = r"(?:off|from|out of)"

_ENGLISH = (
    rf"(?<!won't )(?<!wont )(?<!n't )(?<!never )(?<!not )\b(?:stop|quit|cease)"
    rf" (?:\w+ )?{_CALLING}(?: {_ME}\b|$| please\b| now\b| and\b)",
    rf"\b{_NOT} (?:you )?(?:dare )?(?:ever )?{_CALL} {_ME}(?:$| (?:\w+ )?{_MORE}\b| and\b)",
    rf"\b{_NOT} (?:ever )?call (?:again|back|any ?more)\b",
    r"\bno more (?:phone )?calls\b",
    rf"\b(?:take|remove|delete|get|strike|scratch) (?:{_ME}|my name) {_OFF}"
    rf" (?:\w+ ){{1,4}}{_LIST}\b",
    rf"\b(?:taken|removed|deleted) {_OFF} (?:\w+ ){{1,4}}{_LIST}\b",
    rf"\b(?:take|remove|delete) {_ME}(?:$| please\b)",
    rf"\b(?:put|add|place) {_ME} (?:on|to|onto) (?:\w+ )?do[- ]not[- ]call\b",
    rf"\b{_NOT} (?:want|wish|like)(?: you| anyone| anybody| any of you)? (?:to )?"
    r"(?:be )?(?:called|calling|call me|phone me|contacted|contact me)\b",
    rf"\b{_NOT} (?:want|wish) (?:any|your|these|those|further|more)(?: \w+)? (?:phone )?calls\b",
    r"\b(?:opt|opting) (?:me |us )?out\b",
    r"\bunsubscribe(?: me| us)?(?:$| please\b| from\b)",
    r"\blose (?:my|this|our) number\b",
    r"\bdo[- ]not[- ]call list\b",
)
_GERMAN = (
    r"\b(?:ruf|rufe|rufen|rufst)\b(?: \w+){0,3} (?:nicht|nie)(?: \w+)? (?:mehr|wieder)\b"
    r"(?: \w+)? an\b",
    r"\b(?:nicht|nie|keinesfalls) (?:mehr|wieder|noch einmal)(?: \w+)? (?:anrufen|angerufen)\b",
    r"\bkeine (?:weiteren )?anrufe mehr\b",
    r"\bkeine weiteren anrufe\b",
    r"\b(?:horen|hor|hort) (?:sie )?auf(?: \w+)? anzurufen\b",
    r"\b(?:streichen|loschen|entfernen|nehmen)\b(?: \w+){0,4} (?:nummer|liste|daten|verteiler)\b",
)
_FRENCH = (
    r"\bne (?:me |m'|nous )?(?:rappelez|appelez|telephonez|contactez|rappelle|appelle)"
    r"(?: \w+)? (?:plus|jamais)\b",
    r"\b(?:arretez|cessez|arrete) de (?:m'|me |nous )?"
    r"(?:appeler|rappeler|telephoner|contacter|deranger)\b",
    r"\b(?:retirez|supprimez|enlevez|effacez|rayez)\b(?: \w+|-moi){0,3} (?:numero|liste|fichier)\b",
    r"\bplus (?:etre|jamais etre) (?:appele|contacte|demarche)e?\b",
)
_SPANISH = (
    r"\bno (?:me |nos )?(?:vuelva|vuelvan|vuelvas) a (?:llamar|contactar)(?:me|nos)?\b",
    r"\bno (?:me |nos )?(?:llame|llamen|llames|contacte|contacten) (?:mas|nunca|otra vez)\b",
    r"\b(?:deje|dejen|deja|paren|pare) de (?:llamar|molestar|contactar)(?:me|nos)?\b",
    r"\b(?:borre|borren|elimine|eliminen|quite|quiten|saque|saquen)(?:me)?\b(?: \w+){0,4}"
    r" (?:numero|lista|base de datos)\b",
    r"\bno (?:quiero|queremos) (?:que me llamen|mas llamadas|recibir (?:mas )?llamadas)\b",
)
_WISH = re.compile("|".join((*_ENGLISH, *_GERMAN, *_FRENCH, *_SPANISH)))

_APOSTROPHES = str.maketrans({"\u2019": "'", "\u2018": "'", "\u00b4": "'", "`": "'", "ß": "ss"})
_PUNCTUATION = re.compile(r"[^\w'\- ]+")
_SENTENCES = re.compile(r"[.!?;\n]+")


def asks_not_to_be_called(text: str, more: Iterable[str] = ()) -> bool:
    """Whether one of the sentences of `text` is such a wish, or has one of the words `more`."""
    sentences = [_plain(sentence) for sentence in _SENTENCES.split(text)]
    if any(_WISH.search(sentence) for sentence in sentences):
        return True
    whole = f" {_plain(text)} "
    return any(f" {words} " in whole for words in map(_plain, more) if words)


def _plain(text: str) -> str:
    """Lower case, without accents and punctuation, one blank between words."""
    bare = unicodedata.normalize("NFD", text.translate(_APOSTROPHES).casefold())
    letters = "".join(each for each in bare if not unicodedata.combining(each))
    return " ".join(_PUNCTUATION.sub(" ", letters).split())
