"use strict";
// Draws a cell for each child of a step and shows the facts of one. Its texts come from the data
// block and are set as text, never as markup. charts.py has drawn everything else.
(() => {
  const STATES = ["WAITING", "RUNNING", "SUCCEEDED", "FAILED", "UPSTREAM", "STOPPED"];
  const LABELS = ["waiting", "running", "succeeded", "failed", "failed upstream", "stopped"];
  const COLOURS = ["--wait", "--run", "--ok", "--bad", "--up", "--idle"];
  const FAILED = STATES.indexOf("FAILED");
  const TIMES = [0.5, 0.8, 1.25, 2, 5]; // edges of the shades of a duration, × the median
  const SHARES = [0.25, 0.5, 0.75, 0.9, 0.97]; // and of a peak, of the memory
  const GAP = 8; // pixels between two rounds

  const get = (id) => document.getElementById(id);
  const data = JSON.parse(get("data").textContent);

  function unpack(packed) {
    const bytes = atob(packed.slice(1));
    const numbers = [];
    for (let at = 0; at < bytes.length; ) {
      let number = 0, scale = 1, byte;
      do {
        byte = bytes.charCodeAt(at++);
        number += (byte & 127) * scale;
        scale *= 128;
      } while (byte > 127);
      numbers.push(number);
    }
    const value = (code) => code === 0 ? null : code - 1;
    if (packed[0] === "v") return numbers.map(value);
    const values = [];
    for (let at = 0; at < numbers.length; at += 2) {
      for (let n = numbers[at + 1]; n > 0; n--) values.push(value(numbers[at]));
    }
    return values;
  }

  function sums(steps) {
    let sum = 0;
    return steps.map((code) => (sum += code % 2 ? -(code + 1) / 2 : code / 2));
  }

  function columns(step) {
    const { n, ranUnit, ...packed } = step.columns, all = { n };
    for (const name of Object.keys(packed)) all[name] = unpack(packed[name]);
    all.number = sums(all.number);
    const times = (values, unit) => values.map((value) => value === null ? null : value * unit);
    all.wait = times(all.wait, 100);
    all.ran = times(all.ran, ranUnit);
    return all;
  }

  // --- words

  function duration(ms) {
    if (ms === null) return "–";
    if (ms > 0 && ms < 100) return Math.max(1, Math.round(ms)) + " ms";
    const s = ms / 1000;
    if (s < 10) return s.toFixed(1) + " s";
    const whole = Math.round(s), min = Math.floor(whole / 60), hours = Math.floor(min / 60);
    if (!min) return whole + " s";
    return hours ? hours + " h " + (min % 60) + " min" : min + " min " + (whole % 60) + " s";
  }

  const count = (n) => n.toLocaleString("en");
  const mib = (n) => n < 1024 ? count(n) + " MiB" : (n / 1024).toFixed(1) + " GiB";

  // --- the map of cells

  const canvas = get("cells"), pen = canvas.getContext("2d");
  const still = document.createElement("canvas"); // the cells without the cursor
  let step, all, place = 0, size = 6, across = 1, rows = [], colour = "state", height = 0;

  const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  function layout() {
    const width = canvas.clientWidth;
    const area = width * (width < 500 ? 520 : 380);
    size = Math.max(4, Math.min(22, Math.floor(Math.sqrt(area / all.n))));
    across = Math.max(1, Math.floor(width / size));
    rows = []; // each: its first child, how many, and its top
    height = 0;
    for (let at = 0; at < all.n; ) {
      const first = rows.length === 0 || all.round[at] === all.round[at - 1];
      if (!first) height += GAP;
      let n = 1;
      while (n < across && at + n < all.n && all.round[at + n] === all.round[at]) n++;
      rows.push([at, n, height]);
      height += size;
      at += n;
    }
    const ratio = window.devicePixelRatio || 1;
    for (const each of [canvas, still]) {
      each.width = Math.round(width * ratio);
      each.height = Math.round(height * ratio);
      each.getContext("2d").setTransform(ratio, 0, 0, ratio, 0, 0);
    }
    canvas.style.height = height + "px";
  }

  function shade(value, edges) {
    let n = 0;
    while (n < edges.length && value > edges[n]) n++;
    return "--q" + n;
  }

  function memoryOf(n) {
    return step.memory[all.round[n] + "," + (all.group[n] || 0)] || null;
  }

  function colourOf(n) {
    if (colour === "state") return COLOURS[all.state[n]];
    if (colour === "duration") {
      return all.ran[n] === null || !step.median ? null : shade(all.ran[n] / step.median, TIMES);
    }
    const whole = memoryOf(n) || step.peak;
    return all.peak[n] === null || !whole ? null : shade(all.peak[n] / whole, SHARES);
  }

  // A state has a shape as well: a cross, a hollow, a bar, a corner.
  function mark(to, state, x, y, side, colours) {
    to.strokeStyle = to.fillStyle = colours["--mark"];
    to.lineWidth = Math.max(1, side / 7);
    const inset = side / 4;
    to.beginPath();
    if (state === FAILED) {
      to.moveTo(x + inset, y + inset); to.lineTo(x + side - inset, y + side - inset);
      to.moveTo(x + side - inset, y + inset); to.lineTo(x + inset, y + side - inset);
      to.stroke();
    } else if (STATES[state] === "UPSTREAM") {
      to.moveTo(x, y); to.lineTo(x + side, y); to.lineTo(x + side, y + side); to.fill();
    } else if (STATES[state] === "STOPPED") {
      to.moveTo(x + inset, y + side / 2); to.lineTo(x + side - inset, y + side / 2); to.stroke();
    } else if (STATES[state] === "WAITING") {
      to.fillRect(x + 1, y + 1, side - 2, side - 2);
    } else if (STATES[state] === "RUNNING") {
      to.fillRect(x + side / 3, y + side / 3, side / 3, side / 3);
    }
  }

  function draw() {
    const began = performance.now();
    layout();
    const to = still.getContext("2d"), side = size > 4 ? size - 1 : size - 0.5;
    const colours = {};
    for (const name of [...COLOURS, "--q0", "--q1", "--q2", "--q3", "--q4", "--q5", "--mark", "--line"]) {
      colours[name] = style(name);
    }
    for (const [first, n, top] of rows) {
      for (let at = first; at < first + n; at++) {
        const name = colourOf(at), x = (at - first) * size;
        if (name === null) {
          to.strokeStyle = colours["--line"];
          to.strokeRect(x + 0.5, top + 0.5, side - 1, side - 1);
          continue;
        }
        to.fillStyle = colours[name];
        to.fillRect(x, top, side, side);
        if (colour === "state" && STATES[all.state[at]] !== "SUCCEEDED") {
          mark(to, all.state[at], x, top, side, colours);
        }
      }
    }
    show();
    legend();
    document.documentElement.dataset.drawMs = (performance.now() - began).toFixed(1);
    document.documentElement.dataset.cells = all.n;
  }

  function show() {
    pen.clearRect(0, 0, canvas.clientWidth, height);
    pen.drawImage(still, 0, 0, canvas.clientWidth, height);
    const row = rows.find(([first, n]) => place >= first && place < first + n);
    if (!row) return;
    const x = (place - row[0]) * size, y = row[2];
    pen.lineWidth = 2;
    pen.strokeStyle = style("--bg");
    pen.strokeRect(x - 2.5, y - 2.5, size + 4, size + 4);
    pen.strokeStyle = style("--ink");
    pen.strokeRect(x - 0.5, y - 0.5, size, size);
  }

  function legend() {
    const list = get("legend");
    list.replaceChildren();
    const add = (name, words, state) => {
      const item = document.createElement("li"), key = document.createElement("canvas");
      const ratio = window.devicePixelRatio || 1, to = key.getContext("2d");
      key.width = key.height = 12 * ratio;
      key.className = "key";
      key.style.width = key.style.height = "12px";
      to.scale(ratio, ratio);
      to.fillStyle = style(name);
      to.fillRect(0, 0, 12, 12);
      if (state !== undefined) mark(to, state, 0, 0, 12, { "--mark": style("--mark") });
      item.append(key, words);
      list.append(item);
    };
    if (colour === "state") {
      const found = STATES.map(() => 0);
      for (const state of all.state) found[state]++;
      found.forEach((n, state) => n && add(COLOURS[state], LABELS[state] + " " + count(n), state));
      return;
    }
    const edges = colour === "duration" ? TIMES : SHARES;
    const unit = colour === "duration" ? (e) => e + " ×" : (e) => Math.round(e * 100) + " %";
    const whole = colour === "duration" ? " the median" : " of the memory";
    edges.forEach((edge, n) => add("--q" + n, "≤ " + unit(edge) + (n ? "" : whole)));
    add("--q" + edges.length, "> " + unit(edges[edges.length - 1]));
  }

  // --- the facts of a child

  function facts() {
    const n = place, note = step.notes[n] || ["", "", ""], list = document.createElement("dl");
    const add = (name, value) => {
      if (value === null || value === "") return;
      const head = document.createElement("dt"), body = document.createElement("dd");
      head.textContent = name;
      body.append(value);
      list.append(head, body);
    };
    const again = all.round[n] ? " of round " + all.round[n] : "";
    const number = all.number[n], cpu = all.cpu[n], peak = all.peak[n], whole = memoryOf(n);
    add("child", count(number) + again);
    add("state", LABELS[all.state[n]]);
    add("item", note[0]);
    add("attempts", String(all.attempts[n]));
    add("waited", duration(all.wait[n]));
    add("ran", all.ran[n] === null ? "–" : duration(all.ran[n]) +
      (step.median ? " (" + (all.ran[n] / step.median).toFixed(1) + " × median)" : ""));
    add("peak", peak === null ? "not measured" : mib(peak) + (whole ? " of " + mib(whole) : ""));
    add("CPU", cpu === null ? "" : (cpu / 10).toFixed(1) + " s");
    add("cause", all.cause[n] === null ? "" : step.causes[all.cause[n]]);
    add("reason", all.cause[n] === null ? note[1] : "");
    if (note[2] && data.logs) {
      const link = document.createElement("a");
      link.href = data.logs + note[2];
      link.rel = "noreferrer";
      link.textContent = "in CloudWatch Logs";
      add("log", link);
    }
    const log = document.createElement("div"), code = document.createElement("code");
    const button = document.createElement("button");
    code.textContent = "batchrelay logs " + data.run + "/" + step.name +
      (step.array ? ":" + number : "") + (all.round[n] ? " --round " + all.round[n] : "");
    button.type = "button";
    button.dataset.copy = "";
    button.textContent = "Copy";
    log.className = "command";
    log.append(code, button);
    get("facts").replaceChildren(list, log);
    get("sentence").textContent = [...list.children].map((each) => each.textContent +
      (each.matches("dt") ? " " : ", ")).join("").slice(0, -2);
    get("number").value = number;
  }

  function go(to) {
    place = Math.max(0, Math.min(all.n - 1, to));
    show();
    facts();
  }

  function nextFailed() {
    for (let n = 1; n <= all.n; n++) {
      const at = (place + n) % all.n;
      if (all.state[at] === FAILED) return go(at);
    }
  }

  function choose(number) {
    step = data.steps[number];
    all = columns(step);
    step.peak = all.peak.reduce((most, value) => Math.max(most, value || 0), 0);
    place = Math.max(0, all.state.indexOf(FAILED));
    get("failed").disabled = !all.state.includes(FAILED);
    canvas.setAttribute("aria-label", "Children of " + step.name + ", a cell for each of " + count(all.n));
    draw();
    facts();
  }

  function start() {
    get("map").hidden = false;
    get("plain").hidden = true;
    const select = get("step");
    data.steps.forEach((each, number) => {
      const words = each.name + " (" + each.rounds.map(count).join(", then ") + ")";
      select.append(new Option(words, String(number)));
    });
    const rank = (each) => [each.failed, each.columns.n];
    let best = 0;
    data.steps.forEach((each, number) => {
      const [a, b] = [rank(each), rank(data.steps[best])];
      if (a[0] > b[0] || (a[0] === b[0] && a[1] > b[1])) best = number;
    });
    select.value = String(best);
    choose(best);
    select.addEventListener("change", () => choose(Number(select.value)));
    for (const radio of document.querySelectorAll("input[name=colour]")) {
      radio.addEventListener("change", () => { colour = radio.value; draw(); });
    }
    canvas.addEventListener("click", (event) => {
      const box = canvas.getBoundingClientRect();
      const x = event.clientX - box.left, y = event.clientY - box.top;
      const row = rows.find(([, , top]) => y >= top && y < top + size);
      const at = row ? Math.floor(x / size) : -1;
      if (row && at >= 0 && at < row[1]) go(row[0] + at);
    });
    canvas.addEventListener("keydown", (event) => {
      const moves = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -across, ArrowDown: across,
        PageUp: -10 * across, PageDown: 10 * across, Home: -all.n, End: all.n };
      if (event.key in moves) go(place + moves[event.key]);
      else if (event.key === "f" || event.key === "F") nextFailed();
      else if (event.key === "Enter" || event.key === " ") facts();
      else return;
      event.preventDefault();
    });
    get("failed").addEventListener("click", nextFailed);
    get("number").addEventListener("change", (event) => {
      const at = all.number.indexOf(Number(event.target.value));
      if (at >= 0) go(at);
    });
    window.addEventListener("resize", draw);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  }

  async function copy(button) {
    const code = button.parentElement.querySelector("code");
    let done = true;
    try {
      await navigator.clipboard.writeText(code.textContent);
    } catch {
      getSelection().selectAllChildren(code);
      done = document.execCommand("copy");
    }
    button.textContent = done ? "Copied" : "Selected";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-copy]");
    if (button) copy(button);
  });
  if (data.steps.length) start();
})();
