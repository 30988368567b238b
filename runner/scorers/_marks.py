# ruff: noqa: RUF001 (dashes and letters of other scripts are meant)
"""The words that stand around an answer, in the languages that people and models write it in.

All patterns are for text in Unicode form NFKC with straight apostrophes, without regard to case.
"""

from typing import Any

import regex

FLAGS = regex.IGNORECASE | regex.FULLCASE | regex.MULTILINE

_NOUNS = (
    r"\b(?:answers?|antwort|endergebnis|respuesta|réponse|resposta|risposta|antwoord|odpowiedź|"
    r"cevap|yanıt|ответ|الإجابة|الجواب|उत्तर|"
    r"final\ results?|resultado\ final|résultat\ final|risultato\ finale)\b"
    r"|最終的な答え|答え|解答|回答|正解|答案|정답|답변|(?<![問回解])答(?=\s*[:は])|답(?=\s*[:은])"
)
_IS = (
    r"(?:is|would\ be|should\ be|must\ be|ist|lautet|wäre|es|sería|est|serait|é|seria|è|sarebbe|"
    r"luidt|هي|هو|है|jest)\b|는|은|は|是|为|為|равен|:|=|—"
)
# A closing sign of Markdown, JSON or a bracket may come between noun and colon, and an adjective.
ANSWER = (
    rf"(?:{_NOUNS})(?:\ (?:correcta|correcte|correta|corretta|finale?))?[\s*_`\"')\]]*?(?:{_IS})"
)
# What says so by its place: a tag, a box, a heading.
PLACE = (
    r"\\f?boxed\s*\{"
    r"|<(?:final_?)?answer>"
    r"|^[ \t]*\#{1,6}[ \t]*(?:(?:the|my|final)[ ]){0,2}(?:answer|result|antwort|respuesta|"
    r"réponse|resposta|risposta|答え|答案)[ \t*_:]*$"
    r"|^[ \t]*\*\*(?:(?:the|my|final)[ ]){0,2}answer\*\*[ \t]*$"
)

# The rest is about labels.
KEY = r"(?:label|class|category|classification|intent|choice|verdict|prediction|decision)"
LABEL = regex.compile(
    rf"{PLACE}|{ANSWER}|<{KEY}>|^[ \t]*\#{{4}}[ ]"
    rf"|\b{KEY}\b[\s*_`\"')\]]*(?:[:=]|\b(?:is|would\ be|should\ be)\b)",
    FLAGS,
)
# Those that are part of other sentences too.
LOOSE = regex.compile(
    r"\banswer\b[^.!?:\n]{0,60}?(?:\b(?:is|would\ be|should\ be|must\ be)\b|:)"
    r"|\b(?:correct|right|best)\ (?:\w+\ ){0,2}?(?:is\b|would\ be\b|:)"
    r"|\b(?:correct|right|best)\ \w+:"
    r"|\bleav(?:es|ing)\b(?:\ (?:us|me|only|just|with)\b)*|\bresult\b[\s\"]*:",
    FLAGS,
)
# What is said after one of these, at the start of a clause, counts.
_TURNS = (
    r"(?P<back>\b(?:(?:scratch|strike)\ that|i\ (?:was|am)\ (?:wrong|mistaken)(?!\ to\b)|"
    r"my\ mistake|i\ take\ (?:that|it)\ back|that(?:'s|\ is|\ was)\ (?:wrong|incorrect|"
    r"not\ right))\b)"
    r"|\b(?:actually|rather|on\ (?:second\ thoughts?|reflection)|i\ mean|make\ that|wait|hmm+|"
    r"hold\ on|oops|sorry|let\ me\ (?:re\w+|check|double|verify|think|correct|see)\b|"
    r"moment|halt|doch|nein|besser\ gesagt|vielmehr|eigentlich|"
    r"non|attend(?:s|ez)|pardon|en\ fait|plutôt|espera|perdón|mejor\ dicho|más\ bien|"
    r"en\ realidad|digo)\b(?!-)"
    r"|\bno\b(?=\s*[,.:;!—–-]|\s+(?:wait|sorry|it|that|let|i)\b)"
    r"|\b(?:edit|update|correction|korrektur|corrección)(?=\s*[:—–-])"
)


