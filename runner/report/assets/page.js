// Everything set going: the tables, the cases, the keys and the address.

// The first task's filters stand in the address by their names, those of others after a number.
function readAddress(tables) {
  if (!location.hash.includes("=")) return;
  const given = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
  tables.forEach((cases, number) => {
    const own = Object.entries(given).map(([name, value]) => {
      const [, of = "0", field] = /^(?:(\d+)\.)?(.*)$/.exec(name);
      return Number(of) === number ? [field, value] : ["", ""];
    });
    const { case: name, model, ...filters } = Object.fromEntries(own);
    cases.state = filters;
    if (name !== undefined) cases.openAt(name, model);
  });
}

function writeAddress(tables) {
  const all = tables.flatMap((cases, number) =>
    Object.entries({ ...cases.state, ...detail.place(cases) }).map(([name, value]) => [number ? `${number}.${name}` : name, value]));
  const hash = new URLSearchParams(all).toString();
  history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
}

function listenToKeys(tables) {
  const typing = (target) => target.matches("input, select, textarea");
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (detail.dialog.open) {
      if (typing(event.target)) return;
      if (event.key.startsWith("Arrow") && event.target.closest("pre, .scroll")) return; // it scrolls
      if (["j", "ArrowDown"].includes(event.key)) detail.step(1);
      else if (["k", "ArrowUp"].includes(event.key)) detail.step(-1);
      else if (event.key === "ArrowRight") detail.turn(1);
      else if (event.key === "ArrowLeft") detail.turn(-1);
      else if (event.key === "c") detail.copyAddress();
      else return;
      event.preventDefault();
    } else if (event.key === "/" && !typing(event.target) && tables.length) {
      event.preventDefault();
      nearest(tables).form.elements.q.focus();
    } else if (["j", "k"].includes(event.key) && !typing(event.target) && !event.target.closest(".grid")) {
      nearest(tables)?.grid.focus();
    } else if (event.key === "Escape" && event.target.name === "q") {
      event.preventDefault(); // the search stays
      tables.find((cases) => cases.form.contains(event.target)).grid.focus();
    }
  });
  detail.dialog.addEventListener("close", () => {
    detail.cases.grid.focus();
    detail.tell();
  });
  detail.dialog.addEventListener("click", (event) => {
    if (event.target === detail.dialog) detail.dialog.close(); // beside the sheet
  });
}

// The table of cases that the reader looks at, of several.
function nearest(tables) {
  const distance = (cases) => Math.abs(cases.grid.getBoundingClientRect().top);
  return [...tables].sort((a, b) => distance(a) - distance(b))[0];
}

function main() {
  document.querySelectorAll("table[data-sortable]").forEach(makeSortable);
  const data = JSON.parse(document.getElementById("data").textContent);
  const texts = data.texts.map((text) => typeof text === "string" ? text : data.beginnings[text[0]] + text[1]);
  const tables = [...document.querySelectorAll("[data-board]")].map((section) => {
    const number = Number(section.dataset.board);
    return new Cases(section, number, data.boards[number], texts);
  });
  notes.setUp(data.record);
  tables.forEach((cases) => cases.refresh());
  document.querySelectorAll("[data-suppose]").forEach((place) => suppose(place, data.boards[place.dataset.suppose]));
  readAddress(tables);
  document.addEventListener("state", () => writeAddress(tables));
  window.addEventListener("hashchange", () => { // a link on the page
    readAddress(tables);
    const [, of = 0] = /^#(?:(\d+)\.)?show=/.exec(location.hash) ?? [, NaN];
    tables[of]?.form.scrollIntoView();
  });
  listenToKeys(tables);
}

main();
