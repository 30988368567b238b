// Tables are there without a script; with one, their headings sort them.

function makeSortable(table) {
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    const button = element("button", { type: "button", class: "sort" });
    button.append(...heading.childNodes);
    button.addEventListener("click", () => sortTable(table, headings, column));
    heading.append(button);
  });
}

function sortTable(table, headings, column) {
  const descending = headings[column].ariaSort === "ascending";
  headings.forEach((heading) => heading.removeAttribute("aria-sort"));
  headings[column].setAttribute("aria-sort", descending ? "descending" : "ascending");
  const body = table.tBodies[0];
  const rows = [...body.rows].map((row) => [sortValue(row.cells[column]), row]);
  rows.sort(([a], [b]) => compareValues(a, b, descending));
  body.append(...rows.map(([, row]) => row));
}

function sortValue(cell) {
  const text = cell.dataset.sort ?? cell.textContent.trim();
  if (text === "") return null;
  const plain = cell.classList.contains("number") ? text.replace(/[$,]/g, "").split(" ")[0] : text;
  const number = Number(plain);
  return Number.isNaN(number) ? text : number;
}

const collator = new Intl.Collator(undefined, { numeric: true });

// What nobody knows comes last, whichever way the others are sorted.
function compareValues(a, b, descending) {
  if (a == null || b == null) return (a == null) - (b == null);
  const order =
    typeof a === "number" && typeof b === "number" ? a - b : collator.compare(String(a), String(b));
  return descending ? -order : order;
}
