"""Answers: a few steps of sums, rates and percentages."""
# mypy: allow-untyped-defs, allow-untyped-calls
# mypy: disable-error-code="var-annotated,assignment,arg-type"
# (plain sums in local functions: what they come to is what is tested)

from fractions import Fraction as F  # noqa: N817 (sums stay readable)
from math import ceil

from tests.tasks.reasoning import Answer


def api_plan_break_even_requests(_: str) -> Answer:
    return next(n for n in range(60001, 10**6) if F(9, 1000) * (n - 60000) + 840 < F(12, 1000) * n)


def pop_up_shop_quarter_result(_: str) -> Answer:
    return 48200 * F(38, 100) - 3 * (4150 + 2 * 2900) + 5000


def price_after_three_changes(_: str) -> Answer:
    return (F(160, 100) * F(50, 100) * F(125, 100) - 1) * 100


def backup_compress_and_transfer(_: str) -> Answer:
    return 30 + F(18, 10) * F(75, 100) * 10**12 * 8 / (400 * 10**6 * F(8, 10)) / 60


def coolant_drain_and_refill(_: str) -> Answer:
    return (F(385, 1000) - F(18, 100)) * 30 / (1 - F(18, 100))


def betriebskantine_jahreszuschuss(_: str) -> Answer:
    first = 23 * (4 * 420 * F(65, 100) + 420 * F(40, 100))
    second = 23 * (4 * 420 * F(60, 100) + 420 * F(40, 100))
    staff = first * F(680 - 420, 100) + second * F(680 - 460, 100)
    return staff + 12 * 1150 - 46 * 35 * F(890 - 680, 100)


def solaranlage_gewinn_nach_15_jahren(_: str) -> Answer:
    year = 9500 * (F(30, 100) * F(34, 100) + F(70, 100) * F(8, 100)) - 180
    return 15 * year - 1450 - 13210


def factura_con_iva_y_retencion(_: str) -> Answer:
    return 24 * 65 * F(95, 100) * F(100 + 21 - 15, 100) + F(9340, 100)


def lucro_lote_de_cafe_torrado(_: str) -> Answer:
    packs = int(F(100) * F(84, 100) / F(25, 100))
    return (
        (packs - 16) * F(610, 100) - packs * F(35, 100) - 150 - 60 * F(720, 100) - 40 * F(945, 100)
    )


def pezzi_buoni_di_tre_macchine(_: str) -> Answer:
    return 4 * 120 * F(95, 100) + F(7, 2) * 100 * F(98, 100) + F(5, 2) * 160 * F(92, 100)


def toner_for_half_a_year(_: str) -> Answer:
    return ceil(F(95 * 22 * 6, 2400))


def museum_group_tickets(_: str) -> Answer:
    return min(64 * g + F(15, 2) * max(0, 30 - 10 * g) for g in range(4))


def water_for_three_loaves(_: str) -> Answer:
    return F(5200, 8) * 3 * F(65, 100)


def fuel_for_a_long_day(_: str) -> Answer:
    return F(64, 1000) * 745 * F(175, 100)


def two_raises(_: str) -> Answer:
    return 3200 * F(104, 100) * F(1015, 1000)


def regalbretter_zuschneiden_de(_: str) -> Answer:
    return max(n for n in range(1, 9) if 380 * n + 4 * (n - 1) <= 2400)


def tres_por_dos_es(_: str) -> Answer:
    return (7 - 7 // 3) * F(135, 100)


def sagwa_sangja_ko(_: str) -> Answer:
    return 240 // 18 * 11500 + 240 % 18 * 700


def khazzan_ma_ar(_: str) -> Answer:
    return F(900 * 2, 3) / (45 - 15)


def kursiyan_labh_hi(_: str) -> Answer:
    return 9 * 1200 + 3 * 950 - 12 * 850 - 600


def dva_printera_ru(_: str) -> Answer:
    return F(1620, 24 + 30)


def jiaoche_zhuishang_zh(_: str) -> Answer:
    return F(60 * 3, 2) / (80 - 60) * 80


def otel_gunluk_gelir_tr(_: str) -> Answer:
    return 42 * 1250 + 21 * 1000


def wynajem_auta_pl(_: str) -> Answer:
    return 4 * 140 + F(6, 10) * (1030 - 4 * 200)


def fifth_test_result(_: str) -> Answer:
    return 5 * 71 - (64 + 78 + 69 + 80)


def turnout_in_percent(_: str) -> Answer:
    return F(54 - 48, 48) * 100


def fence_around_a_field(_: str) -> Answer:
    return F(2 * (45 + 30)) / F(5, 2)


def there_and_back_speed(_: str) -> Answer:
    return F(48) / (F(24, 24) + F(24, 16))


def brine_thrice_diluted(_: str) -> Answer:
    return 6 * F(9, 10) ** 3 / 36 * 100


def margin_after_discount(_: str) -> Answer:
    net = 119 * F(85, 100) / F(119, 100)
    return (net - F(6120, 100)) / net * 100


def dollars_there_and_back(_: str) -> Answer:
    return (800 / F(945, 1000) - 340) * F(905, 1000)


def kassenbon_mit_falschem_hinweis_de(_: str) -> Answer:
    return (3 * F(240, 100) + 3 * F(380, 100) + 88 * F(7, 10)) * F(95, 100)


def first_wrong_line_of_a_solution(_: str) -> Answer:
    return (2 + (1 - F(2, 12)) / (F(1, 12) + F(1, 18) - F(1, 36))) * 60
