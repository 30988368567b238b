"""`label.html`: answers to score for somebody who does not learn whose they are; one file."""

from collections.abc import Sequence
from hashlib import sha256

from markupsafe import Markup

from runner.config.paths import shared
from runner.record.outcomes import Answered
from runner.report.page import as_json, asset, environment, policy
from runner.report.page.cells import Texts, prompt_of, row

_SCRIPTS = ("dom.js", "label.js")


def page(answers: Sequence[tuple[str, Answered]]) -> str:
    """Nothing in it says which model an answer is of, nor what it scored."""
    texts = Texts(1)
    texts.next_share()
    items = []
    for task, line in answers:
        shown = row(line, texts)
        talk = prompt_of(line.asked_in(len(line.exchanges)), texts)  # up to this answer
        asked = {"task": task, "case": shown["case"], "prompt": talk}
        asked |= {"expected": shown["expected"], "images": shown.get("images", [])}
        items.append(asked | {"answer": texts.add(line.as_text)})
    data = as_json({"texts": texts.all, "items": items})
    style, script = asset("page.css"), "\n".join(map(asset, _SCRIPTS))
    return shared(
        environment()
        .get_template("label.html.j2")
        .render(
            count=len(items),
            style=Markup(style),
            script=Markup(script),
            data=Markup(data),
            record=sha256(data.encode()).hexdigest()[:16],
            policy=policy(script, style),
        )
    )
