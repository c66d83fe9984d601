"use strict";
// The blind test without its page: trials, scores and the CSV. `random` gives numbers from 0 up to 1.
const abx = {
  shuffled(items, random) {
    const out = items.slice();
    for (let i = out.length - 1; i > 0; i--) {
      const k = Math.floor(random() * (i + 1));
      [out[i], out[k]] = [out[k], out[i]];
    }
    return out;
  },

  // `count` trials in random order; no pair comes again before every other has come.
  trials(pairs, count, random) {
    const order = [];
    while (pairs.length && order.length < count) order.push(...abx.shuffled(pairs, random));
    return order.slice(0, count).map((pair) => {
      const [a, b] = random() < 0.5 ? pair.versions : pair.versions.slice().reverse();
      return { pair, a, b, x: random() < 0.5 ? "a" : "b", answer: null, seconds: 0 };
    });
  },

  right: (trial) => trial.answer === trial.x,

  // Two-sided: how often a coin is as far from one half as `right` of `n`.
  pValue(right, n) {
    let term = 1, sum = 0; // binomial coefficients, from n of n down
    for (let k = n; k >= Math.max(right, n - right); k--) {
      sum += term;
      term *= k / (n - k + 1);
    }
    return n ? Math.min(1, 2 * sum * Math.pow(0.5, n)) : 1;
  },

  score(trials) {
    const n = trials.length, right = trials.filter(abx.right).length;
    return { n, right, p: abx.pValue(right, n) };
  },

  // One score for each double.
  scores(trials) {
    const found = new Map();
    for (const t of trials) found.set(t.pair.double, [...(found.get(t.pair.double) || []), t]);
    return [...found].map(([double, of]) => ({ double, ...abx.score(of) }));
  },

  csv(trials) {
    const quoted = (v) => '"' + String(v).replace(/"/g, '""') + '"';
    const rows = trials.map((t, k) => [
      k + 1, t.pair.track, t.pair.example, t.pair.sound, t.a.name, t.b.name, t[t.x].name,
      t.answer.toUpperCase(), abx.right(t) ? "right" : "wrong", t.seconds.toFixed(1),
    ]);
    const head = ["trial", "track", "example", "sound", "A", "B", "X", "answer", "result", "seconds"];
    return [head, ...rows].map((row) => row.map(quoted).join(",") + "\r\n").join("");
  },
};
if (typeof module !== "undefined") module.exports = abx;