def turn(label: str) -> Any:
    """A pattern of changes of mind: where a label is a `no` too, it is none of them."""
    return regex.compile(
        r"(?:^|(?<=[.!?;:,(—–-]\s{0,2}))[\s*_]*"
        r"(?:(?:oh|ah|ach|but|so|or|ou|oder|o|y|und|well)\b[\s,]*)?"
        rf"(?:(?!{label})(?:{_TURNS})[\s,:.…–—-]*)+",
        FLAGS,
    )


IT_IS = regex.compile(
    r"\b(?:(?:it|this|that|which)(?:'s|\ (?:is|was|must\ be|should\ be|has\ to\ be|would\ be))|"
    r"should\ have\ been|c'est|das\ ist|es\ ist|es|debe\ ser)\b",
    FLAGS,
)
UNSURE = regex.compile(
    r"\b(?:(?:not|no\ longer)\ (?:so\ |that\ |entirely\ )?(?:sure|certain)|unsure|undecided|"
    r"no\ idea|(?:don't|do\ not)\ know|"
    r"(?:can't|cannot)\ (?:tell|decide|say|be\ (?:determined|decided)))\b",
    FLAGS,
)
CONCLUSION = regex.compile(
    r"\b(?:so|therefore|thus|hence|conclude|conclusion|finally|rather|instead|no)\b[\s,:.–—-]*"
    r"|\b(?:choose|chose|pick|select|go(?:ing)?\ with|went\ with|opt\ for|i(?:'d|\ would)?\ say)\b"
    r"|\b(?:classif|categori[sz]|label)\w*\b[^.!?\n]{0,40}?\bas\b"
    r"|\b(?:belongs?|falls?)\ (?:to|in|into|under)\b|\bactually\b"
    r"|\b(?:makes?|turns)\ (?:it|this|that)\b"
    r"|\b(?:chang|switch|revis|correct)\w*\ (?:(?:my\ (?:answer|choice|mind)|it|that)\ )?to\b",
    FLAGS,
)
# What may stand between a mark and its label: no prose.
FILL = regex.compile(
    r"(?:[\s*_`\"'“”„‘’«»(\[{<>:=~#|→,-]|\\f?boxed\s*\{"
    r"|\b(?:it's|it\ is|that's|that\ is|this\ is|it\ must\ be|must\ be|the|my|final|correct|right|"
    r"best|answer|is|be|i\ think|i\ believe|option|choice|letter|label|category|class|definitely|"
    r"clearly|therefore|thus|most\ likely|likely|probably|simply|just|indeed|then|actually|"
    r"statement|und|ist|la|el|le|opción|opção|opzione)\b)*",
    FLAGS,
)
SAYS_SO_AFTER = regex.compile(
    r"[\s*_`\"')\]}.,:]*(?:\b(?:is|would\ be(?![^.\n]{0,60}\bif\b)|must\ be|seems|remains|as)\b"
    r"[\s*_]*)?(?:(?:my|our|clearly|therefore|thus|definitely)\b[\s*_]*)?"
    r"(?:(?<=\b(?:is|be|seems|remains|as)[\s*_]{1,4}|\bthus\ )(?:correct|right|best|proper)"
    r"|the\b[\s*_]*(?:most\ |only\ |single\ )?(?:correct|right|best|proper|appropriate|only|answer|"
    r"solution))\b(?!\ (?:term|word|name)\b)"
    r"|[\s*_`\"')\]]*[:.)–—-]*[\s*_]*(?:correct|right)[\s*_!.]*$"
    r"|[\s*_`\"')\]]*[✓✅✔]",
    FLAGS,
)
# Phrases that only look like a denial or a doubt.
EMPHATIC = regex.compile(
    r"\bno\ (?:doubt|question|need|wonder|mistake|denying)\b|\bnot\ (?:only|just|merely)\b"
    r"|\b(?:without|beyond)\ (?:(?:a|any|all|the\ slightest)\ )?(?:doubt|question)\b"
    r"|\b(?:not|cannot|\w+n't)\b[^.,;]{0,40}\banything\ (?:but|other\ than|else\ than)\b"
    r"|\b(?:nothing|none)\ (?:but|other\ than|if\ not|short\ of)\b|\b\w+n't\ be\ (?:any\ )?more\b"
    r"|\bif\ (?:i\ (?:had|have)\ to|anything|not)\b"
    r"|\bkein\w*\ (?:zweifel|frage)\b|\bnicht\ nur\b|\bsans\ (?:aucun\ |nul\ )?doute\b"
    r"|\b(?:can|could|may|might)\ only\b|\bpas\ (?:que|seulement)\b"
    r"|\bno\ (?:sólo|solo|hay\ duda)\b",
    FLAGS,
)
DENIED_BEFORE = regex.compile(
    r"\b(?:not|never|neither|nor|none|nobody|nothing|no|without|cannot|\w+n't|rather\ than|"
    r"instead\ of|unlike(?:ly)?|exclud\w+|doubt|doubtful|hardly|barely|scarcely|rarely|lacks?|"
    r"lacking|absence\ of|free\ of|anything\ but|far\ from|fails?\ to|"
    r"rul\w+\ out|eliminat\w+|reject\w*|(?:wrong|incorrect)(?!,)|kein\w*|nicht|weder|pas|aucune?|"
    r"ni|não|nem|non|né|niet|geen|не|ни|nie)\b|不是|并非|不属于",
    FLAGS,
)
DENIED_AFTER = regex.compile(
    r"[\s*_`\"')\]]*(?:"
    r"(?:is|was|are|seems?|looks?|would\ be|can\ be|must\ be)\ (?:\w+\ )?"
    r"(?:not|wrong|incorrect|false|eliminated|ruled\ out|excluded|out|unlikely)\b"
    r"|(?:isn't|wasn't|can't|cannot|doesn't|don't|does\ not|do\ not|ist\ (?:nicht|falsch))\b"
    r"|[.:–—-]?[\s*_]*(?:wrong|incorrect|false)\b|\s*[✗❌✘]"
    r"|では(?:な|あり|ござ)|じゃな|でもな|이\ 아니|가\ 아니)",
    FLAGS,
)
IN_DOUBT = regex.compile(
    r"\b(?:whether|if|either|between|unsure|uncertain|unclear|might|may|could|ob|si|se)\b", FLAGS
)
NO_ANSWER = regex.compile(
    r"\b(?:undecided|unknown|undetermined|unclear|unsure|uncertain|impossible|none|neither|"
    r"cannot|can't|not\ sure|not\ possible|(?:don't|do\ not)\ know|no\ idea|either|both)\b",
    FLAGS,
)
# A clause ends, and with it what denies, at these.
CLAUSE_END = regex.compile(
    r"[.;:!?\n。(]|(?<!anything\ )\bbut\b|\bsondern\b|\bsino\b|\bmais\b|\bma\b"
    r"|,\s*(?=(?:it|this|that|the|so|hence|thus|therefore|rather|instead|i|we|which|since|as|"
    r"because|yes|c'est|das|es|è|é|sino|sondern)\b)",
    FLAGS,
)
SENTENCE_END = regex.compile(r"[.!?](?=\s|$|[*_\"')])|\n|。", FLAGS)
# Between two labels that are offered as equals.
OR = (
    r"[\s*_`\"')\]]*(?:,|/|&|→|->|\b(?:or|and|oder|und|ou|et|o|y|e|of|en)\b|或|と|か)[\s*_`\"'(\[,]*"
    r"(?:(?:option|or|and)\ )*"
)
# What names a letter, where a noun before it ("vitamin C") would make it something else.
NAMING = regex.compile(
    r"(?:^|[^\p{L}\s]|\b(?:but|sondern|mais|sino|also|donc|\w*options?|choices?|answers?|letters?|statements?|items?|with|is|"
    r"be|namely|therefore|thus|hence|so|say|pick|choose|select|makes?|and|or|in|of|to|than|not|"
    r"both|either|neither|nor|for|by|that|as|are|means|only|just|no)\s"
    r"|\b(?:it|that|this|answer|c)'(?:s|est)\s)\s*$",
    FLAGS,
)
