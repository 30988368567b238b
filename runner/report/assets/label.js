// Answers, one at a time, scored by somebody who does not know whose they are.

const WORDS = { 0: "0 wrong", 0.5: "½ partly", 1: "1 right" };
const KEYS = { 0: 0, 5: 0.5, 1: 1 };

const labels = {
  ...JSON.parse(document.getElementById("data").textContent), // texts, items
  key: `labels ${document.body.dataset.record}`,
  at: 0,
  given: {}, // scores, by the numbers of items

  setUp() {
    try { this.given = JSON.parse(stored(this.key)) ?? {}; } catch { /* of another version */ }
    this.at = Math.max(0, this.items.findIndex((_, number) => !(number in this.given)));
    const button = (text, act, label) => element("button", { type: "button", class: "quiet", "aria-label": label, onclick: (event) => act(event.target) }, text);
    this.buttons = Object.keys(WORDS).map(Number).sort().map((score) => [score, button(WORDS[score], () => this.give(score))]);
    document.getElementById("give").prepend(
      element("div", { class: "tabs", role: "group", "aria-label": "Score" }, this.buttons.map(([, each]) => each)),
      button("←", () => this.go(-1), "Previous answer"), button("→", () => this.go(1), "Next answer"),
      button("Download labels.jsonl", () => download(this.lines(), "labels.jsonl")),
      button("Copy", (target) => copyText(this.lines(), target)));
    document.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key in KEYS) this.give(KEYS[event.key]);
      else if (["ArrowRight", "j"].includes(event.key)) this.go(1);
      else if (["ArrowLeft", "k"].includes(event.key)) this.go(-1);
    });
    this.draw();
  },

  give(score) {
    this.given[this.at] = score;
    this.lost = stored(this.key, JSON.stringify(this.given)) == null;
    this.go(1);
  },

  go(step) {
    this.at = Math.max(0, Math.min(this.items.length - 1, this.at + step));
    this.draw();
    window.scrollTo(0, 0);
  },

  draw() {
    const item = this.items[this.at];
    const block = (text, label) =>
      element("pre", { class: "text", dir: "auto", tabindex: 0, "aria-label": label }, this.texts[text]);
    document.getElementById("main").replaceChildren(
      element("section", { class: "asked", "aria-label": "Question" }, item.prompt.map(([role, text]) =>
        element("details", { open: role !== "system" }, element("summary", {}, role), block(text, `${role} message`))),
        item.images.map((image, n) => element("img", { src: this.texts[image], alt: `image ${n + 1} of the input` })),
        item.expected == null ? null : element("details", {}, element("summary", {}, "expected"), block(item.expected, "expected"))),
      element("section", { "aria-label": "Answer" }, element("h2", {}, "Answer"), block(item.answer, "answer")));
    for (const [score, button] of this.buttons) button.setAttribute("aria-pressed", String(this.given[this.at] === score));
    const count = Object.keys(this.given).length;
    document.getElementById("done").textContent = `${this.at + 1} of ${this.items.length} · ${count} scored` +
      (this.lost ? ", which your browser forgets with this page" : "");
  },

  lines() {
    return Object.entries(this.given).map(([number, score]) => {
      const { task, case: name, answer } = this.items[number];
      return `${JSON.stringify({ task, case: name, answer: this.texts[answer], score })}\n`;
    }).join("");
  },
};

labels.setUp();
