"""`report.html` in a real browser: what a reader does with it, and what an answer can't do."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Iterator
from hashlib import sha256
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

from runner.decide import history
from runner.measure.verdict import Side, word_for
from runner.record.files import PAGE, RUN, SWEEP, write_json
from runner.record.outcomes import Answered, Failed, Score, ToolCall
from runner.report import build, build_sweep, label
from runner.report.history import page as history_page
from tests.report import make
from tests.report.make import answered, failed, job, model

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, ViewportSize

api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
NAMES = "chromium", "chromium-browser", "google-chrome"
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")

DESKTOP: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}
HOSTILE = (
    "</script><script>document.title = 'run'</script><img src=x onerror=\"document.title = 'run'\">"
    "<!-- <svg onload=alert(1)> {{ 7 * 7 }}"
)
RIGHT = "c0", "c1", "c2", "c6", "c7", "c8", "c9"  # answers of both
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="
)
Lines = list[Answered | Failed]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with api.sync_playwright() as playwright:
        # Chromium has no sandbox for root, which is whom a container runs tests as.
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def tab(browser: Browser) -> Iterator[Page]:
    """Fails the test on any error on the page, on a dialog, and on a request but for the file."""
    context = browser.new_context(viewport=DESKTOP)
    context.set_default_timeout(120_000)
    tab = context.new_page()
    problems: list[str] = []
    asked: list[str] = []
    tab.on("pageerror", lambda error: problems.append(str(error)))
    tab.on("console", lambda message: problems.append(message.text))
    tab.on("dialog", lambda dialog: problems.append(dialog.message))
    tab.on("request", lambda request: asked.append(request.url))
    yield tab
    context.close()
    assert problems == []
    assert all(url.startswith(("file:", "about:")) for url in asked)


def case(number: int, quality: float, **changes: Any) -> Answered:
    known: dict[str, Any] = {
        "messages": [
            {"role": "system", "content": "Sort it."},
            {"role": "user", "content": f"the letter number {number}"},
        ],
        "expected": "a lost card",
        "reply": "a lost card" if quality == 1 else "a stolen card",
        "tags": ["even" if number % 2 == 0 else "odd"],
        "scores": {"exact": Score(value=quality, why=f"it is worth {quality}")},
        "seconds": 1.0 + number,
    }
    return answered(f"c{number}", quality, **(known | changes))


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Ten cases: `good` has all right, `bad` has c3 wrong, c4 failed and a hostile answer to c5."""
    directory = tmp_path_factory.mktemp("sweep")
    good: Lines = [case(number, 1.0) for number in range(10)]
    bad: Lines = [case(number, float(number != 3), served_by="bad") for number in range(10)]
    bad[4] = failed("c4", error="too late")
    bad[5] = case(5, 0.5, reply=HOSTILE, served_by="bad")
    for number, (name, lines) in enumerate({"good": good, "bad": bad}.items()):
        of = job(requirements={"min_quality_score": 0.5}, model=model(name))
        build(make.run(directory / f"{number}_sorting-{name}", lines, of))
    write_json(directory / SWEEP, {"command": HOSTILE})
    build_sweep(directory)
    return (directory / PAGE).as_uri()


def run_page(directory: Path, lines: Lines) -> str:
    build(make.run(directory, lines))
    return (directory / PAGE).as_uri()


def shows(tab: Page, *cases: str) -> None:
    """Waits for the rows to be these."""
    api.expect(tab.locator(".grid [role=rowheader]")).to_have_text(cases)


def test_filters(tab: Page, sweep: str) -> None:
    """Cases are found by what became of them, by tag and by a word of any of their texts."""
    tab.goto(sweep)
    shows(tab, *(f"c{number}" for number in range(10)))
    tab.get_by_label("Show", exact=True).select_option("wrong or failed")
    shows(tab, "c3", "c4", "c5")
    tab.get_by_label("Show", exact=True).select_option("failed calls")
    shows(tab, "c4")
    tab.get_by_role("button", name="Clear").click()
    tab.get_by_label("differing only").check()
    shows(tab, "c3", "c4", "c5")
    tab.get_by_label("Tag", exact=True).select_option("odd")
    shows(tab, "c3", "c5")
    tab.get_by_label("Search").fill("STOLEN")
    api.expect(tab.locator("output")).to_have_text("1 of 10 cases")
    shows(tab, "c3")
    tab.get_by_label("Search").fill("nowhere")
    api.expect(tab.locator(".nothing")).to_be_visible()


