"""What a JSON schema's pattern may be made of: the syntax of ECMA-262 in its Unicode mode.

The engine that holds the patterns is kin to other languages' and would read more: Python's
`(?P<n>…)`, `\\A`, `(?i)`, possessive quantifiers. A provider's would not. As in ECMA's older mode
a sign may have a backslash that needs none.
"""

import regex

_NAME = r"[\p{L}_$][\p{L}\p{N}_$]*"
_CATEGORIES = (
    "L Lu Ll Lt LC Lm Lo M Mn Mc Me N Nd Nl No P Pc Pd Ps Pe Pi Pf Po S Sm Sc Sk So Z Zs Zl Zp C "
    "Cc Cf Cs Co Cn Letter Uppercase_Letter Lowercase_Letter Titlecase_Letter Cased_Letter "
    "Modifier_Letter Other_Letter Mark Combining_Mark Nonspacing_Mark Spacing_Mark Enclosing_Mark "
    "Number Decimal_Number digit Letter_Number Other_Number Punctuation punct "
    "Connector_Punctuation Dash_Punctuation Open_Punctuation Close_Punctuation "
    "Initial_Punctuation Final_Punctuation Other_Punctuation Symbol Math_Symbol Currency_Symbol "
    "Modifier_Symbol Other_Symbol Separator Space_Separator Line_Separator Paragraph_Separator "
    "Other Control cntrl Format Surrogate Private_Use Unassigned"
)
_YES_OR_NO = (
    "ASCII ASCII_Hex_Digit AHex Alphabetic Alpha Any Assigned Bidi_Control Bidi_C Bidi_Mirrored "
    "Bidi_M Case_Ignorable CI Cased Dash Default_Ignorable_Code_Point DI Deprecated Dep Diacritic "
    "Dia Emoji Emoji_Component EComp Emoji_Modifier EMod Emoji_Modifier_Base EBase "
    "Emoji_Presentation EPres Extended_Pictographic ExtPict Extender Ext Grapheme_Base Gr_Base "
    "Grapheme_Extend Gr_Ext Hex_Digit Hex ID_Continue IDC ID_Start IDS Ideographic Ideo "
    "Join_Control Join_C Lowercase Lower Math Noncharacter_Code_Point NChar Pattern_Syntax "
    "Pattern_White_Space Quotation_Mark QMark Radical Regional_Indicator RI Sentence_Terminal "
    "STerm Soft_Dotted SD Terminal_Punctuation Term Unified_Ideograph UIdeo Uppercase Upper "
    "Variation_Selector VS White_Space space XID_Continue XIDC XID_Start XIDS"
)
_KEYED = r"(?:General_Category|gc|Script|sc|Script_Extensions|scx)=\w+"
_PROPERTY = f"(?:{_KEYED}|{'|'.join(f'{_CATEGORIES} {_YES_OR_NO}'.split())})"
_ESCAPE = regex.compile(
    r"\\(?:[dDwWsSbBfnrtv]|c[A-Za-z]|0(?!\d)|[1-9]\d*|x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}"
    rf"|u\{{[0-9A-Fa-f]+\}}|[pP]\{{{_PROPERTY}\}}|k<{_NAME}>|[^\p{{L}}\p{{N}}<>])",
)
_GROUP = regex.compile(rf"\((?:(?!\?)|\?(?:[:=!]|<[=!]|<{_NAME}>|(?=[ims-]+:)[ims]*(?:-[ims]+)?:))")
_QUANTIFIER = regex.compile(r"(?:[*+?]|\{\d+(?:,\d*)?\})\??")


def foreign(pattern: str) -> str | None:
    """The first part of a pattern that ECMA does not know, or reads as something else."""
    place, in_class = 0, False
    while place < len(pattern):
        char, end = pattern[place], place + 1
        if char == "\\":
            match = _ESCAPE.match(pattern, place)
            if match is None:
                return pattern[place : place + 2]
            end = match.end()
        elif in_class:
            in_class = char != "]"
        elif char == "[":
            in_class = True
        elif char == "(":
            match = _GROUP.match(pattern, place)
            if match is None:
                return pattern[place : place + 4]
            end = match.end()
        elif match := _QUANTIFIER.match(pattern, place):
            end = match.end()
            if again := _QUANTIFIER.match(pattern, end):
                return f"{match[0]}{again[0]}"
        place = end
    return None
