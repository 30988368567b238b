// The table of cases x candidates. Only the rows in sight are elements, so that their number
// does not matter; every row is ROW_HEIGHT high.

const ROW_HEIGHT = 44;
const SPARE_ROWS = 6; // above and below what is in sight

class Cases {
  constructor(section, number, board, texts) {
    this.board = board;
    this.texts = texts;
    this.number = number;
    this.form = section.querySelector("form");
    this.grid = section.querySelector(".grid");
    this.output = section.querySelector("output");
    this.view = []; // numbers of rows, filtered and sorted
    this.active = 0; // place in the view
    this.column = 0; // candidate
    this.sort = { by: "", descending: false };
    this.build();
    for (const part of section.querySelectorAll("form, .grid, .hint")) part.hidden = false;
    section.querySelector(".scriptless").remove();
    this.listen();
  }

  build() {
    this.grid.style.setProperty("--candidates", this.board.candidates.length);
    this.grid.style.setProperty("--row", `${ROW_HEIGHT}px`);
    this.grid.style.setProperty("--rows", this.board.rows.length + 1);
    this.grid.setAttribute("aria-colcount", this.board.candidates.length + 2);
    const names = [["case", "case"], ["", "expected"], ...this.board.candidates.map((name, n) => [String(n), name])];
    this.headings = names.map(([by, name]) => {
      const inside = by
        ? element("button", { type: "button", class: "sort", onclick: () => this.sortBy(by) }, name)
        : name;
      return element("div", { role: "columnheader", class: by ? "" : "expected" }, inside);
    });
    this.canvas = element("div", { class: "canvas", role: "rowgroup" });
    this.grid.append(
      element("div", { role: "row", class: "head", "aria-rowindex": 1 }, this.headings),
      this.canvas,
    );
  }

  listen() {
    let timer;
    this.form.addEventListener("input", (event) => {
      clearTimeout(timer);
      if (event.target.name === "q") timer = setTimeout(() => this.changed(), 150);
      else this.changed();
    });
    this.form.addEventListener("reset", () => {
      this.sort = { by: "", descending: false };
      setTimeout(() => this.changed());
    });
    this.form.addEventListener("submit", (event) => event.preventDefault());
    this.grid.addEventListener("scroll", () => requestAnimationFrame(() => this.scrolled()));
    this.grid.addEventListener("click", (event) => this.clicked(event));
    this.grid.addEventListener("keydown", (event) => this.pressed(event));
    document.addEventListener("noted", () => this.draw());
    new ResizeObserver(() => this.draw()).observe(this.grid);
  }

  // What the filters say, for the address of the page; nothing that is as at first.
  get state() {
    const found = Object.fromEntries([...new FormData(this.form)].filter(([, value]) => value));
    if (found.measure === "score") delete found.measure;
    if (this.sort.by) found.sort = (this.sort.descending ? "-" : "") + this.sort.by;
    return found;
  }

  set state(state) {
    for (const field of this.form.elements) {
      if (!field.name) continue;
      if (field.type === "checkbox") field.checked = state[field.name] === field.value;
      else field.value = state[field.name] ?? (field.name === "measure" ? "score" : "");
    }
    const sort = state.sort ?? "";
    this.sort = { by: sort.replace(/^-/, ""), descending: sort.startsWith("-") };
    this.refresh();
  }

  changed() {
    this.refresh();
    this.form.dispatchEvent(new CustomEvent("state", { bubbles: true }));
  }

  sortBy(by) {
    const again = this.sort.by === by;
    this.sort = { by, descending: again && !this.sort.descending };
    this.changed();
  }

  refresh() {
    const wanted = this.filters();
    this.view = this.board.rows.map((_, number) => number).filter((number) => wanted(this.board.rows[number]));
    if (this.sort.by) this.arrange();
    this.active = 0;
    this.grid.scrollTop = 0;
    this.grid.setAttribute("aria-rowcount", this.view.length + 1);
    this.headings.forEach((heading, place) => {
      const by = place === 0 ? "case" : String(place - 2);
      const way = this.sort.descending ? "descending" : "ascending";
      if (this.sort.by === by) heading.setAttribute("aria-sort", way);
      else heading.removeAttribute("aria-sort");
    });
    const [all, shown] = [this.board.rows.length, this.view.length].map((n) => n.toLocaleString("en"));
    this.output.textContent = shown === all ? `${all} cases` : `${shown} of ${all} cases`;
    this.canvas.style.height = `${Math.max(1, this.view.length) * ROW_HEIGHT}px`;
    this.draw();
  }

  filters() {
    const { q = "", show, tag, differing } = this.state;
    const found = q ? this.search(q.toLowerCase()) : null;
    const fell = new Set(this.board.fell);
    return (row) => {
      const asked = row.cells.filter(Boolean);
      if (show === "failed" && !asked.some((cell) => cell.error != null)) return false;
      if (show === "bad" && !asked.some((cell) => cell.error != null || cell.score < 1)) return false;
      if (show === "regressed" && !fell.has(row.case)) return false;
      if (tag && !row.tags.includes(tag)) return false;
      if (differing && new Set(row.cells.map(outcome)).size < 2) return false;
      return !found || found(row);
    };
  }

