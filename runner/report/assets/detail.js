// One case, opened: what was asked, what was expected, and what each candidate made of it.

const detail = {
  dialog: document.getElementById("detail"),
  cases: null,
  against: "", // what the answer is compared with: "", "expected" or the number of a candidate

  show(cases) {
    this.cases = cases;
    this.draw();
    if (!this.dialog.open) this.dialog.showModal();
    this.tell();
  },

  // The address of the page is that of the case while one is open.
  tell() {
    document.dispatchEvent(new CustomEvent("state"));
  },

  place(cases) {
    if (!this.dialog.open || this.cases !== cases) return {};
    const { board, view, active, column } = cases;
    return { case: caseName(board.rows[view[active]]), model: board.candidates[column] };
  },

  copyAddress() {
    copyText(location.href, this.dialog.querySelector("[data-keep=address]"));
  },

  step(by) {
    this.cases.move(this.cases.active + by);
    this.draw();
    this.tell();
  },

  draw() {
    const { board, view, active } = this.cases;
    const row = board.rows[view[active]];
    const focused = document.activeElement?.dataset.keep;
    this.dialog.replaceChildren(
      this.head(row, active, view.length),
      element("div", { class: "sheet", tabindex: 0, role: "group", "aria-label": "Question and answers" },
        element("section", { class: "asked", "aria-label": "Question" }, this.asked(row)),
        element("section", { class: "given", "aria-label": "Answers" },
          this.chooser(row), element("div", { class: "candidates" }, row.cells.map((cell, column) => this.candidate(row, cell, column))),
          notes.box(this.cases, row), this.chosen(row.cells[this.cases.column]))),
    );
    this.dialog.querySelector("[aria-pressed=true]").scrollIntoView({ block: "nearest", inline: "nearest" });
    if (focused) this.dialog.querySelector(`[data-keep="${focused}"]`)?.focus();
  },

  text(number) {
    return this.cases.texts[number];
  },

  block(text, label) {
    return element("pre", { class: "text", dir: "auto", tabindex: 0, "aria-label": label }, text);
  },

  head(row, place, count) {
    const button = (keep, label, text, act) =>
      element("button", { type: "button", class: "quiet", "data-keep": keep, "aria-label": label, onclick: act }, text);
    return element("header", {},
      element("h2", { id: "detail-title" }, caseName(row).split(/(?<=_)/).flatMap((part) => [part, element("wbr")])),
      element("span", { class: "tags" }, row.tags.map((tag) => element("span", { class: "tag" }, tag))),
      element("span", { class: "place" }, `${(place + 1).toLocaleString("en")} of ${count.toLocaleString("en")}`),
      button("previous", "Previous case", "↑", () => this.step(-1)),
      button("next", "Next case", "↓", () => this.step(1)),
      button("address", "Copy the address of this case", "Copy link", () => this.copyAddress()),
      button("close", "Close", "✕", () => this.dialog.close()));
  },

  prompt(row) {
    return row.cells[this.cases.column]?.prompt ?? row.prompt;
  },

  // The lines that the questions of all cases begin with: they are the task's, and no input.
  opening() {
    const rows = this.cases.board.rows.slice(0, 200);
    const [first, ...others] = new Set(rows.map((row) => this.text(question(this.prompt(row))?.[1]) ?? ""));
    const lines = (text) => text.slice(0, text.lastIndexOf("\n") + 1);
    if (others.length < 2) return "";
    return others.reduce((shared, text) => {
      while (!text.startsWith(shared)) shared = lines(shared.slice(0, -1));
      return shared;
    }, lines(first));
  },

  asked(row) {
    const prompt = this.prompt(row);
    const text = this.text(question(prompt)?.[1]) ?? "";
    const shared = (this.cases.openings ??= [])[this.cases.column] ??= this.opening();
    const own = (text.startsWith(shared) && text.slice(shared.length)) || text;
    const folded = own !== text || prompt.length > 1;
    const images = (row.images ?? []).map((image, n) => element("img", { src: this.text(image), alt: `image ${n + 1} of the input` }));
    return [
      element("div", {}, element("h3", {}, "Input"), this.block(own, "input"), images),
      element("div", {}, element("h3", {}, "Expected"), row.expected == null
        ? element("p", { class: "note" }, "Nothing is expected.")
        : this.block(readable(this.text(row.expected)), "expected")),
      folded && element("details", {}, element("summary", {}, prompt.length > 1 ? `The whole prompt: ${prompt.length} messages` : "The whole prompt"),
        prompt.map(([role, text]) => [element("p", { class: "note" }, role), this.block(this.text(text), `${role} message`)])),
    ];
  },

  turn(step) {
    this.cases.turn(step);
    this.draw();
    this.tell();
  },

  // One of those that stand side by side.
  candidate(row, cell, column) {
    const { kind, mark, word } = verdictOn(cell);
    const name = this.cases.board.candidates[column];
    const answer = !cell ? element("p", { class: "note" }, "This candidate was not asked.")
      : cell.error != null ? this.block(this.text(cell.error), `error of ${name}`)
        : [cell.mute && !this.against ? null : this.answer(row, cell, column), this.calls(cell)];
    return element("div", { class: "candidate" },
      element("button",
        { type: "button", class: `tab ${kind}`, "aria-pressed": String(column === this.cases.column), "data-keep": `tab-${column}`, onclick: () => this.turn(column - this.cases.column) },
        element("span", {}, name), element("span", { class: "mark" }, element("b", {}, mark), ` ${word}`)),
      answer);
  },

  // More of the one that is chosen.
  chosen(cell) {
    return cell && [this.scores(cell), this.facts(cell), this.attempts(cell), this.talk(cell)];
  },

  // All that was said in a conversation, in its order.
  talk(cell) {
    if (!cell.talk) return null;
    return [element("h3", {}, "Conversation"), cell.talk.map(([role, text, note]) =>
      element("details", { open: true },
        element("summary", {}, note == null ? role : `${role} · ${this.text(note)}`),
        this.block(this.text(text), `${role} message`)))];
  },

  // The texts that answers can be held against, by what the chooser calls them.
  others(row) {
    const found = row.expected == null ? [] : [["expected", "expected", row.expected]];
    row.cells.forEach((cell, column) => {
      if (cell?.reply != null) found.push([String(column), this.cases.board.candidates[column], cell.reply]);
    });
    return found;
  },

  chooser(row) {
    const option = ([value, name]) => element("option", { value, selected: value === this.against }, name);
    const choose = (event) => {
      this.against = event.target.value;
      this.draw();
    };
    return element("div", { class: "answer-head" }, element("h3", {}, row.cells.length > 1 ? "Answers" : "Answer"),
      element("label", {}, "Compare with",
        element("select", { "data-keep": "against", onchange: choose }, [["", "nothing"], ...this.others(row)].map(option))),
      this.against && [element("del", {}, "only there"), element("ins", {}, "only in the answer")]);
  },

  answer(row, cell, column) {
    const reply = this.text(cell.reply);
    const other = this.others(row).find(([value]) => value === this.against && value !== String(column));
    const block = this.block("", `answer of ${this.cases.board.candidates[column]}`);
    const pieces = other ? diff(...comparable(this.text(other[2]), reply)) : [["same", reply.trim() ? reply : "(blank)"]];
    block.append(...pieces.map(([kind, text]) => (kind === "same" ? text : element(kind, {}, text))));
    return block;
  },

  // Tools that the answer calls, and those that it should have called.
  calls(cell) {
    if (!cell.calls) return null;
    return [element("h3", {}, "Calls of tools"), cell.calls.map(([name, args, verdict]) => [
      element("p", { class: "note" }, element("b", {}, name || "(no name)"),
        verdict == null ? null : ` ${this.text(verdict)}`),
      args == null ? null : this.block(this.text(args), `arguments of ${name}`)])];
  },

  scores(cell) {
    if (!cell.scores) return null;
    return [element("h3", {}, `Why: ${this.cases.board.candidates[this.cases.column]}`), element("dl", { class: "scores" },
      cell.scores.map(([name, value, why]) => element("div", {},
        element("dt", {}, name, " ", element("b", {}, showScore(value))), element("dd", {}, this.text(why)))))];
  },

  facts(cell) {
    const facts = [
      ["time", showSeconds(cell.seconds)],
      ["queued", cell.queued && showSeconds(cell.queued)],
      ["first token", cell.first_token && showSeconds(cell.first_token)],
      ["cost", showDollars(cell.cost)],
      ["served by", cell.served],
      ["fallback", cell.fallback],
      ["ended by", cell.finish],
      ["replayed", cell.replayed && "yes: paid for and timed in an earlier run"],
    ].filter(([, value]) => value);
    const notes = [...(cell.choices ?? []), ...(cell.skipped ?? [])].map((text) => element("li", {}, this.text(text)));
    return [
      element("dl", { class: "facts" }, facts.map(([name, value]) =>
        element("div", {}, element("dt", {}, name), element("dd", {}, value)))),
      notes.length ? element("ul", {}, notes) : null,
    ];
  },

  attempts(cell) {
    if (!cell.attempts) return null;
    const names = ["model", "how it ended", "time", "waited", "cost", "tokens in", "out"];
    const rows = cell.attempts.map((each) => element("tr", { class: each.failed ? "failed" : "" },
      element("th", { scope: "row" }, this.text(each.who)),
      [this.text(each.how), showSeconds(each.seconds), showSeconds(each.waited), showDollars(each.cost),
       each.in ?? "?", each.out ?? "?"].map((value) => element("td", {}, String(value)))));
    return [element("h3", {}, "Attempts"),
      element("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "Attempts" },
        element("table", {}, element("thead", {}, element("tr", {}, names.map((name) => element("th", { scope: "col" }, name)))),
          element("tbody", {}, rows)))];
  },
};

// An object that holds texts of several lines, such as tests: as they were written.
function readable(text) {
  try {
    const found = Object.entries(JSON.parse(text));
    if (!text.startsWith("{") || !found.some(([, value]) => String(value).includes("\n"))) return text;
    return found.map(([name, value]) => `${name}:\n${typeof value === "string" ? value : JSON.stringify(value)}`).join("\n\n");
  } catch {
    return text;
  }
}

// The message that holds the input: the user's last.
function question(prompt) {
  return prompt.findLast(([role]) => role === "user") ?? prompt.at(-1);
}
