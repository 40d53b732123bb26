// The living picture. Frames arrive in handfuls and are played at an even pace; afterwards the slider walks through the steps.

const SIDE = 48, WIDE = 400, TALL = 84, LEFT = 46, RIGHT = 8, TOP = 10, LOW = 20;
const ICONS = { play: "M3 1l10 6-10 6z", pause: "M2 1h4v12H2zM8 1h4v12H8z", restart: "M1 1h3v12H1zM13 1v12L5 7z",
  seed: "M1 1h12v12H1zM4 3a1 1 0 100 2 1 1 0 000-2zM10 9a1 1 0 100 2 1 1 0 000-2zM7 6a1 1 0 100 2 1 1 0 000-2z" };
const COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7"]; // Okabe and Ito, told apart by all eyes
const SVG = "http://www.w3.org/2000/svg";

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

function drawn(tag, attributes) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

function button(name, words, act) {
  const made = element("button", name);
  made.type = "button";
  const icon = drawn("svg", { viewBox: "0 0 14 14", "aria-hidden": "true" });
  icon.append(drawn("path", { d: ICONS[name], "fill-rule": "evenodd" }));
  made.append(icon, element("span", "", words));
  made.addEventListener("click", act);
  return made;
}

function fill(template, values) { return template.replace(/\{(\w+)\}/g, (_, name) => values[name]); }

function bytes(text) {
  const raw = atob(text), array = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) array[i] = raw.charCodeAt(i);
  return array;
}

function build(root) {
  const s = { root, frames: [], steps: [], scores: [], at: -1, playing: true, clock: 0, owed: 0, asked: "", number: 0 };
  s.head = element("div", "head");
  s.title = element("div", "title");
  s.words = element("div", "words");
  s.head.append(s.title, s.words);
  s.pictures = element("div", "pictures");
  s.curve = drawn("svg", { class: "curve", viewBox: `0 0 ${WIDE} ${TALL}`, role: "img", preserveAspectRatio: "none" });
  s.slider = element("input");
  Object.assign(s.slider, { type: "range", min: 0, value: 0, step: 1 });
  s.output = element("output");
  const walk = element("div", "bar");
  walk.append(s.slider, s.output);
  s.play = button("play", "", () => toggle(s));
  s.restart = button("restart", "", () => { s.at = -1; resume(s); });
  s.seed = button("seed", "", () => act(s, "seed"));
  s.smooth = element("input");
  s.smooth.type = "checkbox";
  s.smooth.addEventListener("change", () => root.classList.toggle("smooth", s.smooth.checked));
  const label = element("label", "label");
  s.label = document.createTextNode("");
  label.append(s.smooth, s.label);
  s.controls = element("div", "bar");
  s.controls.append(s.play, s.restart, s.seed, label);
  const stage = element("div", "stage");
  stage.append(s.head, s.pictures, s.curve, walk, s.controls);
  s.slider.addEventListener("input", () => { s.playing = false; s.at = Number(s.slider.value); show(s); if (state(s) === "running") act(s, "pause"); });
  s.walk = walk;
  root.replaceChildren(stage);
  root.ferState = s;
  const tick = (now) => {
    if (!root.isConnected) { s.asleep = true; return; } // wakes with the next data
    beat(s, now);
    requestAnimationFrame(tick);
  };
  s.wake = () => { s.asleep = false; requestAnimationFrame(tick); };
  s.wake();
  return s;
}

function speak(s, said) {
  s.slider.setAttribute("aria-label", said.slider);
  s.restart.lastChild.textContent = said.restart;
  s.seed.lastChild.textContent = said.seed;
  s.label.textContent = said.smooth;
}

function act(s, name) { // numbered, so that an answer to what was asked before is known as such
  s.asked = name;
  s.number = Math.max(s.number, s.data.heard) + 1;
  s.send("act", { name, number: s.number });
}

function state(s) { // of the film on the server, as it will be when all that was asked is heard
  const meant = { play: "running", pause: "paused" }[s.asked];
  return s.number > s.data.heard && meant && s.data.state !== "done" ? meant : s.data.state;
}

