"""Calls of tools against what was expected: answers judged by hand, then by the scorer."""

import json
from typing import Any

import pytest

from runner.cases.cases import Case
from runner.config.schema import Tool
from runner.record.outcomes import Reply, Score, ToolCall
from runner.scorers import tool_calls
from tests.scorers import make


def tool(name: str, required: str = "", **properties: Any) -> Tool:
    schema = {"type": "object", "properties": properties, "required": required.split()}
    return Tool(name=name, description=f"What {name} does.", parameters=schema)


TEXT, WHOLE, NUMBER = {"type": "string"}, {"type": "integer"}, {"type": "number"}
FILTERS = {"type": "object", "properties": {"max_price": NUMBER, "direct": {"type": "boolean"}}}
TOOLS = (
    tool(
        "get_weather",
        "city",
        city=TEXT,
        unit={"type": "string", "enum": ["celsius", "fahrenheit"]},
        days=WHOLE | {"minimum": 1, "maximum": 14},
    ),
    tool("book_table", "restaurant guests date", restaurant=TEXT, guests=WHOLE, date=TEXT),
    tool("convert", "amount from to", **{"amount": NUMBER, "from": TEXT, "to": TEXT}),
    tool("send_email", "to subject", to={"type": "array", "items": TEXT}, subject=TEXT, body=TEXT),
    tool(
        "set_light",
        "room on",
        room=TEXT,
        on={"type": "boolean"},
        brightness=NUMBER | {"default": 100},
    ),
    tool("search_flights", "origin destination", origin=TEXT, destination=TEXT, filters=FILTERS),
    tool("now"),
)

LISBON = {"get_weather": {"city": "Lisbon"}}
OSLO = {"get_weather": {"city": "Oslo"}}
EURO = {"convert": {"amount": 25, "from": "EUR", "to": "USD"}}
LIGHT = {"set_light": {"room": "kitchen", "on": True}}
MAIL = {"send_email": {"to": ["ana@x.org", "bo@x.org"], "subject": "Hello"}}
FLIGHT = {"search_flights": {"origin": "LIS", "destination": "OSL", "filters": {"direct": True}}}
TABLE = {"book_table": {"restaurant": "Chez Zoé", "guests": 4, "date": "2026-12-24"}}


def weather(**more: Any) -> dict[str, Any]:
    return {"get_weather": {"city": "Lisbon"} | more}


def flight(**filters: Any) -> dict[str, Any]:
    return {"search_flights": FLIGHT["search_flights"] | {"filters": filters}}


def light(**more: Any) -> dict[str, Any]:
    return {"set_light": LIGHT["set_light"] | more}


