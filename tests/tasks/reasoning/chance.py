"""Answers: probability, logic and counting."""
# mypy: allow-untyped-defs, allow-untyped-calls
# mypy: disable-error-code="var-annotated,assignment,arg-type"
# (plain sums in local functions: what they come to is what is tested)

from collections import Counter
from fractions import Fraction as F  # noqa: N817 (sums stay readable)
from itertools import combinations, pairwise, permutations, product
from math import comb

from tests.tasks.reasoning import Answer, only


def seven_at_a_round_table(_: str) -> Answer:
    def apart(a, b):
        return min((a - b) % 7, (b - a) % 7)

    found = set()
    for ben, cleo, dan, eva, finn, guel in permutations(range(2, 8)):
        if (
            apart(ben, 1) > 1
            and apart(ben, cleo) > 1
            and apart(dan, eva) == 2
            and finn >= cleo + 3
            and (apart(guel, finn) == 1) != (apart(guel, dan) == 1)
            and ben + eva == 9
            and cleo != 3
            and apart(finn, 1) > 1
        ):
            found.add(guel)
    return only(found)


def six_statements_who_lies(_: str) -> Answer:
    found = set()
    for truth in product((False, True), repeat=6):
        ines, jo, kim, lou, max_, nia = truth
        said = (
            truth.count(False) == 3,
            ines == kim,
            not lou or max_,
            not jo and nia,
            sum(truth) >= 4,
            not max_,
        )
        if said == truth:
            found.add(sum(truth))
    return only(found)


def door_codes_with_rules(_: str) -> Answer:
    return sum(
        all(a != b for a, b in pairwise(code))
        and abs(code[0] - code[4]) >= 3
        and sum(d % 2 for d in code) % 2 == 0
        and not {4, 7} <= set(code)
        for code in product(range(10), repeat=5)
    )


def ways_through_the_blocks(_: str) -> Answer:
    total = 0
    for ups in combinations(range(13), 6):
        x = y = 0
        points = {(x, y)}
        for step in range(13):
            x, y = (x, y + 1) if step in ups else (x + 1, y)
            points.add((x, y))
        total += not points & {(2, 2), (3, 4), (5, 1), (5, 5)} and bool(points & {(4, 3), (3, 5)})
    return total


def two_machines_one_mechanic(_: str) -> Answer:
    down = {0: F(1)}
    for _night in range(3):
        after = Counter()
        for standing, p in down.items():
            for breaks in range(3 - standing):
                chance = (
                    comb(2 - standing, breaks)
                    * F(1, 10) ** breaks
                    * F(9, 10) ** (2 - standing - breaks)
                )
                after[standing - min(standing, 1) + breaks] += p * chance
        down = after
    return down[0] * 100


def draws_without_putting_back(_: str) -> Answer:
    draws = [d for d in permutations("r" * 5 + "b" * 4 + "w" * 3, 3) if d[1] != "w" and "b" in d]
    return F(100 * sum(len(set(d)) == 3 for d in draws), len(draws))


def how_many_draws_expected(_: str) -> Answer:
    mean, kinds = F(0), {2: F(1)}
    for _box in range(9):
        mean += sum(p for have, p in kinds.items() if have < 5)
        after = Counter()
        for have, p in kinds.items():
            after[have] += p * F(have, 5)
            if have < 5:
                after[have + 1] += p * F(5 - have, 5)
        kinds = after
    return mean


def three_valves_common_cause(_: str) -> Answer:
    def fails(p):
        return 3 * p**2 * (1 - p) + p**3

    alone, dirty = F(4, 100), F(4, 100) + F(96, 100) * F(60, 100)
    with_dirt = F(1, 100) * fails(dirty)
    return with_dirt / (with_dirt + F(99, 100) * fails(alone)) * 100


def not_enough_about_the_pool(_: str) -> Answer:
    first = F(1, 6)
    times = {
        2 + (1 - 2 * (first + second)) / first for second in (first * F(5, 4), first * F(7, 4))
    }
    return -1 if len(times) > 1 else only(times)


def contradiction_in_the_ledger(_: str) -> Answer:
    juice, tea = 60, (240 - 60) // 3
    coffee = 2 * tea
    return coffee if F(11, 10) * tea + F(14, 10) * coffee + F(12, 10) * juice == 300 else -1


def wet_in_three_days(_: str) -> Answer:
    wet = F(0)
    for _day in range(3):
        wet = wet * F(6, 10) + (1 - wet) * F(2, 10)
    return wet * 100


def three_languages_at_work(_: str) -> Answer:
    return (180 - 12) - (100 + 75 + 55) + (34 + 27 + 21)


def raffle_with_unsold_tickets(_: str) -> Answer:
    return 350 * F(5, 2) - 400 * F(8, 100) - (300 + 5 * 40 + 20 * 10) * F(350, 400)


def sekkei_chimu_kumiawase_ja(_: str) -> Answer:
    people = [("s", i) for i in range(5)] + [("t", i) for i in range(6)]
    return sum(
        {"s", "t"} == {kind for kind, _ in team} and not {("s", 0), ("t", 0)} <= set(team)
        for team in combinations(people, 4)
    )


def two_dice_at_least_ten(_: str) -> Answer:
    return F(sum(a + b >= 10 for a, b in product(range(1, 7), repeat=2)) * 100, 36)


def defective_part_from_third_supplier(_: str) -> Answer:
    return F(20 * 9, 50 * 2 + 30 * 4 + 20 * 9) * 100


def six_offices_in_a_row(_: str) -> Answer:
    return only(
        {
            f
            for a, b, c, d, e, f in permutations(range(1, 7))
            if d == c + 1 and abs(a - e) == 3 and b not in (1, 6) and f > d and a < b and b > f
        }
    )


def on_call_teams_with_conditions(_: str) -> Answer:
    teams = combinations(["Ana", "s2", "s3", "s4", "Bo", "j2", "j3", "j4", "j5"], 3)
    return sum(
        {"Ana", "s2", "s3", "s4"} & set(t) != set() and not {"Ana", "Bo"} <= set(t) for t in teams
    )


def cabinet_code_from_clues(_: str) -> Answer:
    return only(
        {
            n
            for n in range(100, 1000)
            if len(set(str(n))) == 3
            and sum(map(int, str(n))) == 15
            and n // 10 % 10 == 2 * (n // 100)
            and n % 7 == 0
        }
    )


def disponibilite_deux_serveurs_sur_trois(_: str) -> Answer:
    total = F(0)
    for up in product((0, 1), repeat=3):
        if sum(up) >= 2:
            chance = F(1)
            for one, p in zip(up, (F(99, 100), F(98, 100), F(95, 100)), strict=True):
                chance *= p if one else 1 - p
            total += chance
    return total * 100