function toggle(s) {
  if (s.playing && !over(s)) {
    s.playing = false;
    if (state(s) === "running" || state(s) === "waiting") act(s, "pause");
    show(s);
  } else {
    if (over(s)) s.at = -1;
    resume(s);
  }
}

function resume(s) {
  s.playing = true;
  if (state(s) === "paused") act(s, "play");
  show(s);
}

function over(s) { return s.data.state === "done" && s.at >= s.count - 1; }

function beat(s, now) {
  const passed = Math.min(now - s.clock, 250);
  s.clock = now;
  if (!s.playing || s.at + 1 >= s.count) {
    s.owed = 0;
    if (s.playing && state(s) === "paused") { s.playing = false; show(s); } // one returned to a film that was paused
    return;
  }
  s.owed += (passed * s.data.pace) / 1000;
  if (s.owed < 1 && s.at >= 0) return;
  let next = Math.min(s.at + Math.max(1, Math.floor(s.owed)), s.count - 1);
  s.owed -= Math.floor(s.owed);
  while (!s.frames[next] && next < s.count - 1) next += 1; // a handful was lost: go on behind it
  if (!s.frames[next]) return;
  s.at = next;
  show(s);
}

function show(s) {
  const done = over(s), going = s.playing && !done;
  const icon = going ? "pause" : "play";
  s.play.querySelector("path").setAttribute("d", ICONS[icon]);
  s.play.lastChild.textContent = s.data.said[going ? "pause" : done ? "replay" : "play"];
  s.root.dataset.frames = s.frames.filter(Boolean).length;
  s.root.dataset.state = going ? "playing" : done ? "done" : "paused";
  curve(s);
  const at = Math.max(0, s.at), frame = s.frames[at];
  s.slider.max = Math.max(0, s.count - 1);
  s.slider.value = at;
  if (!frame) { s.output.textContent = ""; return; }
  s.pictures.querySelectorAll("canvas").forEach((canvas, k) => paint(canvas, frame, k));
  s.root.dataset.step = s.steps[at];
  s.output.textContent = fill(s.data.said.step, { step: s.steps[at], total: s.data.total });
  s.slider.setAttribute("aria-valuetext", s.output.textContent);
}

function one(k, named) { // a picture; of several each with the colour of its curve, and its score
  const made = element("div", "one");
  made.append(Object.assign(element("canvas"), { width: SIDE, height: SIDE }));
  if (named) {
    const under = element("div", "under"), line = element("i");
    line.style.background = COLOURS[k];
    under.append(line, element("b"));
    made.append(under);
  }
  return made;
}

function paint(canvas, frame, k) {
  const pen = canvas.getContext("2d"), image = pen.createImageData(SIDE, SIDE), start = k * SIDE * SIDE;
  for (let i = 0; i < SIDE * SIDE; i++) {
    const grey = frame[start + i];
    image.data[4 * i] = image.data[4 * i + 1] = image.data[4 * i + 2] = grey;
    image.data[4 * i + 3] = 255;
  }
  pen.putImageData(image, 0, 0);
}

function short(value) {
  const size = Math.abs(value);
  return size >= 100 || size === 0 ? value.toFixed(0) : size >= 0.01 ? String(Number(value.toPrecision(3))) : value.toExponential(1);
}

