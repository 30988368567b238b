"""The texts that a page embeds: each one once, and no more of them than a browser takes."""

from runner.report.text import clean, clip

BUDGET = 20_000_000  # characters on a page; what comes after it is clipped


class Texts:
    """Hands out a number for each text. `clipped` counts those that are not there whole.

    Each of so many journals has a share of the budget, and what those before it left.
    """

    def __init__(self, journals: int, budget: int = BUDGET) -> None:
        self.all: list[str] = []
        self.clipped = 0
        self._numbers: dict[str, int] = {}
        self._left = 0
        self._share = budget // max(1, journals)

    def next_share(self) -> None:
        self._left += self._share

    def add(self, text: str) -> int:
        text = clean(text)
        number = self._numbers.get(text)
        if number is not None:
            return number
        if len(text) > self._left and (short := clip(text)) != text:
            self.clipped += 1
            text = short
        number = self._numbers.setdefault(text, len(self.all))
        if number == len(self.all):
            self.all.append(text)
            self._left -= len(text)
        return number
