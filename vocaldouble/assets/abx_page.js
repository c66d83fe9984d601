"use strict";
// The page of the blind test. A, B and X play all the time in step; a key only changes which of them is let through.
(() => {
  const $ = (name) => document.getElementById("abx-" + name);
  const buffers = new Map(); // sound -> decoded
  let context, trials, at, now; // `now` is what is playing

  // From file:// a page may load scripts but not fetch sounds, so the sounds come as a script.
  const loaded = () => new Promise((resolve, reject) => {
    if (window.abxData) return resolve(window.abxData);
    const script = document.createElement("script");
    script.src = $("setup").dataset.sounds;
    script.onload = () => resolve(window.abxData);
    script.onerror = () => reject(new Error(script.src + " could not be loaded"));
    document.head.append(script);
  });

  async function decoded(name) {
    if (!buffers.has(name)) {
      const bytes = Uint8Array.from(atob(window.abxData.sounds[name]), (c) => c.charCodeAt(0));
      buffers.set(name, await context.decodeAudioData(bytes.buffer));
    }
    return buffers.get(name);
  }

  async function player(trial) {
    const gates = {}, sources = [];
    for (const [key, version] of [["a", trial.a], ["b", trial.b], ["x", trial[trial.x]]]) {
      gates[key] = context.createGain();
      gates[key].gain.value = 0;
      gates[key].connect(context.destination);
      for (const [name, factor] of version.parts) {
        const source = context.createBufferSource(), gain = context.createGain();
        source.buffer = await decoded(name);
        source.loop = true;
        gain.gain.value = factor;
        source.connect(gain).connect(gates[key]);
        sources.push(source);
      }
    }
    const start = context.currentTime + 0.05;
    sources.forEach((s) => s.start(start));
    return { gates, sources, start, heard: new Set() };
  }

  function listen(key) {
    if (!now) return;
    now.heard.add(key);
    for (const [name, gate] of Object.entries(now.gates)) {
      gate.gain.setTargetAtTime(name === key ? 1 : 0, context.currentTime, 0.004); // the same sound goes on without a dip
      $(name).setAttribute("aria-pressed", name === key);
    }
    ["1", "2"].forEach((name) => ($(name).disabled = !now.heard.has("x")));
  }

  function stop() {
    if (now) now.sources.forEach((s) => s.stop());
    now = null;
  }

  async function pause(wanted) {
    if (!context) return;
    await (wanted ? context.suspend() : context.resume());
    $("pause").setAttribute("aria-pressed", wanted);
  }

  async function next() {
    stop();
    if (at === trials.length) return finish();
    $("progress").textContent = `Trial ${at + 1} of ${trials.length}`;
    $("bar").value = at;
    ["1", "2"].forEach((name) => ($(name).disabled = true));
    const made = await player(trials[at]);
    if ($("test").hidden) return made.sources.forEach((s) => s.stop()); // ended meanwhile
    now = made;
    await pause(false);
    listen("a");
  }

  function answer(key) {
    if (!now || !now.heard.has("x")) return;
    trials[at].answer = key;
    trials[at].seconds = Math.max(0, context.currentTime - now.start); // stands still while paused
    at += 1;
    next().catch(fail);
  }

  async function begin() {
    const data = await loaded();
    const wanted = (pair) => ["track", "double", "sound"].every((k) => ["", String(pair[k])].includes($(k).value));
    const random = () => crypto.getRandomValues(new Uint32Array(1))[0] / 2 ** 32;
    trials = abx.trials(data.pairs.filter(wanted), Number($("count").value), random);
    if (!trials.length) throw new Error("there is no such pair; choose others");
    context = context || new AudioContext();
    at = 0;
    show("test");
    $("bar").max = trials.length;
    await next();
  }

  function show(part) {
    for (const name of ["setup", "test", "result"]) $(name).hidden = name !== part;
    $("message").textContent = "";
    $(part).focus();
  }

  function fail(error) {
    stop();
    show("setup");
    $("message").textContent = "The test cannot go on: " + error.message;
  }

  function row(cells, tag = "td") {
    const tr = document.createElement("tr");
    for (const text of cells) tr.appendChild(document.createElement(tag)).textContent = text;
    return tr;
  }

  const fill = (name, head, rows) => $(name).replaceChildren(row(head, "th"), ...rows.map((r) => row(r)));

  function finish() {
    stop();
    if (!at) return show("setup");
    const done = trials.slice(0, at), all = abx.score(done), p = (v) => (v < 0.001 ? "below 0.001" : v.toFixed(3));
    show("result");
    $("score").textContent = `${all.right} of ${all.n} right; by guessing, a result as far from one half has a probability of ${p(all.p)} (two-sided binomial test).`;
    fill("scores", ["double", "right", "trials", "p"], abx.scores(done).map((s) => [s.double, s.right, s.n, p(s.p)]));
    fill("trials", ["trial", "example", "sound", "A", "B", "X was", "answer", "result", "seconds"], done.map((t, k) => [
      k + 1, `${t.pair.track}: ${t.pair.example}`, t.pair.sound, t.a.name, t.b.name, t.x.toUpperCase(), t.answer.toUpperCase(),
      abx.right(t) ? "right" : "wrong", t.seconds.toFixed(1)]));
    URL.revokeObjectURL($("csv").href);
    $("csv").href = URL.createObjectURL(new Blob([abx.csv(done)], { type: "text/csv;charset=utf-8" }));
  }

  const keys = { a: () => listen("a"), b: () => listen("b"), x: () => listen("x"), 1: () => answer("a"), 2: () => answer("b"),
    " ": () => pause(context.state === "running") };

  function pressed(event) {
    const act = keys[event.key.toLowerCase()];
    if ($("test").hidden || !act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault(); // space neither scrolls nor presses the button that has the focus
    if (event.type === "keydown" && !event.repeat) act();
  }

  document.addEventListener("keydown", pressed);
  document.addEventListener("keyup", pressed);
  for (const key of ["a", "b", "x", "1", "2"]) $(key).addEventListener("click", keys[key]);
  $("pause").addEventListener("click", keys[" "]);
  $("end").addEventListener("click", finish);
  $("again").addEventListener("click", () => show("setup"));
  $("setup").addEventListener("submit", (event) => {
    event.preventDefault();
    begin().catch(fail);
  });
})();
