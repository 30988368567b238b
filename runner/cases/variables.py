"""Which variables a prompt names, so that one that it does not can be refused; how it does."""

from collections.abc import Iterator, Sequence
from functools import cache
from unicodedata import normalize

from jinja2 import Environment, TemplateError, meta, nodes

_jinja = Environment()


def unknown(prompts: Sequence[str], given: Sequence[str]) -> tuple[list[str], frozenset[str]]:
    """The keys of an `input` that no prompt names, and those that one names.

    None are unknown where a prompt does more with `input` as a whole than write it down: it may
    look for any key there.
    """
    named = frozenset[str]().union(*map(_named, prompts))
    if "*" in named:
        return [], named
    return [key for key in given if key not in named], named


def reference(name: str) -> str:
    """By what a template writes a variable, whatever it is called: `text`, `input['Ticket ID']`."""
    try:
        plain = meta.find_undeclared_variables(_jinja.parse(f"{{{{ {name} }}}}")) == {name}
    except TemplateError:
        plain = False
    # Python's names, into which Jinja makes them, are normalized.
    return name if plain and normalize("NFKC", name) == name else f"input[{name!r}]"


@cache
def _named(prompt: str) -> frozenset[str]:
    """With `*` among them where any may be used."""
    try:
        tree = _jinja.parse(prompt)
    except TemplateError:
        return frozenset("*")  # said when it is to be filled
    found = meta.find_undeclared_variables(tree)
    if "input" in found:
        found |= set(_of_input(tree))
    return frozenset(found)


def _of_input(tree: nodes.Template) -> Iterator[str]:
    """The keys that are taken out of `input`."""
    accounted = 0
    for attribute in tree.find_all(nodes.Getattr):
        if _is_input(attribute.node):
            accounted += 1
            yield attribute.attr
    for item in tree.find_all(nodes.Getitem):
        if _is_input(item.node) and isinstance(item.arg, nodes.Const):
            accounted += 1
            yield str(item.arg.value)
    for output in tree.find_all(nodes.Output):
        accounted += sum(map(_is_input, output.nodes))
    if accounted < sum(node.name == "input" for node in tree.find_all(nodes.Name)):
        yield "*"


def _is_input(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Name) and node.name == "input"
