"""Makes the digits of any script, form and markup plain, for `_number` to find; and the words and
signs by which people scale a number.
"""

import unicodedata
from fractions import Fraction
from typing import Any

import regex

_WORDS = {
    3: "thousand tausend mille mil mila duizend tysięcy тысяча тысячи тысяч bin हज़ार ألف tsd tys"
    " тыс",
    5: "lakh lakhs लाख",
    6: "million millions millionen millón millones milhão milhões milione milioni miljoen milyon"
    " milionów миллион миллиона миллионов млн mio mio. mln مليون",
    7: "crore crores करोड़",
    9: "billion billions milliarde milliarden milliard milliards bilhão bilhões miliardo miliardi"
    " miljard milyar miliardów миллиард миллиарда миллиардов млрд mrd mrd. bn mld مليار",
    12: "trillion trillions",
}
SCALES = {
    word: Fraction(10) ** power for power, words in _WORDS.items() for word in words.split()
} | {"mil millones": Fraction(10) ** 9, "thousand million": Fraction(10) ** 9}
# As they are, right behind the digits.
SYMBOLS = {
    sign: Fraction(10) ** power
    for power, signs in {3: "k K", 6: "M mn MM", 9: "B bn Bn G", 12: "tn"}.items()
    for sign in signs.split()
}
PERCENT = [
    "percent", "per cent", "pct", "prozent", "pour cent", "por ciento", "por cento", "per cento",
    "procent", "процент", "процента", "процентов", "パーセント", "퍼센트", "yüzde",
]  # fmt: skip
# Whole numbers that a text spells and its summary may not, and a half, which may be 50 %.
_SPELT = {
    13: "thirteen dreizehn trece treize tredici treze dertien",
    14: "fourteen vierzehn catorce quatorze quattordici veertien",
    15: "fifteen fünfzehn quince quinze quindici vijftien",
    16: "sixteen sechzehn dieciséis seize sedici dezesseis dezasseis zestien",
    17: "seventeen siebzehn diecisiete diciassette dezessete dezassete zeventien",
    18: "eighteen achtzehn dieciocho diciotto dezoito achttien",
    19: "nineteen neunzehn diecinueve diciannove dezenove dezanove negentien",
    20: "twenty zwanzig veinte vingt venti vinte twintig dwadzieścia двадцать двадцати yirmi húsz"
    " عشرون عشرين बीस",
    30: "thirty dreißig treinta trente trenta trinta dertig trzydzieści тридцать тридцати otuz"
    " harminc ثلاثون ثلاثين तीस",
    40: "forty vierzig cuarenta quarante quaranta quarenta veertig czterdzieści сорок сорока"
    " negyven أربعون أربعين चालीस",
    50: "fifty fünfzig cincuenta cinquante cinquanta cinquenta vijftig pięćdziesiąt пятьдесят elli"
    " ötven خمسون خمسين पचास half hälfte mitad moitié metà metade helft połowa połowę половина"
    " половину половины fele felét نصف आधा आधी",
    60: "sixty sechzig sesenta soixante sessanta sessenta zestig sześćdziesiąt шестьдесят"
    " hatvan ستون ستين साठ",
    70: "seventy siebzig setenta settanta zeventig siedemdziesiąt семьдесят yetmiş hetven سبعون"
    " سبعين सत्तर",
    80: "eighty achtzig ochenta ottanta oitenta tachtig osiemdziesiąt восемьдесят seksen nyolcvan"
    " ثمانون ثمانين अस्सी",
    90: "ninety neunzig noventa novanta negentig dziewięćdziesiąt девяносто doksan kilencven تسعون"
    " تسعين नब्बे",
}
SPELT = {word: Fraction(value) for value, words in _SPELT.items() for word in words.split()}
CJK_SCALES = {
    "百": 2, "千": 3, "천": 3, "万": 4, "萬": 4, "만": 4, "億": 8, "亿": 8, "억": 8, "兆": 12,
    "조": 12,
}  # fmt: skip
CJK = "".join(CJK_SCALES)

