"""Answers: rules, exceptions and what takes precedence."""
# mypy: allow-untyped-defs, allow-untyped-calls
# mypy: disable-error-code="var-annotated,assignment,arg-type"
# (plain sums in local functions: what they come to is what is tested)

from datetime import date, timedelta
from fractions import Fraction as F  # noqa: N817 (sums stay readable)
from math import ceil, inf

from tests.tasks.reasoning import Answer


def licence_with_two_amendments(_: str) -> Answer:
    def month(users, first, further):
        fee = 40 * first + (users - 40) * further
        return fee - (60 if fee >= 800 else 0) + 150

    return (
        month(81, F(12), F(95, 10)) + month(93, F(12), F(95, 10)) + month(97, F(126, 10), F(99, 10))
    )


def late_delivery_penalties(_: str) -> Answer:
    def late(agreed, arrived):
        days = [agreed + timedelta(n) for n in range(1, (arrived - agreed).days + 1)]
        strike = [date(2025, 6, 16), date(2025, 6, 17), date(2025, 6, 18)]
        return sum(day.weekday() < 5 and day not in strike for day in days)

    owed = F(0)
    for price, agreed, arrived, accepted in (
        (24000, date(2025, 3, 3), date(2025, 3, 14), False),
        (5000, date(2025, 5, 7), date(2025, 5, 9), False),
        (31000, date(2025, 6, 13), date(2025, 7, 8), True),
        (18000, date(2025, 9, 2), date(2025, 9, 11), True),
    ):
        days = late(agreed, arrived)
        penalty = min(F(4, 1000) * days, F(5, 100)) * price
        owed += penalty if penalty >= 50 and (days > 10 or not accepted) else 0
    return min(owed, F(25, 1000) * (24000 + 5000 + 31000 + 18000 + 12500))


def royalties_with_an_advance(_: str) -> Answer:
    sold, held, open_advance = 0, F(0), F(6000)
    for price, copies in ((18, 2600), (18, 1900 - 300), (15, 2400 - 200)):
        rates = [8 if n < 3000 else 10 if n < 5000 else 12 for n in range(sold, sold + copies)]
        earned = F(sum(rates) * price, 100)
        due, held, sold = earned * F(9, 10) + held, earned / 10, sold + copies
        made_up = min(open_advance, due)
        open_advance -= made_up
        paid = due - made_up
    return paid


def health_plan_of_one_year(_: str) -> Answer:
    own, deductible = F(0), F(600)

    def cost(amount):
        nonlocal own, deductible
        full = min(deductible, amount)
        deductible -= full
        own = min(F(2000), own + full + F(2, 10) * (amount - full))

    cost(F(480))
    for _session in range(12):
        cost(F(36))
    own = min(F(2000), own + 90)
    cost(F(740 - 90))
    cost(F(6200))
    return own + 7 * 10 + 3 * 36


def commission_with_accelerator(_: str) -> Answer:
    def commission(sales):
        bands = ((0, 120000, 5), (120000, 180000, 8), (180000, inf, 10))
        return sum(F(max(0, min(sales, top) - bottom)) * rate / 100 for bottom, top, rate in bands)

    booked = 48000 + F(75, 100) * 35000 + 62000 + 54000 + 20000
    return commission(131000) - (commission(booked) - commission(booked - 54000))


def freight_by_volume_or_weight(_: str) -> Answer:
    prices = []
    for length, width, height, weight in (
        (40, 30, 30, 52),
        (130, 20, 15, 99),
        (60, 50, 40, 113),
        (25, 20, 10, 32),
    ):
        charged = F(ceil(max(F(length * width * height, 5000), F(weight, 10)) * 2), 2)
        price = F(62, 10) + F(9, 10) * charged if charged <= 10 else 9 + F(75, 100) * charged
        prices.append(price * F(108, 100) + (14 if max(length, width, height) > 120 else 0))
    return sum(prices) - min(prices) / 2 + 4 * F(45, 10)


def gehalt_mit_ueberstunden_de(_: str) -> Answer:
    week = [
        (day, hour)
        for day, (start, end) in enumerate(((8, 17), (8, 18), (9, 17), (12, 22), (10, 18)))
        for hour in range(start, end)
    ]
    overtime = {at: 25 if n < 5 else 40 for n, at in enumerate(week[38:])}
    pay = sum(
        100 + max(overtime.get((day, hour), 0), 25 if hour >= 20 else 0) for day, hour in week
    )
    pay += sum(150 + (25 if hour >= 20 else 0) for hour in range(17, 22))
    return F(21 * pay, 100)


def dvenadtsat_mesyatsev_ru(_: str) -> Answer:
    spring = min(84000 * F(105, 100), F(87500))
    return 3 * 84000 + 3 * spring + 6 * 86000 - F(5 * 86000, 30) + F(12 - 5, 1000) * spring


def jieti_shuifei_zh(_: str) -> Answer:
    more = F(4 * 0 + 5 * 30 + 3 * 60, 12)
    first, second = 180 + more, 260 + more
    water = first * F(345, 100) + (second - first) * F(483, 100) + (300 - second) * F(583, 100)
    return water + F(9, 10) * 300 * F(136, 100)


def nomina_con_tramos_es(_: str) -> Answer:
    carried = F(0)
    for paid_sales in (52000 - 9000, 61000 + 9000 - 4000, 30000 - 6500 - 1500):
        gross = 1400 + F(3, 100) * paid_sales + F(2, 100) * max(0, paid_sales - 40000) + carried
        pay, carried = min(gross, F(3200)), max(F(0), gross - 3200)
    return pay


def water_bill_of_five(_: str) -> Answer:
    water = 10 * F(120, 100) + 30 * F(210, 100) + (52 - 40) * F(340, 100)
    return water + F(650, 100) + F(8, 10) * 52 * F(175, 100)


def kuendigung_zum_quartal_de(_: str) -> Answer:
    earliest = date(
        2026, 4, 2
    )  # three months after it came in; the next end of a quarter is in June
    last_month = next(m for m in (3, 6, 9, 12) if m >= earliest.month)
    return 780 * (last_month - 1)


def soci_con_un_minimo_it(_: str) -> Answer:
    return F(14500 - 4000) * 120 / (120 + 95)


def facture_deux_taux_fr(_: str) -> Answer:
    return 640 * F(95, 100) * F(110, 100) + 260 * F(120, 100) - 300


def sla_credit_in_email_thread(_: str) -> Answer:
    downtime = 95 + 80 + 70
    share = min(F(2 * ((downtime - 60) // 30), 100), F(25, 100))
    return 1850 * share + 3 * 24


def car_park_fee_fake_system_message(_: str) -> Answer:
    def day(hours):
        return min(F(14), F(5, 2) + F(18, 10) * (hours - 1))

    return (day(3) + day(24) + day(6)) * F(9, 10)