function curve(s) {
  const known = s.scores.filter(Boolean).flat().filter((value) => value !== null);
  s.curve.replaceChildren();
  const box = s.curve.getBoundingClientRect().width || WIDE; // drawn in its own pixels, so that no letter is stretched
  s.curve.setAttribute("viewBox", `0 0 ${box} ${TALL}`);
  if (!known.length) return;
  const low = Math.min(...known), high = Math.max(...known, low + 1e-9);
  const x = (step) => LEFT + (step / s.data.total) * (box - LEFT - RIGHT), y = (score) => TALL - LOW - ((score - low) / (high - low)) * (TALL - LOW - TOP);
  const ground = TALL - LOW;
  s.curve.append(drawn("line", { x1: LEFT, x2: box - RIGHT, y1: ground, y2: ground }));
  const word = (text, px, py, anchor) => { const made = drawn("text", { x: px, y: py, "text-anchor": anchor }); made.textContent = text; s.curve.append(made); };
  word(short(high), LEFT - 6, TOP + 5, "end");
  word(short(low), LEFT - 6, ground + 4, "end");
  word("0", LEFT, TALL - 5, "middle");
  word(fill(s.data.said.steps, s.data), box - RIGHT, TALL - 5, "end");
  for (let k = 0; k < s.scores.find(Boolean).length; k++) {
    const at = (i) => `${x(s.steps[i]).toFixed(1)},${y(s.scores[i][k]).toFixed(1)}`;
    const points = s.steps.map((_, i) => i).filter((i) => s.scores[i] && s.scores[i][k] !== null);
    const stroke = s.pictures.children.length > 1 ? `stroke:${COLOURS[k]}` : "";
    const path = (list, name) => list.length > 1 && s.curve.append(drawn("path", { class: name, style: stroke, d: "M" + list.map(at).join("L") }));
    path(points, "ahead");
    path(points.filter((i) => i <= s.at), "");
    if (s.at >= 0 && s.scores[s.at] && s.scores[s.at][k] !== null) {
      s.curve.append(drawn("circle", { cx: x(s.steps[s.at]), cy: y(s.scores[s.at][k]), r: 4, style: stroke.replace("stroke", "fill") }));
    }
  }
  const last = s.scores[Math.max(0, s.at)];
  const { said, words } = s.data, scores = last ? last.map((one) => (one === null ? "-" : short(one))).join(", ") : "";
  s.curve.setAttribute("aria-label", fill(said.score, { scores, step: s.steps[Math.max(0, s.at)] ?? 0 }));
  if (last) s.words.textContent = words ? fill(said.words, { words, scores }) : scores;
  s.pictures.querySelectorAll(".under b").forEach((under, k) => { under.textContent = last && last[k] !== null ? short(last[k]) : ""; });
}

function take(s, data) {
  const raw = data.frames ? bytes(data.frames) : new Uint8Array(0), size = SIDE * SIDE * data.pictures;
  for (let i = 0; i < raw.length / size; i++) {
    s.frames[data.start + i] = raw.subarray(i * size, (i + 1) * size);
    s.steps[data.start + i] = data.steps[i];
    s.scores[data.start + i] = data.scores[i];
  }
  s.count = Math.max(s.count, data.count);
}

function carry(s) { // what was chosen further down the page is painted up here
  const box = s.pictures.getBoundingClientRect();
  if (box.top >= 0 || box.bottom > box.height / 2) return;
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  s.root.scrollIntoView({ block: "start", behavior: still ? "auto" : "smooth" });
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".fer-living");
  const s = root.ferState ?? build(root);
  if (s.asleep) s.wake();
  s.send = setTriggerValue;
  s.data = data;
  speak(s, data.said);
  if (s.film !== data.film) { // another film: nothing of the old one stays
    Object.assign(s, { film: data.film, frames: [], steps: [], scores: [], count: 0, at: -1, owed: 0, playing: true, asked: "" });
    s.words.textContent = data.words;
    root.dataset.film = data.film;
    delete root.dataset.step;
  }
  take(s, data);
  if (s.pictures.children.length !== data.pictures) {
    s.pictures.replaceChildren(...Array.from({ length: data.pictures }, (_, k) => one(k, data.pictures > 1)));
  }
  root.style.setProperty("--side", data.size + "px");
  root.classList.toggle("waits", s.count === 0);
  root.classList.toggle("big", !data.controls);
  s.pictures.classList.toggle("many", data.pictures > 1);
  for (const canvas of s.pictures.querySelectorAll("canvas")) { canvas.setAttribute("role", "img"); canvas.setAttribute("aria-label", data.title); }
  const other = s.title.textContent !== "" && s.title.textContent !== data.title;
  s.title.textContent = data.title;
  s.controls.hidden = s.walk.hidden = !data.controls;
  s.controls.style.display = s.walk.style.display = data.controls ? "" : "none";
  if (s.count === 0) s.words.textContent = data.ready ? data.said.begins : data.said.loading;
  show(s);
  if (other) carry(s);
}