# Each: what it shows, the calls expected, the calls made (or a text), whether it is right, and what
# is said of each call that was made or missed.
Pair = tuple[str, list[Any], list[Any] | str, bool, str]
ONE_TO_ONE: list[Pair] = [
    # Names and numbers of calls.
    ("the very call", [LISBON], [LISBON], True, "right"),
    ("another tool", [LISBON], [EURO], False, "unexpected missing"),
    ("a tool that nobody offered", [LISBON], [{"weather": {"city": "Lisbon"}}], False,
     "hallucinated missing"),
    ("a name in another case is another name", [LISBON], [{"Get_Weather": {"city": "Lisbon"}}],
     False, "hallucinated missing"),
    ("no name at all", [LISBON], [{"": {"city": "Lisbon"}}], False, "hallucinated missing"),
    ("nothing called, an answer made up", [LISBON], "It is 21 degrees.", False, "missing"),
    ("nothing called, nothing said", [LISBON], "", False, "missing"),
    ("the same call twice", [LISBON], [LISBON, LISBON], False, "right unexpected"),
    ("one more call of another tool", [LISBON], [LISBON, {"now": {}}], False, "right unexpected"),
    ("a tool without parameters", [{"now": {}}], [{"now": {}}], True, "right"),
    ("a tool without parameters, no arguments sent", [{"now": {}}], [{"now": ""}], True, "right"),
    ("a tool without parameters is given one", [{"now": {}}], [{"now": {"zone": "UTC"}}], False,
     "wrong"),
    # Several.
    ("two at once", [LISBON, OSLO], [LISBON, OSLO], True, "right right"),
    ("two at once, in another order", [LISBON, OSLO], [OSLO, LISBON], True, "right right"),
    ("one of two", [LISBON, OSLO], [OSLO], False, "right missing"),
    ("one of two, twice", [LISBON, OSLO], [OSLO, OSLO], False, "right wrong"),
    ("one of two wrong", [LISBON, OSLO], [LISBON, {"get_weather": {"city": "Bergen"}}], False,
     "right wrong"),
    ("of different tools", [LISBON, EURO], [EURO, LISBON], True, "right right"),
    ("three at once, one hallucinated", [LISBON, OSLO, EURO], [LISBON, OSLO, {"fx": {}}], False,
     "right right hallucinated missing"),
    ("the same call wanted twice", [LIGHT, LIGHT], [LIGHT, LIGHT], True, "right right"),
    ("the same call wanted twice, made once", [LIGHT, LIGHT], [LIGHT], False, "right missing"),
    # Texts.
    ("case and blanks around", [LISBON], [{"get_weather": {"city": " lisbon"}}], True, "right"),
    ("punctuation", [TABLE], [{"book_table": TABLE["book_table"] | {"restaurant": "Chez Zoé."}}],
     True, "right"),
    ("a date with other separators", [TABLE],
     [{"book_table": TABLE["book_table"] | {"date": "2026/12/24"}}], True, "right"),
    ("another date", [TABLE], [{"book_table": TABLE["book_table"] | {"date": "2026-12-25"}}],
     False, "wrong"),
    ("letters without their accents are others", [TABLE],
     [{"book_table": TABLE["book_table"] | {"restaurant": "Chez Zoe"}}], False, "wrong"),
    ("letters put together from two", [TABLE],
     [{"book_table": TABLE["book_table"] | {"restaurant": "Chez Zoe\u0301"}}], True, "right"),
    ("another kind of quotes",
     [{"get_weather": {"city": "L'Aquila"}}], [{"get_weather": {"city": "L\u2019Aquila"}}], True,
     "right"),
    ("more than the expected", [LISBON], [{"get_weather": {"city": "Lisbon, Portugal"}}], False,
     "wrong"),
    ("less than the expected", [{"get_weather": {"city": "New York"}}],
     [{"get_weather": {"city": "York"}}], False, "wrong"),
    ("blanks within", [{"get_weather": {"city": "New York"}}],
     [{"get_weather": {"city": "newyork"}}], True, "right"),
    ("an empty text", [LISBON], [{"get_weather": {"city": ""}}], False, "wrong"),
    ("a text that is a number with a point", [{"get_weather": {"city": "1.5"}}],
     [{"get_weather": {"city": "15"}}], False, "wrong"),
    ("a text that is a number below zero", [{"get_weather": {"city": "-5"}}],
     [{"get_weather": {"city": "5"}}], False, "wrong"),
    ("a number in a script of its own is the same", [{"get_weather": {"city": "Paris 7"}}],
     [{"get_weather": {"city": "Paris \uff17"}}], True, "right"),
    # Numbers, truths, nothing.
    ("a whole number where any is taken", [EURO],
     [{"convert": {"amount": 25.0, "from": "EUR", "to": "USD"}}], True, "right"),
    ("a number as a text", [EURO], [{"convert": EURO["convert"] | {"amount": "25"}}], False,
     "malformed"),
    ("another number", [EURO], [{"convert": EURO["convert"] | {"amount": 25.5}}], False, "wrong"),
    ("a whole number written with a point", [weather(days=3)], [weather(days=3.0)], True, "right"),
    ("half a day", [weather(days=3)], [weather(days=3.5)], False, "malformed"),
    ("a truth", [LIGHT], [LIGHT], True, "right"),
    ("the other truth", [LIGHT], [light(on=False)], False, "wrong"),
    ("a truth as a text", [LIGHT], [light(on="true")], False, "malformed"),
    ("a truth as a number", [LIGHT], [light(on=1)], False, "malformed"),
    ("a number as a truth", [EURO], [{"convert": EURO["convert"] | {"amount": True}}], False,
     "malformed"),
    ("nothing for a text", [LISBON], [{"get_weather": {"city": None}}], False, "malformed"),
    # Lists and objects.
    ("a list", [MAIL], [MAIL], True, "right"),
    ("a list in another order", [MAIL],
     [{"send_email": MAIL["send_email"] | {"to": ["bo@x.org", "ana@x.org"]}}], False, "wrong"),
    ("a list with one fewer", [MAIL],
     [{"send_email": MAIL["send_email"] | {"to": ["ana@x.org"]}}], False, "wrong"),
    ("texts in a list", [MAIL],
     [{"send_email": MAIL["send_email"] | {"to": ["Ana@x.org", "BO@X.ORG"]}}], True, "right"),
    ("a text for a list of one", [{"send_email": {"to": ["ana@x.org"], "subject": "Hello"}}],
     [{"send_email": {"to": "ana@x.org", "subject": "Hello"}}], False, "malformed"),
    ("an object", [FLIGHT], [FLIGHT], True, "right"),
    ("a key too many in an object", [FLIGHT], [flight(direct=True, max_price=99)], False, "wrong"),
    ("a key too few in an object", [FLIGHT], [flight()], False, "wrong"),
    ("a list of numbers for texts", [MAIL], [{"send_email": {"to": [1, 2], "subject": "Hello"}}],
     False, "malformed"),
    # Arguments too many and too few.
    ("a required one is not there", [LISBON], [{"get_weather": {"unit": "celsius"}}], False,
     "malformed"),
    ("one that the tool does not have", [LISBON], [weather(country="PT")], False, "wrong"),
    ("one that nobody asked for", [LISBON], [weather(unit="celsius")], False, "wrong"),
    ("one that was asked for is not there", [weather(unit="celsius")], [LISBON], False, "wrong"),
    ("the default, said", [LIGHT], [light(brightness=100)], True, "right"),
    ("not the default", [LIGHT], [light(brightness=40)], False, "wrong"),
    ("a word that the list of the tool does not have", [weather(unit="celsius")],
     [weather(unit="Celsius")], False, "malformed"),
    ("beyond what the tool takes", [weather(days=14)], [weather(days=15)], False, "malformed"),
    # What is no object.
    ("no JSON", [LISBON], [{"get_weather": '{"city": "Lisbon"'}], False, "malformed"),
    ("Python for JSON", [LISBON], [{"get_weather": "{'city': 'Lisbon'}"}], False, "malformed"),
    ("a list of arguments", [LISBON], [{"get_weather": '["Lisbon"]'}], False, "malformed"),
    ("a text alone", [LISBON], [{"get_weather": '"Lisbon"'}], False, "malformed"),
    ("JSON within a text", [LISBON], [{"get_weather": '"{\\"city\\": \\"Lisbon\\"}"'}], False,
     "malformed"),
    ("a key twice", [LISBON], [{"get_weather": '{"city": "Oslo", "city": "Lisbon"}'}], False,
     "malformed"),
    ("nothing where something is required", [LISBON], [{"get_weather": ""}], False, "malformed"),
    # None is right.
    ("none needed, none made", [], "You are welcome!", True, ""),
    ("none needed, one made", [], [LISBON], False, "unexpected"),
    ("none needed, a hallucinated one", [], [{"thank": {}}], False, "hallucinated"),
    ("none needed, and nothing said", [], "", False, ""),
    ("none needed, one written out", [], '{"name": "now", "arguments": {}}', False, "in_text"),
    ("none needed, a tool spoken of", [], "I could use get_weather, but for which city?", True, ""),
    ("none needed, a tool named with brackets", [], "Calling get_weather() needs a city.", True,
     ""),
    # Written in plain text.
    ("JSON", [LISBON], '{"name": "get_weather", "arguments": {"city": "Lisbon"}}', False,
     "in_text missing"),
    ("JSON in a fence, with words around it", [LISBON],
     'Sure!\n```json\n{"name": "get_weather", "parameters": {"city": "Lisbon"}}\n```', False,
     "in_text missing"),
    ("tags", [LISBON],
     '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Lisbon"}}\n</tool_call>', False,
     "in_text missing"),
    ("Python", [LISBON], "get_weather(city='Lisbon')", False, "in_text missing"),
    ("Python in a list of two", [LISBON, OSLO],
     "[get_weather(city='Lisbon'), get_weather(city=\"Oslo\")]", False,
     "in_text in_text missing missing"),
    ("OpenAI's form", [LISBON],
     '{"function": {"name": "get_weather", "arguments": "{\\"city\\": \\"Lisbon\\"}"}}', False,
     "in_text missing"),
    ("a tag with the name in it", [LISBON],
     '<function=get_weather>{"city": "Lisbon"}</function>', False, "in_text missing"),
    ("Mistral's mark", [LISBON],
     '[TOOL_CALLS][{"name": "get_weather", "arguments": {"city": "Lisbon"}}]', False,
     "in_text missing"),
    ("a tool that nobody offered, in text", [LISBON],
     '{"name": "weather", "arguments": {"city": "Lisbon"}}', False, "missing"),
    ("JSON that is no call", [LISBON], '{"city": "Lisbon", "degrees": 21}', False, "missing"),
    ("a real call, and words", [LISBON], [LISBON, "I look it up."], True, "right"),
]  # fmt: skip


