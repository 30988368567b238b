// The longest common subsequence of two texts, by words; by lines where they are too long for it.

const DIFF_CELLS = 4_000_000; // of the table that finds it: 16 MB

// Pieces in order: [kind, text], kind is "same", "del" (only in before) or "ins" (only in after).
function diff(before, after) {
  const ways = [/\s+|[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu, /[^\n]*\n|[^\n]+/g];
  for (const way of ways) {
    const [a, b] = [before.match(way) ?? [], after.match(way) ?? []];
    const [start, end] = commonEnds(a, b);
    const [left, right] = [a.slice(start, a.length - end), b.slice(start, b.length - end)];
    if (left.length * right.length > DIFF_CELLS) continue;
    return joined([
      ...a.slice(0, start).map((token) => ["same", token]),
      ...subsequence(left, right),
      ...a.slice(a.length - end).map((token) => ["same", token]),
    ]);
  }
  return [["del", before], ["ins", after]];
}

function commonEnds(a, b) {
  const most = Math.min(a.length, b.length);
  let start = 0;
  while (start < most && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < most - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end += 1;
  return [start, end];
}

function subsequence(a, b) {
  const width = b.length + 1;
  const lengths = new Uint32Array((a.length + 1) * width); // of what is left from (i, j) on
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      lengths[i * width + j] =
        a[i] === b[j]
          ? lengths[(i + 1) * width + j + 1] + 1
          : Math.max(lengths[(i + 1) * width + j], lengths[i * width + j + 1]);
    }
  }
  const pieces = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      pieces.push(["same", a[i]]);
      i += 1;
      j += 1;
    } else if (j === b.length || (i < a.length && lengths[(i + 1) * width + j] >= lengths[i * width + j + 1])) {
      pieces.push(["del", a[i]]);
      i += 1;
    } else {
      pieces.push(["ins", b[j]]);
      j += 1;
    }
  }
  return pieces;
}

function joined(pieces) {
  const runs = [];
  for (const [kind, token] of pieces) {
    const last = runs.at(-1);
    if (last && last[0] === kind) last[1].push(token);
    else runs.push([kind, [token]]);
  }
  return runs.map(([kind, tokens]) => [kind, tokens.join("")]);
}

// Two JSON texts are compared as they would be printed alike.
function comparable(before, after) {
  try {
    const both = [JSON.parse(before), JSON.parse(after)];
    if (both.every((value) => value && typeof value === "object")) {
      return both.map((value) => JSON.stringify(value, null, 2));
    }
  } catch {
    // plain text
  }
  return [before, after];
}