AND = "\N{INVISIBLE PLUS}"  # between the whole number and the fraction of 2½
_RAISED, _LOWERED = "⁰¹²³⁴⁵⁶⁷⁸⁹", "₀₁₂₃₄₅₆₇₈₉"
_PLAIN = str.maketrans(_RAISED + "⁻⁺" + _LOWERED, "0123456789-+0123456789")
_VULGAR = {
    char: unicodedata.normalize("NFKC", char).replace("\N{FRACTION SLASH}", "/")
    for char in map(chr, (*range(0xBC, 0xBF), *range(0x2150, 0x215F), 0x2189))
}
_FRACTION_CHAR = regex.compile(rf"(\d|(?<!\d)\d{{1,3}} )?([{''.join(_VULGAR)}])")
_SLASHED = regex.compile(
    rf"(\d|(?<!\d)\d{{1,3}} )?([{_RAISED}]+|\d+)\N{{FRACTION SLASH}}([{_LOWERED}]+|\d+)"
)
_POWER = regex.compile(rf"(?<=[\w)])[⁺⁻]?[{_RAISED}]+")
_PART = r"\s*(?:\{\s*([-+−]?\d+(?:\.\d+)?)\s*\}|(\d))"  # noqa: RUF001
_LATEX_FRACTION = regex.compile(rf"(\d+\s*)?\\[dtc]?frac{_PART}{_PART}")
_LATEX = (
    (regex.compile(r"\{,\}|,\\!|\\,(?=\d{3}(?!\d))"), ","),
    (regex.compile(r"\\[,;: ]|~"), " "),
    (regex.compile(r"\\([$%])"), r"\1"),
)
_LATEX_SIGNS = ("\\", "~", "{,}")  # one of which is in all of that
# Arabic marks of decimals, thousands and percent; hyphens that are a minus.
_SIGNS = str.maketrans({"٫": ".", "٬": "'", "٪": "%", "،": ",", "‐": "-", "‑": "-", "’": "'"})  # noqa: RUF001


def clean(text: str) -> str:
    """Numbers in LaTeX, in other scripts and forms as plain text."""
    if not text.isascii():
        text = _FRACTION_CHAR.sub(_vulgar, text)
        text = _SLASHED.sub(_slashed, text)
        text = _POWER.sub(lambda match: "^" + match[0].translate(_PLAIN), text)
        text = unicodedata.normalize("NFKC", text).translate(_SIGNS)
        text = regex.sub(r"[^\P{Nd}0-9]", lambda match: str(unicodedata.decimal(match[0])), text)
    if any(sign in text for sign in _LATEX_SIGNS):
        text = _LATEX_FRACTION.sub(_latex, text)
        for pattern, plain in _LATEX:
            text = pattern.sub(plain, text)
    return text


def cjk_tokens(text: str) -> list[tuple[Fraction, Fraction]]:
    """Numbers and their scales: 25万2000 is 25 times 10,000 and 2000."""
    tokens = regex.findall(rf"(\d[\d,.]*) ?([{CJK}]*)", text)
    return [
        (Fraction(digits.replace(",", "").rstrip(".")), Fraction(10) ** _power(scales))
        for digits, scales in tokens
    ]


def _power(scales: str) -> int:
    return sum(CJK_SCALES[scale] for scale in scales)


def _vulgar(match: Any) -> str:
    return _joined(match[1], _VULGAR[match[2]])


def _slashed(match: Any) -> str:
    return _joined(match[1], f"{match[2].translate(_PLAIN)}/{match[3].translate(_PLAIN)}")


def _latex(match: Any) -> str:
    pairs = (match[2], match[3]), (match[4], match[5])
    top, bottom = (Fraction((a or b).replace("−", "-")) for a, b in pairs)  # noqa: RUF001
    if not bottom:
        return _joined(match[1], f"{top}/0")  # no number
    value = top / bottom
    return _joined(match[1], f"{value.numerator}/{value.denominator}")


def _joined(whole: str | None, fraction: str) -> str:
    return f"{whole.strip()}{AND}{fraction}" if whole else fraction