def calls_of(made: list[Any]) -> list[ToolCall]:
    pairs = [next(iter(each.items())) for each in made if isinstance(each, dict)]
    return [
        ToolCall(
            id=f"c{n}", name=name, arguments=given if isinstance(given, str) else json.dumps(given)
        )
        for n, (name, given) in enumerate(pairs)
    ]


def reply_of(made: list[Any] | str) -> Reply:
    if isinstance(made, str):
        return make.reply(made)
    text = "".join(each for each in made if isinstance(each, str))
    return make.reply(text).model_copy(update={"tool_calls": calls_of(made)})


def expected_of(calls: list[Any]) -> list[dict[str, Any]]:
    pairs = [next(iter(each.items())) for each in calls]
    return [{"name": name, "arguments": arguments} for name, arguments in pairs]


TASK = make.task({"tool_calls": {}}).model_copy(update={"tools": TOOLS})


def judged(expected: Any, made: list[Any] | str, **options: Any) -> Score:
    case = Case(id="a", input="x", expected=expected)
    problem = tool_calls.check(case, TASK)
    assert problem is None, problem
    return tool_calls.score(reply_of(made), case, TASK, **options)


def kinds(score: Score) -> str:
    return " ".join(call["verdict"] for call in score.details["calls"])


@pytest.mark.parametrize(
    ("expected", "made", "right", "said"),
    [pair[1:] for pair in ONE_TO_ONE],
    ids=[pair[0] for pair in ONE_TO_ONE],
)
def test_pairs(expected: list[Any], made: list[Any] | str, right: bool, said: str) -> None:
    """An answer is right or wrong as somebody said who had not seen the scorer's result."""
    score = judged(expected_of(expected), made)
    assert (score.value, kinds(score)) == (float(right), said), score.why