def test_the_address_keeps_the_view(tab: Page, sweep: str) -> None:
    """Filters and order stand in the address, and come back with it."""
    tab.goto(sweep)
    tab.get_by_label("Tag", exact=True).select_option("odd")
    tab.get_by_role("columnheader", name="case", exact=True).get_by_role("button").click()
    tab.get_by_role("columnheader", name="case", exact=True).get_by_role("button").click()
    seen = "c9", "c7", "c5", "c3", "c1"
    shows(tab, *seen)
    address = tab.url
    tab.goto("about:blank")
    tab.goto(address)
    shows(tab, *seen)


def test_sorting(tab: Page, sweep: str) -> None:
    """A column sorts both ways, failed calls below wrong answers; other numbers sort, too."""
    tab.goto(sweep)
    heading = tab.locator(".grid").get_by_role("columnheader", name="bad")
    heading.get_by_role("button").click()
    shows(tab, "c4", "c3", "c5", *RIGHT)
    api.expect(heading).to_have_attribute("aria-sort", "ascending")
    heading.get_by_role("button").click()
    shows(tab, *RIGHT, "c5", "c3", "c4")
    tab.get_by_label("Cells show").select_option("time")
    shows(tab, "c4", *(f"c{number}" for number in (9, 8, 7, 6, 5, 3, 2, 1, 0)))
    assert "60.00 s" in tab.locator("[data-place='0'] [data-column='1']").inner_text()


def test_other_tables_sort(tab: Page, sweep: str) -> None:
    """The candidates can be put in the order of any requirement; what all agree on is no column."""
    tab.goto(sweep)
    table = tab.locator("table[data-sortable]").first
    names = table.locator("tbody th")
    assert "good" in names.first.inner_text()
    table.get_by_role("button", name="quality").click()
    assert "bad" in names.first.inner_text()
    assert "privacy" not in table.inner_text()
    api.expect(tab.get_by_text("Alike for all")).to_contain_text("met privacy (standard)")


def test_other_thresholds(tab: Page, sweep: str) -> None:
    """Sliders start at the thresholds and the verdicts of the report, move both, and are copied."""
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.goto(sweep)
    decided = tab.locator("table[data-sortable]").first.locator("tbody tr")
    tab.get_by_text("What if").click()
    supposed = tab.get_by_role("group", name="Verdicts at other thresholds").locator("tbody tr")
    quality = tab.get_by_role("slider", name="quality")
    assert quality.get_attribute("aria-valuetext") == "at least 0.5"
    for row, other in zip(decided.all(), supposed.all(), strict=True):
        words = [
            one.removeprefix(one.split()[0]).strip()
            for one in row.locator(".chip").all_inner_texts()
        ]
        assert sorted(words) == sorted(other.locator(".chip").all_inner_texts())
    tab.get_by_role("button", name="Copy as override").click()
    assert tab.evaluate("navigator.clipboard.readText()") == HOSTILE
    quality.fill("199")
    api.expect(supposed.first.locator("td").last).to_have_text("not proven")
    api.expect(supposed.last.locator(".tier")).to_have_text("refused")
    tab.get_by_role("button", name="Copied").or_(tab.get_by_role("button", name="Copy as")).click()
    wanted = f"{HOSTILE} requirements.min_quality_score=0.995"
    assert tab.evaluate("navigator.clipboard.readText()") == wanted
    tab.get_by_role("button", name="As they were").click()
    assert quality.get_attribute("aria-valuetext") == "at least 0.5"


