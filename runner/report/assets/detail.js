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
      element("div", { class: "sheet" },
        element("section", { class: "asked", "aria-label": "Question" }, this.asked(row), notes.box(this.cases, row)),
        element("section", { class: "given", "aria-label": "Answer" }, this.tabs(row), this.given(row))),
    );
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
      element("h2", { id: "detail-title" }, caseName(row)),
      element("span", { class: "tags" }, row.tags.map((tag) => element("span", { class: "tag" }, tag))),
      element("span", { class: "place" }, `${(place + 1).toLocaleString("en")} of ${count.toLocaleString("en")}`),
      button("previous", "Previous case", "↑", () => this.step(-1)),
      button("next", "Next case", "↓", () => this.step(1)),
      button("address", "Copy the address of this case", "Copy link", () => this.copyAddress()),
      button("close", "Close", "✕", () => this.dialog.close()));
  },

  asked(row) {
    const cell = row.cells[this.cases.column];
    const messages = (cell?.prompt ?? row.prompt).map(([role, text]) =>
      element("details", { open: role !== "system" || row.prompt.length === 1 },
        element("summary", {}, role), this.block(this.text(text), `${role} message`)));
    const expected = row.expected == null
      ? element("p", { class: "note" }, "Nothing is expected.")
      : this.block(this.text(row.expected), "expected");
    return [element("h3", {}, "Prompt"), messages, element("h3", {}, "Expected"), expected];
  },

  tabs(row) {
    const buttons = this.cases.board.candidates.map((name, column) => {
      const { kind, mark, word } = verdictOn(row.cells[column]);
      const pressed = column === this.cases.column;
      const choose = () => {
        this.cases.column = column;
        this.cases.draw();
        this.draw();
        this.tell();
      };
      return element("button",
        { type: "button", class: `tab ${kind}`, "aria-pressed": String(pressed), "data-keep": `tab-${column}`, onclick: choose },
        element("span", {}, name), element("span", { class: "mark" }, element("b", {}, mark), ` ${word}`));
    });
    return element("div", { class: "tabs", role: "group", "aria-label": "Candidates" }, buttons);
  },

  given(row) {
    const cell = row.cells[this.cases.column];
    if (!cell) return [element("p", { class: "note" }, "This candidate was not asked.")];
    const answer = cell.error != null
      ? [element("h3", {}, "The call failed"), this.block(this.text(cell.error), "error")]
      : [element("div", { class: "answer-head" }, element("h3", {}, "Answer"), this.chooser(row)),
         this.answer(row, cell)];
    return [this.talk(cell), ...answer, this.calls(cell), this.scores(cell), this.facts(cell), this.attempts(cell)];
  },

  // All that was said in a conversation, in its order.
  talk(cell) {
    if (!cell.talk) return null;
    return [element("h3", {}, "Conversation"), cell.talk.map(([role, text, note]) =>
      element("details", { open: true },
        element("summary", {}, note == null ? role : `${role} · ${this.text(note)}`),
        this.block(this.text(text), `${role} message`)))];
  },

  // The texts that the answer can be held against, by what the chooser calls them.
  others(row) {
    const found = row.expected == null ? [] : [["expected", "expected", row.expected]];
    row.cells.forEach((cell, column) => {
      if (column !== this.cases.column && cell?.reply != null) {
        found.push([String(column), this.cases.board.candidates[column], cell.reply]);
      }
    });
    return found;
  },

  chooser(row) {
    const others = this.others(row);
    if (!others.length) return null;
    const option = ([value, name]) => element("option", { value, selected: value === this.against }, name);
    const choose = (event) => {
      this.against = event.target.value;
      this.draw();
    };
    return element("label", {}, "Compare with",
      element("select", { "data-keep": "against", onchange: choose },
        [["", "nothing"], ...others].map(option)));
  },

  answer(row, cell) {
    const reply = this.text(cell.reply);
    const other = this.others(row).find(([value]) => value === this.against);
    if (!other) return this.block(reply.trim() ? reply : "(blank)", "answer");
    const [before, after] = comparable(this.text(other[2]), reply);
    const pieces = diff(before, after).map(([kind, text]) => (kind === "same" ? text : element(kind, {}, text)));
    return [
      element("p", { class: "note" }, element("del", {}, `only in ${other[1]}`), " ", element("ins", {}, "only in the answer")),
      this.block("", "difference"),
    ].map((made, place) => {
      if (place) made.append(...pieces);
      return made;
    });
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
    return [element("h3", {}, "Score"), element("dl", { class: "scores" },
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
      element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Attempts" },
        element("table", {}, element("thead", {}, element("tr", {}, names.map((name) => element("th", { scope: "col" }, name)))),
          element("tbody", {}, rows)))];
  },
};