ONE_OF = {"one_of": ["Lisbon", "Lisboa"]}
UNIT = {"one_of": ["celsius"], "optional": True}
MATCHED: list[tuple[str, dict[str, Any], dict[str, Any], bool]] = [
    ("the first of two", {"city": ONE_OF}, {"city": "Lisbon"}, True),
    ("the second of two", {"city": ONE_OF}, {"city": "LISBOA"}, True),
    ("none of two", {"city": ONE_OF}, {"city": "Porto"}, False),
    ("an optional one is not there", {"city": "Lisbon", "unit": UNIT}, {"city": "Lisbon"}, True),
    ("an optional one is there", {"city": "Lisbon", "unit": UNIT},
     {"city": "Lisbon", "unit": "celsius"}, True),
    ("an optional one is wrong", {"city": "Lisbon", "unit": UNIT},
     {"city": "Lisbon", "unit": "fahrenheit"}, False),
    ("an optional one is anything", {"city": "Lisbon", "days": {"optional": True}},
     {"city": "Lisbon", "days": 9}, True),
    ("by type", {"city": {"type": "string"}}, {"city": "wherever"}, True),
    ("by type, absent", {"city": "Lisbon", "days": {"type": "integer"}}, {"city": "Lisbon"}, False),
    ("by a schema of its own", {"city": {"schema": {"pattern": "^[Ll]is"}}}, {"city": "Lisboa"},
     True),
    ("not by a schema of its own", {"city": {"schema": {"pattern": "^[Ll]is"}}}, {"city": "Oslo"},
     False),
    ("one that is to be left out", {"city": "Lisbon"}, {"city": "Lisbon", "days": 3}, False),
]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "given", "right"), [m[1:] for m in MATCHED], ids=[m[0] for m in MATCHED]
)
def test_what_may_vary(arguments: dict[str, Any], given: dict[str, Any], right: bool) -> None:
    """An argument may be one of several, of a type, fit a schema, or be left out."""
    expected = [{"name": "get_weather", "arguments": arguments}]
    assert judged(expected, [{"get_weather": given}]).value == float(right)