@pytest.mark.parametrize("side", ["min", "max"])
def test_one_rule(tab: Page, sweep: str, side: Side) -> None:
    """The page gives the verdict that `word_for` gives, wherever a bound lies."""
    tab.goto(sweep)
    values = None, 0.0, 0.25, 0.5, 1.0
    for low, high, limit in product(values, values, values[1:]):
        asked = [low, high, side, limit]
        said = tab.evaluate("([low, high, side, limit]) => wordFor(low, high, side, limit)", asked)
        assert said == word_for(low, high, side, float(limit or 0)), asked


def test_against_a_baseline(tab: Page, tmp_path: Path) -> None:
    """The first screen leads to the cases that fell, one by one and together."""
    before = make.run(tmp_path / "before", [case(number, 1.0) for number in range(10)])
    build(before)
    lines: Lines = [case(number, float(number > 1)) for number in range(10)]
    build(make.run(tmp_path / "after", lines, job(baseline=before)))
    tab.goto((tmp_path / "after" / PAGE).as_uri())
    card = tab.get_by_role("article")
    api.expect(card).to_contain_text("Quality fell in 2 of 10 cases: c0, c1, all of them.")
    card.get_by_role("link", name="c1").click()
    api.expect(tab.get_by_role("dialog", name="c1")).to_be_visible()
    tab.keyboard.press("Escape")
    card.get_by_role("link", name="all of them").click()
    shows(tab, "c0", "c1")
    api.expect(tab.get_by_label("Search")).to_be_in_viewport()


def test_an_opened_case(tab: Page, sweep: str) -> None:
    """A cell opens to prompt, answer, expected, score with its why, attempts and timing."""
    tab.goto(sweep)
    tab.locator("[data-place='3'] [data-column='1']").click()
    dialog = tab.get_by_role("dialog", name="c3")
    for words in (
        "the letter number 3",
        "a lost card",
        "a stolen card",
        "it is worth 0.0",
        "4.00 s",
        "bad · answer",
    ):
        assert words in dialog.inner_text()
    dialog.get_by_label("Compare with").select_option("expected")
    assert dialog.locator("pre del").all_inner_texts() == ["lost"]
    assert dialog.locator("pre ins").all_inner_texts() == ["stolen"]
    dialog.get_by_label("Compare with").select_option("good")
    assert dialog.locator("pre del").all_inner_texts() == ["lost"]
    dialog.get_by_role("button", name="Next case").click()
    assert "too late" in tab.get_by_role("dialog", name="c4").inner_text()
    tab.get_by_role("button", name="Close").click()
    api.expect(tab.locator("dialog")).not_to_be_visible()


def test_side_by_side(tab: Page, tmp_path: Path) -> None:
    """Input before the folded prompt, answers side by side, images in sight; arrows move."""
    image = tmp_path / "dot.png"
    image.write_bytes(PIXEL)
    part = {"type": "image", "path": str(image), "sha256": sha256(PIXEL).hexdigest()}
    asked = [
        [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": f"Like this:\n\n{n}?"}, part]},
        ]
        for n in range(3)
    ]
    for place, name in enumerate(("good", "bad")):
        lines: Lines = [case(n, float(name == "good"), messages=asked[n]) for n in range(3)]
        build(
            make.run(tmp_path / "sweep" / f"{place}_sorting-{name}", lines, job(model=model(name)))
        )
    build_sweep(tmp_path / "sweep")
    tab.goto((tmp_path / "sweep" / PAGE).as_uri())
    tab.locator("[data-place='0'] [data-column='0']").click()
    dialog = tab.get_by_role("dialog")
    api.expect(dialog.get_by_label("input", exact=True)).to_have_text("0?\n[image: dot.png]")
    api.expect(dialog.get_by_text("Like this")).not_to_be_visible()
    api.expect(dialog.get_by_text("Be brief.")).not_to_be_visible()
    api.expect(dialog.get_by_label("answer of good")).to_have_text("a lost card")
    api.expect(dialog.get_by_label("answer of bad")).to_have_text("a stolen card")
    assert dialog.get_by_role("img").evaluate("image => image.naturalWidth") == 1
    dialog.get_by_label("Question and answers").focus()
    for key in ("ArrowRight", "ArrowDown"):
        tab.keyboard.press(key)
    assert tab.url.endswith("#case=c1&model=bad")
    api.expect(dialog.get_by_role("heading", name="Why: bad")).to_be_visible()


