// What the reader says of cases and answers: kept in this browser, and taken along as JSONL for
// the command `rescore`.

const notes = {
  key: "", // of this very record, in the browser's store
  said: {}, // by task and case, as JSON: { expected, note, answers: the texts that are accepted }

  setUp(record) {
    this.key = `notes ${record}`;
    try { this.said = JSON.parse(stored(this.key)) ?? {}; } catch { /* of another version */ }
    this.count = element("span", { role: "status" });
    this.bar = element("aside", { class: "noted", "aria-label": "Your notes" }, this.count,
      element("button", { type: "button", class: "quiet", onclick: () => download(this.lines(), "notes.jsonl") }, "Download notes.jsonl"),
      element("button", { type: "button", class: "quiet", onclick: (event) => copyText(this.lines(), event.target) }, "Copy"),
      element("button", { type: "button", class: "quiet", onclick: (event) => this.discard(event.target) }, "Discard"),
      element("code", {}, "python -m runner rescore <this record> notes=notes.jsonl"));
    document.body.append(this.bar);
    this.tell();
  },

  has(task, name) {
    return JSON.stringify([task, name]) in this.said;
  },

  of(task, name) {
    return this.said[JSON.stringify([task, name])] ?? {};
  },

  change(task, name, changes) {
    const found = Object.entries({ ...this.of(task, name), ...changes }).filter(([, value]) => value?.length);
    if (found.length) this.said[JSON.stringify([task, name])] = Object.fromEntries(found);
    else delete this.said[JSON.stringify([task, name])];
    this.keep();
  },

  keep() {
    const text = JSON.stringify(this.said);
    this.lost = stored(this.key, text) !== text;
    this.tell();
    document.dispatchEvent(new CustomEvent("noted"));
  },

  tell() {
    const count = Object.keys(this.said).length;
    this.bar.hidden = !count;
    this.count.textContent = `Notes on ${count} case${count > 1 ? "s" : ""}` +
      (this.lost ? ", which your browser forgets with this page" : "");
  },

  discard(button) {
    if (button.textContent === "Discard") {
      button.textContent = "Discard all?";
      setTimeout(() => { button.textContent = "Discard"; }, 3000);
      return;
    }
    this.said = {};
    this.keep();
  },

  lines() {
    return Object.entries(this.said).flatMap(([key, { expected, note, answers = [] }]) => {
      const [task, name] = JSON.parse(key);
      const made = answers.map((answer) => ({ answer, accept: true }));
      if (expected != null) made.unshift({ expected });
      return (made.length ? made : [{}]).map((each) => `${JSON.stringify({ task, case: name, ...each, note })}\n`);
    }).join("");
  },

  // What can be said of the opened case, and of the answer of the candidate that is chosen.
  box({ board, texts, column }, row) {
    const [cell, now] = [row.cells[column], this.of(board.task, row.case)];
    const change = (changes) => this.change(board.task, row.case, changes);
    const area = (keep, label, value, act) => element("label", {}, label,
      element("textarea", { rows: 2, "data-keep": keep, oninput: (event) => act(event.target.value) }, value));
    const was = row.expected == null ? "" : texts[row.expected];
    const reply = cell?.error == null && cell?.score < 1 ? texts[cell.reply] : null;
    const accept = (event) => {
      const others = (this.of(board.task, row.case).answers ?? []).filter((text) => text !== reply);
      change({ answers: event.target.checked ? [...others, reply] : others });
    };
    return element("details", { class: "notes", open: Object.keys(now).length > 0 },
      element("summary", {}, "Your notes"),
      area("note-expected", "Expected should be", now.expected ?? was, (text) => change({ expected: text === was ? "" : text })),
      reply && element("label", { class: "check" },
        element("input", { type: "checkbox", "data-keep": "note-accept", checked: now.answers?.includes(reply) ?? false, onchange: accept }),
        `Accept this answer of ${board.candidates[column]}`),
      area("note-why", "Why", now.note ?? "", (text) => change({ note: text })));
  },
};
