"""Multiple choice, in the styles of five families of models: every answer is read right."""

import pytest

from tests.scorers.make import judge

LETTERS = ["A", "B", "C", "D"]

# (what it says, what it means), None where it does not decide.
SHORT = [
    ("B", "B"),
    ("b", "B"),
    ("C.", "C"),
    ("(D)", "D"),
    ("A)", "A"),
    ("[B]", "B"),
    ("Option C", "C"),
    ("B) Photosynthesis", "B"),
    ("D. The mitochondrion", "D"),
    ("Ｂ", "B"),  # noqa: RUF001 (a wide letter)
    ("C\n\nThe others are distractors: A is too hot, B is too cold, D is not a planet.", "C"),
    ("I'm not sure; it could be A or D.", None),
    ("It’s C.", "C"),  # noqa: RUF001 (a curly apostrophe)
    ("It's vitamin C.", None),
    ("答案：C", "C"),  # noqa: RUF001 (a wide colon)
]
SENTENCES = [
    ("The answer is B, since a dog is a mammal.", "B"),
    ("The correct answer is (C) 42.", "C"),
    ("I'd go with D, as a whale is no fish.", "D"),
    ("The answer to the question is therefore option A.", "A"),
    ("Based on the passage, I would choose C because the author says so.", "C"),
    ("Answer: C (not a B)", "C"),
    ("B is the correct answer. A and C confuse cause and effect; D is irrelevant.", "B"),
    ("Sure! The best choice here would be A: it covers a case the others leave out.", "A"),
    ("It's not A, because a triangle has three sides. The right option is D.", "D"),
    ("The answer is not A but B.", "B"),
    ("Let's see: a prime has two divisors, so A, B and D are out. That leaves C.", "C"),
    ("None of the options A to D is right.", None),
]
LATEX = [
    (r"\boxed{B}", "B"),
    (r"Therefore, the answer is $\boxed{C}$.", "C"),
    (r"The final answer is $\boxed{\text{D}}$", "D"),
    (r"**Final Answer**" + "\n\n" + r"\[ \boxed{\mathrm{A}} \]", "A"),
    (r"We get $x = 2$ for A and $x = 3$ for B. The equation needs $x = 3$: \boxed{B}", "B"),
    (r"\boxed{A} would need $n=0$. Since $n>0$, we have \boxed{(C)}", "C"),
    (r"So the probability is \( \frac{1}{4} \), which is option \( \textbf{B} \).", "B"),
    ("#### D", "D"),
    (r"### Answer" + "\n" + r"$\boxed{\textbf{(E)}}$ is not offered, so \boxed{D}", "D"),
    (r"\(\boxed{\text{C) } 12}\)", "C"),
    ("Step 1: A gives 3.\nStep 2: B gives 4.\n\n$$\\boxed{B}$$\n\nDone in a few steps.", "B"),
    (r"The answer cannot be determined.", None),
]
BOLD = [
    ("**B**", "B"),
    ("**Answer: C**", "C"),
    ("**Answer:** D", "D"),
    ("The correct answer is **A. Mercury**.", "A"),
    ("**B. Carbon dioxide**\n\n* **A** is wrong: oxygen is a product.\n* **C** is an acid.", "B"),
    ("## Final answer\n\n**C**", "C"),
    ("**Correct option: D** ✅\n\n**Why the others fail:**\n- A: too early\n- B: too late", "D"),
    ("Here's a breakdown:\n\n* **A:** Incorrect.\n* **B:** Incorrect.\n* **C:** Correct!", "C"),
    ("> The answer is **(B)**\n\nLet me know if you need a hint!", "B"),
    ("__Answer__: `A`", "A"),
    ("| option | verdict |\n|---|---|\n| A | ✗ |\n| B | ✗ |\n\n**Therefore: D**", "D"),
    ("**A** or **B**, depending on the definition.", None),
    ("Both A and C look tempting, but only C accounts for the delay. **C**", "C"),
    ("Is it A, B or C? There is no telling: **A**, **B** and **C** all fit.", None),
]
THOUGHTS = [
    ("ANSWER: A … wait, a whale is a mammal … ANSWER: B", "B"),
    ("The answer is A. Hmm, let me check again. Actually, it's C.", "C"),
    ("I first thought B, but B ignores friction. So the answer is D.", "D"),
    ("A? No: A needs oxygen. B? No, B needs light. The only one left is C.\n\nAnswer: C", "C"),
    ("Answer: B\n\nWait, I misread the question. It asks for the largest.\n\nAnswer: D", "D"),
    ("Let me think about each option. A is true of birds. B is a reptile. C fits.\n\nC", "C"),
    ("My answer is A. On second thought, make that B.", "B"),
    ("Correct answer: C. Correction: D, since the year was a leap year.", "D"),
    ("If it were A, the sum would be 10. If it were B, 12. It is 12, hence B.", "B"),
    ("The answer would be A if a gas were ideal, but a real gas is not, so the answer is C.", "C"),
    ("I think the answer is D. Double-checking: a * b = 12, which confirms D is correct.", "D"),
    ("Answer: A\n\nHmm, but that contradicts the text. Answer: cannot be determined.", None),
]
DATA = [
    ('{"answer": "B"}', "B"),
    ('{"answer": "b"}', "B"),
    ('```json\n{"answer": "C"}\n```', "C"),
    ('{"reasoning": "A is too small, B is a prime.", "answer": "D"}', "D"),
    ('{"answer": {"label": "A", "text": "Paris"}}', "A"),
    ('{"choice": "C) Rome"}', "C"),
    ('["B"]', "B"),
    ('"D"', "D"),
    ('Here is my answer:\n```json\n{"final_answer": "A", "confidence": 0.9}\n```', "A"),
    ('The result: {"answer": "B", "why": "a dog is a mammal"}', "B"),
    ("<answer>C</answer>", "C"),
    ('{"answer": null, "options": ["A", "B"]}', None),
    ('[{"question": 1, "answer": "D"}]', "D"),
    ('[{"answer": "A"}, {"answer": "B"}]', None),
]
STYLES = {
    "short": SHORT,
    "sentences": SENTENCES,
    "latex": LATEX,
    "bold": BOLD,
    "thoughts": THOUGHTS,
    "data": DATA,
}
ANSWERS = [(style, *each) for style, answers in STYLES.items() for each in answers]


@pytest.mark.parametrize(("style", "text", "meant"), ANSWERS)
def test_every_style_is_read(style: str, text: str, meant: str | None) -> None:
    """The letter that an answer decides on is read, and none where it decides on none."""
    score = judge("label", text, meant or "A", labels=LETTERS)
    assert score.details["read"] == meant, score.why
    assert len(ANSWERS) >= 60