@pytest.mark.parametrize("kind", ["run", "sweep", "tasks", "history", "label"])
def test_no_barriers(browser: Browser, sweep: str, tmp_path: Path, kind: str) -> None:
    """axe finds nothing on any kind of page, folded or unfolded, nor in an opened case."""
    found = pytest.importorskip("axe_playwright_python", reason="axe is not installed")
    axe = (Path(found.__file__).parent / "axe.min.js").read_text()
    before = make.run(tmp_path / "outputs" / "before", [case(n, 1.0) for n in range(4)])
    build(before)
    after = make.run(
        tmp_path / "outputs" / "after", [case(n, 0.0) for n in range(4)], job(baseline=before)
    )
    build(after)
    for place, task in enumerate(("sorting", "naming")):
        path = tmp_path / "tasks" / f"{place}_{task}-small"
        make.run(path, [case(0, 1.0)], job(task={"name": task}))
        write_json(path / RUN, json.loads((path / RUN).read_text()) | {"task": task})
        build(path)
    build_sweep(tmp_path / "tasks")
    index = tmp_path / "outputs" / "index.html"
    index.write_text(history_page(history.of(index.parent), index.parent))
    labels = tmp_path / "label.html"
    labels.write_text(label.page([("sorting", case(0, 1.0)), ("sorting", case(1, 0.0))]))
    pages = {"run": after / PAGE, "tasks": tmp_path / "tasks" / PAGE}
    pages |= {"history": index, "label": labels}
    context = browser.new_context(viewport=DESKTOP, bypass_csp=True)
    context.set_default_timeout(120_000)
    tab = context.new_page()
    tab.goto(sweep if kind == "sweep" else pages[kind].as_uri())
    tab.evaluate(axe)
    tab.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
    look = "axe.run().then((said) => said.violations.map((one) => [one.id, one.nodes[0].html]))"
    assert tab.evaluate(look) == []
    if kind not in ("history", "label"):
        tab.locator("[data-place='0'] [data-column='0']").first.click()
        assert tab.evaluate(look) == []
    context.close()


def test_on_paper(tab: Page, sweep: str) -> None:
    """What is folded on the screen is there in print, and what only a reader can use is not."""
    tab.goto(sweep)
    folded = tab.get_by_text("Why the others").or_(tab.locator(".whys")).first
    api.expect(folded).not_to_be_visible()
    tab.emulate_media(media="print")
    assert folded.evaluate("each => each.checkVisibility({ contentVisibilityAuto: true })")
    api.expect(tab.locator(".filters")).not_to_be_visible()


def test_the_address_of_a_case(tab: Page, sweep: str) -> None:
    """An opened case has an address, which one key copies and which opens it again."""
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.goto(sweep)
    tab.get_by_label("Tag", exact=True).select_option("odd")
    tab.locator("[data-place='1'] [data-column='1']").click()
    api.expect(tab.get_by_role("dialog", name="c3")).to_be_visible()
    address = tab.url
    assert address.endswith("#tag=odd&case=c3&model=bad")
    tab.keyboard.press("c")
    api.expect(tab.get_by_role("button", name="Copy the address")).to_have_text("Copied")
    assert tab.evaluate("navigator.clipboard.readText()") == address
    tab.goto("about:blank")
    tab.goto(address)
    api.expect(tab.get_by_role("dialog", name="c3")).to_contain_text("a stolen card")
    tab.keyboard.press("j")
    assert "case=c5" in tab.url
    tab.keyboard.press("Escape")
    api.expect(tab.locator(".grid")).to_be_focused()
    assert tab.url.endswith("#tag=odd")
    tab.goto("about:blank")
    tab.goto(f"{sweep}#case=nowhere")
    shows(tab, *(f"c{number}" for number in range(10)))


