"""Personal data and secrets in a text become placeholders, as personal.yaml says."""

import ipaddress
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import regex
import yaml

_SECONDS = 2.0  # of one pattern on one text


class Scrubber:
    """Of one case: the same value is the same placeholder in all of its texts."""

    def __init__(self) -> None:
        self.names: dict[tuple[str, str], str] = {}

    def scrub(self, value: Any) -> Any:
        """A text, or all texts in a value, keys aside. Raises TimeoutError."""
        if isinstance(value, str):
            for kind, pattern, holds in _patterns():
                value = pattern.sub(
                    lambda match, kind=kind, holds=holds: (
                        self._name(kind, match[0]) if holds(match[0]) else match[0]
                    ),
                    value,
                    timeout=_SECONDS,
                )
            return value
        if isinstance(value, list):
            return [self.scrub(each) for each in value]
        if isinstance(value, dict):
            return {key: self.scrub(each) for key, each in value.items()}
        return value

    @property
    def counts(self) -> Counter[str]:
        """How many different values of each kind it has replaced."""
        return Counter(kind for kind, _ in self.names)

    def _name(self, kind: str, value: str) -> str:
        number = 1 + sum(each == kind for each, _ in self.names)
        return self.names.setdefault((kind, value), f"<{kind}-{number}>")


@cache
def _patterns() -> list[tuple[str, Any, Any]]:
    table = yaml.safe_load(Path(__file__).with_name("personal.yaml").read_text(encoding="utf-8"))
    return [
        (kind, regex.compile(each["pattern"], regex.DOTALL), _HOLDS[each.get("holds")])
        for kind, each in table.items()
    ]


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def _luhn(text: str) -> bool:
    """ISO/IEC 7812-1, annex B."""
    digits = [int(each) for each in reversed(_digits(text))]
    doubled = [each * 2 - 9 * (each > 4) for each in digits[1::2]]
    return len(set(digits)) > 1 and (sum(digits[::2]) + sum(doubled)) % 10 == 0


def _iban(text: str) -> bool:
    """ISO 13616: its number is 1 modulo 97."""
    plain = text.replace(" ", "")
    return int("".join(str(int(each, 36)) for each in plain[4:] + plain[:4])) % 97 == 1


def _ip(text: str) -> bool:
    try:
        return not ipaddress.ip_address(text).is_loopback
    except ValueError:
        return False


def _phone(text: str) -> bool:
    """No day: 2024-01-01 and 01.02.2024 have eight digits as well."""
    day = re.fullmatch(r"\(?\d{1,4}[-./]\d{1,2}[-./]\d{1,4}", text)
    return 7 <= len(_digits(text)) <= 15 and not day


_HOLDS = {None: lambda _: True, "luhn": _luhn, "iban": _iban, "ip": _ip, "phone": _phone}