@pytest.mark.parametrize(
    ("expected", "made", "options", "value"),
    [
        ([LISBON, EURO], [EURO, LISBON], {"order": "kept"}, 0.0),
        ([LISBON, EURO], [LISBON, EURO], {"order": "kept"}, 1.0),
        ([LISBON, EURO], [LISBON, LIGHT], {"order": "kept", "partial": True}, 0.5),
        ([LISBON], [OSLO], {"arguments": "type"}, 1.0),
        ([LISBON], [EURO], {"arguments": "type"}, 0.0),
        ([LISBON], [{"get_weather": {"city": 7}}], {"arguments": "type"}, 0.0),
        ([LISBON, OSLO], [OSLO], {"partial": True}, 0.5),
        ([LISBON], [LISBON, OSLO, EURO, LIGHT], {"partial": True}, 0.25),
        ([], [LISBON], {"partial": True}, 0.0),
    ],
)
def test_options(expected: list[Any], made: list[Any], options: Any, value: float) -> None:
    """Order may be kept, values left aside, and a part of the calls be worth a part."""
    assert judged(expected_of(expected), made, **options).value == value


@pytest.mark.parametrize(
    ("made", "value"), [([LISBON], 1.0), ([OSLO], 1.0), ("Which city?", 1.0), ([EURO], 0.0)]
)
def test_of_several_readings_any_is_right(made: Any, value: float) -> None:
    """Where a case may be read in several ways, each is right, also that of no call."""
    expected = {"any": [expected_of([LISBON]), expected_of([OSLO]), "none"]}
    assert judged(expected, made).value == value
    assert judged({"calls": expected}, made).value == value


def test_one_call_may_stand_for_several_wanted() -> None:
    """Calls are paired so that as many as possible are right, whichever comes first."""
    either = {"name": "get_weather", "arguments": {"city": {"one_of": ["Lisbon", "Oslo"]}}}
    lisbon = {"name": "get_weather", "arguments": {"city": "Lisbon"}}
    assert judged([either, lisbon], [LISBON, OSLO]).value == 1.0
    assert judged([either, lisbon], [OSLO, LISBON]).value == 1.0


