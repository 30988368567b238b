"""A task: a prompt, its cases, how its answers are scored."""

from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from runner.config import json_schema
from runner.config.schema.base import Name, Output, Sampling, Seconds, Strict
from runner.config.schema.composite import with_models
from runner.config.schema.tool import TOOL_CHOICES, Tool
from runner.errors import did_you_mean


class PromptMessage(Strict):
    role: Literal["system", "user", "assistant"]
    content: str = Field(min_length=1)  # Jinja


_Prompt = Annotated[
    Annotated[str, Tag("text")] | Annotated[tuple[PromptMessage, ...], Tag("messages")],
    Discriminator(lambda given: "messages" if isinstance(given, list | tuple) else "text"),
]


class Task(Strict):
    """A prompt, its cases and how answers are scored."""

    name: Name
    cases: str
    system: str | None = None
    # Jinja, of the user's message or of several; None: cases bring messages or turns.
    prompt: _Prompt | None = "{{ input }}"
    prompt_name: Name | None = None  # of the file of conf/prompt/ that it comes from
    output: Output = "text"
    json_schema: dict[str, Any] | None = None
    fenced: bool = True  # JSON is read out of a Markdown code block too
    tools: tuple[Tool, ...] = ()  # that the model may call
    tool_choice: str | None = None  # one of TOOL_CHOICES, or the tool to call; None: not sent
    parallel_tool_calls: bool | None = None  # several in one answer; None: not sent
    steps: int = Field(1, ge=1, le=100)  # requests for one answer: calls that have results go on
    tool_timeout: Seconds = 10.0  # of a function of tasks/<task>/tools.py, for one call
    sampling: Sampling = Field(Sampling(temperature=0.0, max_tokens=1024))
    scorers: dict[str, dict[str, Any]] = Field(min_length=1)
    scorer_timeout: Seconds = 30.0  # of a scorer of the user's own, for one answer
    quality: str | None = None  # the scorer whose mean is `quality`
    turns_score: Literal["all", "last", "mean"] = "all"  # of a case with turns
    needs: tuple[str, ...] = ()  # strengths that it calls for, in the words of the models' files

    _judges = field_validator("scorers")(with_models)

    @field_validator("json_schema")
    @classmethod
    def _is_a_schema(cls, schema: dict[str, Any] | None) -> dict[str, Any] | None:
        if schema is not None and (problem := json_schema.problem(schema)):
            raise ValueError(f"is no JSON schema: {problem}")
        return schema

    @model_validator(mode="after")
    def _messages_in_order(self) -> Self:
        if self.prompt == ():
            raise ValueError("prompt: is empty; null: all cases bring their own")
        messages = self.prompt if isinstance(self.prompt, tuple) else ()
        if next((each.role for each in messages if each.role != "system"), "user") != "user":
            raise ValueError("prompt: a conversation begins with the user")
        if any(message.role == "system" for message in messages[1:]):
            raise ValueError("prompt: a system message stands first")
        if messages and messages[0].role == "system" and self.system:
            raise ValueError("prompt: has a system message, and `system` is another; null it")
        return self

    @model_validator(mode="after")
    def _quality_is_a_scorer(self) -> Self:
        if self.quality is None and len(self.scorers) > 1:
            raise ValueError(f"quality: say which of {', '.join(self.scorers)} it is")
        if self.quality is not None and self.quality not in self.scorers:
            raise ValueError(
                f"quality: no scorer '{self.quality}'" + did_you_mean(self.quality, self.scorers)
            )
        return self

    @model_validator(mode="after")
    def _tools_fit(self) -> Self:
        names = [tool.name for tool in self.tools]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"tools: '{twice}' stands there twice")
        if self.steps > 1 and not names:
            raise ValueError("steps: the task has no tools")
        for key in ("tool_choice", "parallel_tool_calls"):
            if getattr(self, key) is not None and not names:
                raise ValueError(f"{key}: the task has no tools")
        if self.tool_choice not in (None, *TOOL_CHOICES, *names):
            near = did_you_mean(str(self.tool_choice), [*TOOL_CHOICES, *names])
            raise ValueError(f"tool_choice: no tool '{self.tool_choice}'{near}")
        return self

    @property
    def quality_scorer(self) -> str:
        return self.quality or next(iter(self.scorers))

    @property
    def templates(self) -> tuple[str, ...]:
        """Of the prompt, a message each."""
        if isinstance(self.prompt, str):
            return (self.prompt,)
        return tuple(message.content for message in self.prompt or ())