def test_the_command_is_copied(tab: Page, sweep: str) -> None:
    """One click puts it where it can be pasted, whatever stands in it."""
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.goto(sweep)
    tab.get_by_role("button", name="Copy", exact=True).click()
    api.expect(tab.get_by_role("button", name="Copied")).to_be_visible()
    assert tab.evaluate("navigator.clipboard.readText()") == HOSTILE


def test_by_keyboard(tab: Page, sweep: str) -> None:
    """Search, rows, candidates and an opened case are reached without a mouse."""
    tab.goto(sweep)
    tab.keyboard.press("/")
    api.expect(tab.get_by_label("Search")).to_be_focused()
    tab.keyboard.type("number 3")
    api.expect(tab.locator("output")).to_have_text("1 of 10 cases")
    tab.keyboard.press("Escape")
    api.expect(tab.locator(".grid")).to_be_focused()
    tab.get_by_role("button", name="Clear").press("Enter")
    api.expect(tab.locator("output")).to_have_text("10 cases")
    tab.locator(".grid").focus()
    for key in ("j", "ArrowDown", "j", "k", "j", "ArrowRight", "Enter"):
        tab.keyboard.press(key)
    assert "a stolen card" in tab.get_by_role("dialog", name="c3").inner_text()
    tab.keyboard.press("j")
    tab.keyboard.press("j")
    tab.keyboard.press("k")
    api.expect(tab.get_by_role("dialog", name="c4")).to_be_visible()
    tab.keyboard.press("Escape")
    api.expect(tab.locator(".grid")).to_be_focused()
    selected = tab.locator(".grid [aria-selected=true]")
    api.expect(selected).to_contain_text("c4")
    assert tab.locator(".grid").get_attribute("aria-activedescendant") == selected.get_attribute(
        "id"
    )


def test_a_hostile_answer_runs_nothing(tab: Page, sweep: str) -> None:
    """Markup in an answer is read as text, in the table, opened, and compared."""
    tab.goto(sweep)
    tab.locator("[data-place='5'] [data-column='1']").click()
    assert tab.locator("pre[aria-label='answer of bad']").inner_text() == HOSTILE
    tab.get_by_label("Compare with").select_option("good")
    assert HOSTILE.split()[0] in tab.locator("pre[aria-label='answer of bad']").inner_text()
    assert tab.title() == "sorting · 2026-11-23"
    assert tab.locator("img, main script, dialog script, svg[onload]").count() == 0


def test_the_policy_stops_what_is_put_in(browser: Browser, sweep: str) -> None:
    """Even a script that got into the page would not run."""
    context = browser.new_context()
    context.set_default_timeout(120_000)
    tab = context.new_page()
    tab.goto(sweep)
    put_in = """() => {
        const script = document.createElement("script");
        try { script.text = "document.title = 'run'"; document.body.append(script); } catch {}
        try { document.body.innerHTML = "<img src=x onerror=go()>"; } catch {}
        return document.title;
    }"""
    assert tab.evaluate(put_in) == "sorting · 2026-11-23"
    context.close()


def test_a_very_long_answer(tab: Page, tmp_path: Path) -> None:
    """An answer of 200 kB is there whole, and can be compared with another as long."""
    long = "word " * 40_000
    tab.goto(run_page(tmp_path, [answered(reply=f"{long}end", expected=f"{long}END")]))
    tab.locator("[data-place='0'] [data-column='0']").click()
    answer = tab.locator("pre[aria-label='answer of small']")
    assert len(answer.text_content() or "") == len(long) + 3
    tab.get_by_label("Compare with").select_option("expected")
    assert tab.locator("pre ins").all_inner_texts() == ["end"]