@pytest.mark.parametrize(
    ("expected", "says"),
    [
        (None, "expected is missing"),
        ("Lisbon", "expected must be a list of calls"),
        ({"any": []}, "any: is a list"),
        ([{"arguments": {}}], "a call is an object with a name"),
        ([{"name": "now", "args": {}}], "a call has no 'args'"),
        ([{"name": "now", "arguments": []}], "arguments must be an object"),
        ([{"name": "get_wether"}], "did you mean 'get_weather'"),
        ([{"name": "get_weather", "arguments": {"town": "Oslo"}}], "no parameter 'town'"),
        ([{"name": "get_weather", "arguments": {}}], "city: the tool requires it"),
        (
            [{"name": "get_weather", "arguments": {"city": {"optional": True}}}],
            "city: the tool requires it",
        ),
        ([{"name": "get_weather", "arguments": {"city": 7}}], "nothing that the tool takes"),
        (
            [{"name": "get_weather", "arguments": {"city": "x", "unit": {"one_of": ["K"]}}}],
            "nothing that the tool takes",
        ),
        (
            [{"name": "get_weather", "arguments": {"city": {"type": "text"}}}],
            "is no JSON schema",
        ),
        (
            [{"name": "get_weather", "arguments": {"city": {"type": "string", "value": "x"}}}],
            "say one of",
        ),
    ],
)
def test_what_no_case_can_mean(expected: Any, says: str) -> None:
    """A case that expects what its tools don't take is found before anything is sent."""
    problem = tool_calls.check(Case(id="a", input="x", expected=expected), TASK)
    assert problem is not None and says in problem


def test_a_task_without_tools() -> None:
    """The scorer says so where there is nothing to be called."""
    assert "no tools" in str(tool_calls.check(make.case([]), make.task({"tool_calls": {}})))


def test_why_names_what_differs() -> None:
    """The argument, what it was and what it should have been; the tool that was not offered."""
    wrong = judged(expected_of([LISBON]), [{"get_weather": {"city": "Porto", "unit": "celsius"}}])
    assert 'city: is "Porto", expected "Lisbon"' in wrong.why
    assert 'unit: is "celsius", expected to be left out' in wrong.why
    made_up = judged(expected_of([LISBON]), [{"get_wether": {"city": "Lisbon"}}])
    assert "no such tool was offered; did you mean 'get_weather'" in made_up.why


def test_a_table_of_verdicts() -> None:
    """A run's report has each tool with how its calls went."""
    scores = [judged(expected_of([LISBON]), made) for made in ([LISBON], [OSLO], "No.")]
    [table] = tool_calls.tables(scores)
    assert table.columns == ("tool", "right", "wrong", "missing")
    assert table.rows == (("get_weather", 1, 1, 1),)


ODD = [
    "[" * 100_000,
    '{"a":' * 50_000,
    "get_weather(" * 20_000,
    "get_weather(city=" + "(" * 1500 + ")",
    '{"name": "get_weather", "arguments": ' * 500,
    "<function=get_weather>" * 5000,
    "\x00get_weather\ud83d".encode("utf-16", "surrogatepass").decode("utf-16", "replace"),
]


@pytest.mark.parametrize("text", ODD, ids=range(len(ODD)))
def test_odd_texts_take_no_time(text: str) -> None:
    """Whatever stands in an answer or for arguments is judged, and what is said of it is short."""
    for made in (text, [{"get_weather": text}]):
        score = judged(expected_of([LISBON]), made)
        assert score.value == 0
        assert len(score.model_dump_json()) < 20_000


def test_a_thousand_calls() -> None:
    """An answer of calls without end is judged, and told in part."""
    score = judged(expected_of([LISBON, OSLO]), [LISBON, *[OSLO] * 1000])
    assert (score.value, score.details["calls_in_all"]) == (0, 1001)
    assert len(score.details["calls"]) == 50
