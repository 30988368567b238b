"""Answers: rows to be filtered, joined and counted."""
# mypy: allow-untyped-defs, allow-untyped-calls
# mypy: disable-error-code="var-annotated,assignment,arg-type"
# (plain sums in local functions: what they come to is what is tested)

import re
from collections import Counter
from fractions import Fraction as F  # noqa: N817 (sums stay readable)
from statistics import median

from tests.tasks.reasoning import Answer, rows


def invoices_with_duplicates(text: str) -> Answer:
    rates = {"EUR": F(1), "USD": F(92, 100), "GBP": F(116, 100)}
    counted, seen = [], set()
    for supplier, number, day, amount, currency, status in rows(
        text, ";", "Halden;1041", "Corvo;5513", first=0
    ):
        if status == "void":
            counted = [one for one in counted if one[:2] != (supplier, number)]
        elif (supplier, number, amount) not in seen:
            counted.append((supplier, number, day, F(amount.replace(",", "")) * rates[currency]))
        seen.add((supplier, number, amount))
    return sum(one[3] for one in counted if one[2].startswith("2026-03"))


def grades_with_resits(text: str) -> Answer:
    total, credits = F(0), 0
    for points, first, second in rows(text, ",", "Algebra", "Thesis"):
        mark = min(F(first), F(second or "5"))
        if first == "5.0" and mark < 5:
            mark = max(mark, F(2))
        if mark < 5:
            total, credits = total + mark * int(points), credits + int(points)
    return total / credits


def median_order_of_regular_customers(text: str) -> Answer:
    orders = [row.split() for row in text.splitlines() if re.match(r"\d+ K", row)]
    kept = [(customer, int(euros)) for _, customer, euros, cancelled in orders if cancelled == "no"]
    often = Counter(customer for customer, _ in kept)
    return median([euros for customer, euros in kept if often[customer] >= 3])


def sensor_above_threshold(text: str) -> Answer:
    best = since = 0
    warm = False
    for hour, minute, value in re.findall(r"^(\d\d):(\d\d) (\S+)$", text, re.MULTILINE):
        now = int(hour) * 60 + int(minute)
        best = max(best, now - since if warm else 0)
        still = value != "fault" and float(value) > -18
        since, warm = (since if warm and still else now), still
    return best


def table_with_an_order_in_it(text: str) -> Answer:
    table = rows(text, ";", "Mon;Rhea", "Fri;Sol", first=0)
    return 85 * sum(
        F(hours) for _, _, role, hours, note in table if role == "dev" and note != "holiday"
    )


def depot_log_of_a_week_long(text: str) -> Answer:
    total, washed = F(0), set()
    for line in reversed(rows(text, ";", "Mon;", "Sun;", first=0)):
        day, _, truck, what, amount, note = line
        if "void" in note:
            continue
        if what == "wash":
            washed.add((day, truck))
        if what == "fuel" and (day, truck) in washed and truck[0] != "R":
            total += F(amount)
    return total


def order_book_of_a_morning_long(text: str) -> Answer:
    bids, asks, traded = [], [], F(0)
    for number, _, what, amount, price in rows(text, " ", "#1 ", "#320 ", first=0):
        if what == "cancel":
            bids = [one for one in bids if one[1] != amount]
            asks = [one for one in asks if one[1] != amount]
            continue
        left, limit = int(amount), F(price)
        own, other = (bids, asks) if what == "buy" else (asks, bids)
        while left and other:
            best = (min if what == "buy" else max)(other, key=lambda one: one[2])
            if best[2] > limit if what == "buy" else best[2] < limit:
                break
            n = min(left, best[3])
            traded, left = traded + n * best[2], left - n
            best[3] -= n
            if not best[3]:
                other.remove(best)
        if left:
            own.append([0, number, limit, left])
    return traded
