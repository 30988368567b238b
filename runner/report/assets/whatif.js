// Other thresholds: verdicts and tiers anew, by the rules of measure/verdict.py and conclusion.py,
// from the intervals that the page has.

const STEPS = 200; // of a slider

function wordFor(low, high, side, limit) {
  if (side === "min") {
    if (low != null && low >= limit) return "met";
    return high != null && high < limit ? "missed" : "not proven";
  }
  if (high != null && high <= limit) return "met";
  return low != null && low > limit ? "missed" : "not proven";
}

function tierOf(words) {
  if (words.includes("missed")) return "refused";
  return words.every((word) => word === "met") ? "proven" : "supported";
}

function showAmount(value, unit) {
  if (unit === "usd") return `$${Number(value.toPrecision(6))}`;
  return ["score", "rate", null].includes(unit) ? String(value) : `${value.toLocaleString("en")} ${unit}`;
}

// Where on a slider a threshold stands, and back: shares evenly, all else by its logarithm.
function scaleOf({ bound, unit, ends }) {
  if (["score", "rate"].includes(unit)) {
    return { place: (value) => value * STEPS, value: (place) => place / STEPS };
  }
  const known = [bound, ...ends.flat()].filter((value) => value > 0);
  const [low, high] = [Math.log(Math.min(...known) / 2), Math.log(Math.max(...known) * 2)];
  return {
    place: (value) => value > 0 ? STEPS * (Math.log(value) - low) / (high - low) : 0,
    value: (place) => Number(Math.exp(low + (high - low) * place / STEPS).toPrecision(2)),
  };
}

function suppose(place, { candidates, suppose: { bounds, rest } }) {
  const limits = bounds.map(({ bound }) => bound);
  const chip = (word) => element("span", { class: `chip ${word.replace(" ", "-")}` }, word);
  const body = element("tbody");
  const draw = () => body.replaceChildren(...candidates.map((name, n) => {
    const words = bounds.map(({ side, ends }, at) =>
      ends[n] ? wordFor(ends[n][0], ends[n][1], side, limits[at]) : "unknown");
    const counted = bounds.map(({ side, ends }, at) => // what leans to missed counts as that
      words[at] === "not proven" && (side === "min" ? ends[n][2] < limits[at] : ends[n][2] > limits[at])
        ? "missed" : words[at]);
    const tier = tierOf([...counted, ...rest[n]]);
    return element("tr", {}, element("th", { scope: "row" }, name),
      element("td", {}, element("span", { class: `tier ${tier}` }, tier)),
      words.map((word) => element("td", {}, chip(word))));
  }));
  const sliders = bounds.map((each, at) => {
    const scale = scaleOf(each);
    const said = element("b");
    const input = element("input", { type: "range", min: 0, max: STEPS, step: 1 });
    const tell = () => {
      const most = each.side === "min" ? "at least" : "at most";
      said.textContent = `${most} ${showAmount(limits[at], each.unit)}`;
      input.setAttribute("aria-valuetext", said.textContent);
    };
    const reset = () => {
      limits[at] = each.bound;
      input.value = scale.place(each.bound);
      tell();
    };
    input.addEventListener("input", () => {
      limits[at] = scale.value(Number(input.value));
      tell();
      draw();
    });
    reset();
    return { reset, made: element("label", {}, each.name, input, said) };
  });
  const override = () => [document.getElementById("command")?.textContent,
    ...bounds.flatMap(({ key, bound }, at) => (limits[at] === bound ? [] : [`${key}=${limits[at]}`]))];
  const names = ["candidate", "tier", ...bounds.map(({ name }) => name)];
  place.append(
    element("p", { class: "note" }, "Supposed, not decided: what the same answers would come to."),
    element("div", { class: "sliders" }, sliders.map(({ made }) => made)),
    element("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "Verdicts at other thresholds" },
      element("table", {}, element("thead", {}, element("tr", {}, names.map((name) => element("th", { scope: "col" }, name)))), body)),
    element("p", { class: "again" },
      element("button", { type: "button", class: "quiet",
        onclick: (event) => copyText(override().filter(Boolean).join(" "), event.target) }, "Copy as override"),
      element("button", { type: "button", class: "quiet", onclick: () => {
        sliders.forEach(({ reset }) => reset());
        draw();
      } }, "As they were")));
  place.hidden = false;
  draw();
}
