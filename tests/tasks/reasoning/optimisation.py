"""Answers: the best of many choices, found by trying them all."""
# mypy: allow-untyped-defs, allow-untyped-calls
# mypy: disable-error-code="var-annotated,assignment,arg-type"
# (plain sums in local functions: what they come to is what is tested)

from fractions import Fraction as F  # noqa: N817 (sums stay readable)
from itertools import compress, pairwise, permutations, product

from tests.tasks.reasoning import Answer, rows


def van_with_nine_parcels(_: str) -> Answer:
    fees = [94, 61, 128, 37, 80, 155, 52, 115, 44]
    weights = [210, 130, 300, 85, 160, 370, 120, 235, 95]
    best = 0
    for taken in product((0, 1), repeat=9):
        if (taken[4] and (taken[1] or taken[8])) or taken[5] > taken[3]:
            continue
        if sum(compress(weights, taken)) <= 900:
            best = max(best, sum(compress(fees, taken)))
    return best


def five_fitters_five_sites(text: str) -> Answer:
    costs = [
        [None if c == "-" else int(c) for c in row] for row in rows(text, "|", "Milo", "Quent")
    ]
    totals = []
    for sites in permutations(range(5)):
        shared = (sites[0] in (1, 2)) + (sites[3] in (1, 2))
        paid = [costs[fitter][site] for fitter, site in enumerate(sites)]
        if shared == 1 and None not in paid:
            totals.append(sum(paid))
    return min(totals)


def labels_in_three_rolls(_: str) -> Answer:
    totals = []
    for small, middle, large in product(range(26), range(10), range(5)):
        if 90 * small + 250 * middle + 600 * large >= 2150:
            goods = (
                F(74, 10) * small
                + F(189, 10) * middle
                + 42 * large * (F(9, 10) if large >= 3 else 1)
            )
            totals.append(goods + (0 if goods >= 150 else F(59, 10)))
    return min(totals)


def paint_line_cleaning_times(text: str) -> Answer:
    names = ["white", "yellow", "red", "blue", "black"]
    table = [[0 if c == "-" else int(c) for c in row] for row in rows(text, "|", "white", "black")]

    def cleaning(order):
        return sum(table[a][b] for a, b in pairwise(order)) + table[order[-1]][0]

    red, blue = names.index("red"), names.index("blue")
    return min(cleaning(o) for o in permutations(range(5)) if o.index(red) < o.index(blue))


def buses_for_137(_: str) -> Answer:
    totals = []
    for small, middle, large in product(range(9), range(6), range(3)):
        seats = 18 * small + 30 * middle + 52 * large
        if seats >= 137:
            totals.append(310 * small + 465 * middle + 720 * large - 2 * (seats - 137))
    return min(totals)


def bakery_two_products(_: str) -> Answer:
    return max(
        9 * buns + 17 * tarts
        for buns in range(6, 41)
        for tarts in range(2 * buns + 1)
        if 12 * buns + 20 * tarts <= 480
        and 8 * buns + 18 * tarts <= 400
        and F(15, 10) * buns + F(12, 10) * tarts <= 45
    )


def cheapest_way_with_a_ferry_pass(_: str) -> Answer:
    roads = "A-B 14, A-C 9, B-D 11, C-D 19, C-E 8, D-F 7, E-F 16, E-G 21, F-H 13, G-H 6, B-F 22"
    edges = [(e[0], e[2], int(e[4:]), False) for e in roads.split(", ")] + [
        ("D", "G", 12, True),
        ("C", "F", 17, True),
    ]
    totals = []

    def go(at, seen, paid, ferries):
        if at == "H":
            totals.append(paid + 5 * ("F" in seen))
            return
        for a, b, price, ferry in edges:
            for here, there in ((a, b), (b, a)):
                if here == at and there not in seen:
                    go(
                        there,
                        seen | {there},
                        paid + (F(price, 2) if ferry and ferries else price),
                        ferries + ferry,
                    )

    go("A", {"A"}, F(0), 0)
    return min(totals)


def shifts_for_a_kiosk(_: str) -> Answer:
    needed = (1, 3, 2, 4, 2, 1)
    totals = []
    for shifts in product(range(5), repeat=4):
        there = [sum(shifts[s] for s in range(4) if s <= block <= s + 2) for block in range(6)]
        totals.append(
            96 * sum(shifts) + 40 * sum(max(0, n - t) for n, t in zip(needed, there, strict=True))
        )
    return min(totals)