  // Texts that many rows share are looked at once.
  search(words) {
    const holds = this.texts.map((text) => text.toLowerCase().includes(words));
    return (row) =>
      row.case.toLowerCase().includes(words) ||
      holds[row.expected] ||
      row.prompt.some(([, text]) => holds[text]) ||
      row.cells.some((cell) => cell && (holds[cell.reply] || holds[cell.error]));
  }

  arrange() {
    const { by, descending } = this.sort;
    const rows = this.board.rows;
    const value = by === "case" ? (row) => row.case : (row) => this.measured(row.cells[by]);
    const values = new Map(this.view.map((number) => [number, value(rows[number])]));
    this.view.sort((a, b) => compareValues(values.get(a), values.get(b), descending) || a - b);
  }

  measured(cell) {
    const measure = this.form.elements.measure.value;
    if (measure === "score" && cell?.error != null) return -1;
    return cell?.[measure];
  }

  // The first place to draw; it moves by several rows at once, so that few scrolls draw anew.
  get first() {
    const top = Math.floor(this.grid.scrollTop / ROW_HEIGHT);
    return Math.max(0, top - (top % SPARE_ROWS) - SPARE_ROWS);
  }

  scrolled() {
    if (this.first !== this.drawn) this.draw();
  }

  draw() {
    const first = (this.drawn = this.first);
    const sight = Math.ceil(this.grid.clientHeight / ROW_HEIGHT);
    const last = Math.min(this.view.length, first + sight + 3 * SPARE_ROWS);
    const rows = [];
    for (let place = first; place < last; place += 1) rows.push(this.row(place));
    if (!this.view.length) rows.push(element("p", { class: "nothing" }, "No case fits these filters."));
    this.canvas.replaceChildren(...rows);
    if (this.view.length) this.grid.setAttribute("aria-activedescendant", this.id(this.active));
    else this.grid.removeAttribute("aria-activedescendant");
  }

  id(place) {
    return `row-${this.number}-${place}`;
  }

  row(place) {
    const row = this.board.rows[this.view[place]];
    const active = place === this.active;
    const made = element(
      "div",
      {
        role: "row", id: this.id(place), "aria-rowindex": place + 2,
        "aria-selected": String(active), "data-place": place,
      },
      element("div", { role: "rowheader", class: `case${notes.has(this.board.task, row.case) ? " has-note" : ""}`, title: row.case }, element("span", { class: "start" }, caseName(row))),
      element("div", { role: "gridcell", class: "expected" },
        element("span", { class: "start" }, this.start(row.expected))),
      row.cells.map((cell, column) => this.cell(cell, column, active && column === this.column)),
    );
    made.style.top = `${place * ROW_HEIGHT}px`;
    return made;
  }

  cell(cell, column, active) {
    const { kind, mark, word } = verdictOn(cell);
    const measure = this.form.elements.measure.value;
    const shown = measure === "score" || !cell ? word
      : measure === "cost" ? showDollars(cell.cost) : showSeconds(cell.seconds);
    return element(
      "div",
      { role: "gridcell", class: `cell ${kind}${active ? " active" : ""}`, "data-column": column },
      element("span", { class: "mark" }, element("b", {}, mark), ` ${shown}`),
      element("span", { class: "start" }, this.start(cell?.reply ?? cell?.error)),
    );
  }

  start(text) {
    return text == null ? "" : this.texts[text].slice(0, 120);
  }

  clicked(event) {
    const row = event.target.closest("[data-place]");
    if (!row) return;
    const column = event.target.closest("[data-column]");
    this.move(Number(row.dataset.place));
    this.open(column ? Number(column.dataset.column) : this.column);
  }

  pressed(event) {
    if (event.target.closest("button") || event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor(this.grid.clientHeight / ROW_HEIGHT) - 2);
    const steps = {
      ArrowDown: 1, j: 1, ArrowUp: -1, k: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity,
    };
    if (event.key in steps) this.move(this.active + steps[event.key]);
    else if (event.key === "ArrowRight") this.turn(1);
    else if (event.key === "ArrowLeft") this.turn(-1);
    else if (event.key === "Enter" && this.view.length) this.open(this.column);
    else return;
    event.preventDefault();
  }

  move(place) {
    this.active = Math.max(0, Math.min(this.view.length - 1, place));
    const top = this.active * ROW_HEIGHT;
    const sight = this.grid.clientHeight - ROW_HEIGHT; // the heading stays in sight
    if (top < this.grid.scrollTop) this.grid.scrollTop = top;
    else if (top + ROW_HEIGHT > this.grid.scrollTop + sight) this.grid.scrollTop = top + ROW_HEIGHT - sight;
    this.draw();
  }

  turn(step) {
    this.column = Math.max(0, Math.min(this.board.candidates.length - 1, this.column + step));
    this.draw();
    this.canvas.querySelector(".active")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  // The case of that name, whatever the filters say; nothing where there is none.
  openAt(name, model) {
    const row = this.board.rows.findIndex((each) => caseName(each) === name);
    if (row < 0) return;
    if (!this.view.includes(row)) this.state = {};
    this.move(this.view.indexOf(row));
    this.open(Math.max(0, this.board.candidates.indexOf(model)));
  }

  open(column) {
    this.column = column;
    this.draw();
    detail.show(this);
  }
}

function caseName(row) {
  return row.repeat ? `${row.case} · ${row.repeat + 1}` : row.case;
}

function outcome(cell) {
  return cell ? cell.error != null ? "failed" : String(cell.score) : "";
}