def test_an_answer_that_calls_tools(tab: Page, tmp_path: Path) -> None:
    """Its calls stand below it, with their arguments and what was said of them."""
    call = ToolCall(id="1", name="find_store", arguments='{"city": "Ghent"}')
    told = [{"name": "find_store", "verdict": "wrong", "why": 'city: is "Ghent", expected "Lyon"'}]
    score = Score(value=0, why="0 of 1", details={"calls": told})
    line = answered(reply="", tool_calls=[call], scores={"exact": score})
    tab.goto(run_page(tmp_path, [line]))
    tab.locator("[data-place='0'] [data-column='0']").click()
    assert '"city": "Ghent"' in tab.get_by_label("arguments of find_store").inner_text()
    api.expect(tab.get_by_role("dialog")).to_contain_text(
        'wrong: city: is "Ghent", expected "Lyon"'
    )


def test_ten_thousand_rows(tab: Page, tmp_path: Path) -> None:
    """Only the rows in sight are elements, the last is within reach, what all ask is there once."""
    rules = "Sort it by these rules. " * 50
    asked = [[{"role": "user", "content": f"{rules}\n{n}?"}] for n in range(10_000)]
    lines: Lines = [answered(f"c{n}", n % 2, messages=asked[n]) for n in range(10_000)]
    page = run_page(tmp_path, lines)
    assert (tmp_path / PAGE).read_text().count(rules) == 1
    tab.goto(page)
    api.expect(tab.locator("output")).to_have_text("10,000 cases")
    tab.locator(".grid").focus()
    tab.keyboard.press("End")
    api.expect(tab.locator(".grid [aria-selected=true]")).to_contain_text("c9999")
    api.expect(tab.locator(".grid [aria-selected=true]")).to_be_in_viewport()
    assert tab.locator(".grid [data-place]").count() < 60
    assert tab.locator(".grid").get_attribute("aria-rowcount") == "10001"
    tab.keyboard.press("Enter")
    dialog = tab.get_by_role("dialog", name="c9999")
    api.expect(dialog.get_by_label("input", exact=True)).to_have_text("9999?")
    dialog.get_by_text("The whole prompt").click()
    api.expect(dialog.get_by_label("user message")).to_have_text(f"{rules}\n9999?")


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits(
    browser: Browser, sweep: str, viewport: ViewportSize, scheme: Literal["light", "dark"]
) -> None:
    """Nothing sticks out sideways, and the theme is the reader's."""
    context = browser.new_context(viewport=viewport, color_scheme=scheme)
    context.set_default_timeout(120_000)
    tab = context.new_page()
    tab.goto(sweep)
    assert tab.evaluate("document.documentElement.scrollWidth") == viewport["width"]
    assert brightness(tab) == scheme
    tab.locator("[data-place='0'] [data-column='0']").click()
    assert tab.evaluate("document.querySelector('dialog').scrollWidth") <= viewport["width"]
    context.close()


def test_the_theme_can_be_chosen(tab: Page, sweep: str) -> None:
    """The button goes from the reader's own theme to light and to dark."""
    tab.goto(sweep)
    button = tab.get_by_role("button", name="Theme")
    for _ in range(2):
        button.click()
    api.expect(button).to_have_text("Theme: dark")
    assert brightness(tab) == "dark"


def brightness(tab: Page) -> str:
    red = tab.evaluate("getComputedStyle(document.body).backgroundColor.match(/[0-9.]+/)[0]")
    return "dark" if float(red) < 128 else "light"


def test_without_a_script(browser: Browser, sweep: str) -> None:
    """Recommendation, requirements and charts are there for a browser without scripts."""
    context = browser.new_context(viewport=DESKTOP, java_script_enabled=False)
    context.set_default_timeout(120_000)
    tab = context.new_page()
    tab.goto(sweep)
    api.expect(tab.locator(".headline")).to_be_visible()
    api.expect(tab.get_by_role("cell", name="met").first).to_be_visible()
    api.expect(tab.get_by_role("img", name="Quality against cost")).to_be_visible()
    api.expect(tab.get_by_text("This table needs JavaScript")).to_be_visible()
    context.close()
