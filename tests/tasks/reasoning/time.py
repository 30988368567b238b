"""Answers: what happens step by step, and calendars."""
# mypy: allow-untyped-defs, allow-untyped-calls
# mypy: disable-error-code="var-annotated,assignment,arg-type"
# (plain sums in local functions: what they come to is what is tested)

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction as F  # noqa: N817 (sums stay readable)
from math import ceil, lcm
from zoneinfo import ZoneInfo

from tests.tasks.reasoning import Answer


def stock_with_reorder_rule(_: str) -> Answer:
    stock, lost, due = 60, 0, {}
    wanted = (8, 12, 9, 11, 7, 14, 10, 6, 13, 9, 12, 8, 15, 7, 10, 11, 9, 14, 6, 12)
    for day, want in enumerate(wanted, 1):
        stock += due.pop(day, 0)
        lost += max(0, want - stock)
        stock = max(0, stock - want)
        if stock + sum(due.values()) <= 25:
            due[day + 3] = 45
    return lost


def two_tills_twelve_customers(_: str) -> Answer:
    free, waited = [0, 0], 0
    comes = (0, 1, 1, 3, 6, 7, 7, 8, 12, 15, 15, 16)
    for at, takes in zip(comes, (4, 3, 6, 2, 5, 1, 7, 3, 4, 2, 6, 3), strict=True):
        starts = [max(at, one) for one in free]
        till = 1 if starts[1] < starts[0] and starts[1] < 14 else 0
        waited += starts[till] - at
        free[till] = starts[till] + takes
    return F(waited, 12)


def loan_with_rate_change(_: str) -> Answer:
    balance = F(50000)
    for month in range(1, 37):
        balance *= 1 + (F(36, 12000) if month < 25 else F(48, 12000))
        balance -= (600 if month < 25 else 640) + (5000 if month == 18 else 0)
    return balance


def committee_days_in_a_year(_: str) -> Answer:
    total = 0
    after_holiday = {date(2026, 4, 7), date(2026, 5, 5), date(2026, 5, 26), date(2026, 9, 1)}
    for month in set(range(1, 13)) - {8}:
        day = next(date(2026, month, n) for n in range(1, 8) if date(2026, month, n).weekday() == 1)
        if day in after_holiday or timedelta(0) < date(2026, 4, 5) - day <= timedelta(10):
            day += timedelta(2)
        due = day + timedelta(7)
        total += (due - timedelta(due.day >= 15)).day
    return total


def twenty_business_days_over_easter(_: str) -> Answer:
    day, left = date(2026, 3, 12), 20
    while left:
        day += timedelta(1)
        left -= day.weekday() < 5 and day not in (date(2026, 4, 3), date(2026, 4, 6))
    return (day - date(2026, 3, 12)).days


def flight_in_the_night_of_the_clocks(_: str) -> Answer:
    leaves = datetime(2026, 10, 24, 23, 50, tzinfo=ZoneInfo("Europe/Helsinki")).astimezone(UTC)
    lands = (leaves + timedelta(minutes=260)).astimezone(ZoneInfo("Europe/Madrid"))
    return lands.hour * 60 + lands.minute


def rent_by_the_day_six_years(_: str) -> Answer:
    return ((date(2029, 1, 14) - date(2023, 1, 15)).days + 1) * F(185, 10)


def second_counter_at_half_past(_: str) -> Answer:
    free = [0, 30]
    for arrives in range(0, 61, 4):
        counter = free.index(min(free))
        starts = max(arrives, free[counter])
        free[counter] = starts + 7
    return starts - arrives


def degressive_then_linear(_: str) -> Answer:
    after_three = 18000 * F(8, 10) ** 3
    return after_three - 3 * (after_three - 1000) / 5


def lift_with_two_stops(_: str) -> Answer:
    return 7 + 21 * 2 + 4 * 7 + (21 - 5) * 2 + 7


def standing_order_to_january(_: str) -> Answer:
    return 300 + 45 * ((2026 * 12 + 1) - (2024 * 12 + 3) + 1)


def train_de_nuit_fr(_: str) -> Answer:
    return (22 * 60 + 47 + 7 * 60 + 38) % 1440


def turni_dei_semafori_it(_: str) -> Answer:
    return 7200 // lcm(70, 84) + 1


def shortened_task_off_critical_path(_: str) -> Answer:
    def length(d):
        a = 3
        b, c = a + 5, a + 2
        d_end = c + d
        e, f = max(b + 2, d_end) + 4, d_end + 3
        return max(e, f) + 2

    return length(6) - length(2)


def maintenance_visits_on_weekends(_: str) -> Answer:
    days = [date(2025, 2, 3) + timedelta(24 * n) for n in range(20)]
    return sum(day.weekday() >= 5 for day in days if day <= date(2025, 12, 31))


def loan_balance_after_one_year(_: str) -> Answer:
    balance = F(12000)
    for _month in range(12):
        balance = balance * F(1005, 1000) - 350
    return balance


def cooling_tank_pumps_and_leak(_: str) -> Answer:
    litres = F(2400)
    for minute in range(50):
        litres += 40 + (60 if minute >= 20 else 0) - 15
    return 50 + (9600 - litres) / 100


def archive_move_total_cost(_: str) -> Answer:
    trips = ceil(F(1416 - 156, 84))
    days = ceil(F(trips, 480 // (25 + 35 + 20 + 30)))
    return days * (95 + 210 + 2 * 160) + F(42, 100) * 36 * trips + 120


def claims_backlog_team_shrinks(_: str) -> Answer:
    each = F(240, 5 * 6)
    return 120 + (240 - 2 * 5 * each) / (3 * each * F(125, 100)) * 60


def camiones_que_se_cruzan_con_inyeccion(_: str) -> Answer:
    for minute in range(1000):
        first = F(75, 60) * (min(minute, 90) + max(0, minute - 120))
        if first + max(0, minute - 60) >= 375:
            return first
    return None


def chambre_froide_etiquette_piegee(_: str) -> Answer:
    return 6 - 3 * F(5, 2) + 4 * F(75, 100) - 3 * F(5, 2) + 10 * F(3, 10) - F(3, 2) * F(5, 2)


def joint_work_wages_japanese(_: str) -> Answer:
    left = 1 - 4 * (F(1, 12) + F(1, 18))
    more = left / (F(1, 12) + F(1, 36))
    return 18000 * (4 + more) + 15000 * 4 + 12000 * more


def dos_grifos_y_un_sumidero_es(_: str) -> Answer:
    return 15 + (3000 - 15 * (60 + 40 - 20)) / F(60 + 40)
