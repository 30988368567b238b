"use strict";

// Elements are made here and nowhere else: what comes from a model is only ever appended as text.
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value != null) made.setAttribute(name, value);
  }
  made.append(...children.flat(Infinity).filter((child) => child != null && child !== false));
  return made;
}

// To the clipboard; the button says how that went.
async function copyText(text, button) {
  const label = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Your browser does not let this page copy";
  }
  setTimeout(() => { button.textContent = label; }, 1500);
}

// A browser may refuse to store anything for a page from a disk.
function stored(name, value) {
  try {
    if (value !== undefined) localStorage.setItem(name, value);
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

// A file of JSON lines, to wherever the browser puts what it downloads.
function download(text, name) {
  const link = element("a", { href: URL.createObjectURL(new Blob([text], { type: "application/jsonl" })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function showSeconds(seconds) {
  if (seconds == null) return "?";
  return seconds < 1 ? `${Math.round(seconds * 1000)} ms` : `${seconds.toFixed(2)} s`;
}

function showDollars(usd) {
  if (usd == null) return "unknown";
  if (usd === 0) return "$0";
  const digits = Math.max(2, 2 - Math.floor(Math.log10(usd)));
  return `$${usd.toFixed(Math.min(digits, 12))}`;
}

function showScore(score) {
  return score == null ? "not scored" : score.toFixed(3);
}

// What became of one question to one candidate: a class for its colour, a mark and a word.
function verdictOn(cell) {
  if (!cell) return { kind: "none", mark: "·", word: "not asked" };
  if (cell.error != null) return { kind: "failed", mark: "!", word: cell.kind };
  if (cell.score == null) return { kind: "none", mark: "?", word: "not scored" };
  if (cell.score === 1) return { kind: "right", mark: "✓", word: showScore(1) };
  if (cell.score === 0) return { kind: "wrong", mark: "✗", word: showScore(0) };
  return { kind: "partly", mark: "≈", word: showScore(cell.score) };
}
