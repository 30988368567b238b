"""The words and signs by which people scale a number."""

from fractions import Fraction

_WORDS = {
    3: "thousand tausend mille mil mila duizend tysięcy тысяча тысячи тысяч bin हज़ार ألف",
    5: "lakh lakhs",
    6: "million millions millionen millón millones milhão milhões milione milioni miljoen milyon"
    " milionów миллион миллиона миллионов mio mio. mln مليون",
    7: "crore crores",
    9: "billion billions milliarde milliarden milliard milliards bilhão bilhões miliardo miliardi"
    " miljard milyar miliardów миллиард миллиарда миллиардов mrd mrd. bn mld مليار",
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
CJK_SCALES = {
    "百": 2, "千": 3, "천": 3, "万": 4, "萬": 4, "만": 4, "億": 8, "亿": 8, "억": 8, "兆": 12,
    "조": 12,
}  # fmt: skip
CJK = "".join(CJK_SCALES)
