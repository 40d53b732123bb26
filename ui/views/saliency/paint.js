// Paint on a face: blur, grey, lighter, darker, or the face itself again. Each stroke is told when the hand lets go. With the keyboard
// the arrows move the brush and the space bar sets it down.

const SIDE = 48;
const TOOLS = ["blur", "grey", "lighter", "darker", "face"];

function bytes(text) {
  const raw = atob(text), array = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) array[i] = raw.charCodeAt(i);
  return array;
}

const text = (array) => btoa(String.fromCharCode(...array));

function element(tag, content, attributes = {}) {
  const made = document.createElement(tag);
  if (content) made.textContent = content;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

function build(root) {
  const state = { tool: "blur", size: 9, at: [SIDE / 2, SIDE / 2], undo: [], busy: false, count: 0 };
  const square = element("div", "", { class: "square" }), tools = element("div", "", { class: "tools", role: "toolbar" });
  state.canvas = element("canvas", "", { width: SIDE, height: SIDE, tabindex: 0, role: "img" });
  state.ring = element("div", "", { class: "brush" });
  square.append(state.canvas, state.ring);
  for (const name of TOOLS) {
    const button = element("button", "", { type: "button", "aria-pressed": String(name === state.tool) });
    button.addEventListener("click", () => {
      state.tool = name;
      for (const other of tools.children) other.setAttribute("aria-pressed", String(other === button));
    });
    tools.appendChild(button);
  }
  const line = element("div", "", { class: "line" }), label = element("label");
  const word = new Text(), range = element("input", "", { type: "range", min: 3, max: 24, step: 1 }), told = element("output", "9 px");
  range.value = state.size;
  range.addEventListener("input", () => { state.size = Number(range.value); told.textContent = `${state.size} px`; ring(state); });
  state.back = element("button", "", { type: "button" });
  state.clear = element("button", "", { type: "button" });
  state.back.addEventListener("click", () => { state.now = state.undo.pop(); show(state); tell(state); });
  state.clear.addEventListener("click", () => { state.undo.push(state.now); state.now = state.face.slice(); show(state); tell(state); });
  label.append(word, range, told);
  state.name = (words) => {
    TOOLS.forEach((name, i) => { tools.children[i].textContent = words[name]; });
    tools.setAttribute("aria-label", words.brush);
    word.data = words.size;
    range.setAttribute("aria-label", words.width);
    state.back.textContent = words.undo;
    state.clear.textContent = words.clear;
  };
  line.append(label, state.back, state.clear);
  root.replaceChildren(square, tools, line);
  listen(state);
  root.ferState = state;
  return state;
}

function listen(state) {
  const { canvas } = state;
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    state.at = [((event.clientX - box.left) / box.width) * SIDE, ((event.clientY - box.top) / box.height) * SIDE];
    ring(state);
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    begin(state);
    place(event);
    stamp(state);
  });
  canvas.addEventListener("pointermove", (event) => {
    const from = state.at;
    place(event);
    if (state.busy) between(state, from, state.at);
  });
  canvas.addEventListener("pointerup", () => end(state));
  canvas.addEventListener("pointercancel", () => end(state));
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-2, 0], ArrowRight: [2, 0], ArrowUp: [0, -2], ArrowDown: [0, 2] }[event.key];
    if (step) state.at = state.at.map((value, i) => Math.min(SIDE, Math.max(0, value + step[i])));
    else if (event.key === " " || event.key === "Enter") { begin(state); stamp(state); end(state); }
    else return;
    ring(state);
    event.preventDefault();
  });
}

function ring(state) {
  Object.assign(state.ring.style, { left: `${(100 * state.at[0]) / SIDE}%`, top: `${(100 * state.at[1]) / SIDE}%`, width: `${(100 * state.size) / SIDE}%`, height: `${(100 * state.size) / SIDE}%` });
}

function begin(state) {
  state.busy = true;
  state.undo = [...state.undo.slice(-30), state.now];
  state.now = state.now.slice();
  state.done = new Uint8Array(SIDE * SIDE); // a stroke lightens each pixel once
}

function between(state, from, to) {
  const steps = Math.max(1, Math.ceil(Math.hypot(to[0] - from[0], to[1] - from[1])));
  for (let i = 1; i <= steps; i++) {
    state.at = [from[0] + ((to[0] - from[0]) * i) / steps, from[1] + ((to[1] - from[1]) * i) / steps];
    stamp(state);
  }
}

function stamp(state) {
  const radius = state.size / 2;
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      const i = y * SIDE + x;
      if (state.done[i] || Math.hypot(x + 0.5 - state.at[0], y + 0.5 - state.at[1]) > radius) continue;
      state.done[i] = 1;
      const value = { blur: state.blurred[i], grey: state.data.mean, lighter: state.now[i] + 48, darker: state.now[i] - 48, face: state.face[i] }[state.tool];
      state.now[i] = Math.min(255, Math.max(0, value));
    }
  }
  show(state);
}

function end(state) {
  if (!state.busy) return;
  state.busy = false;
  show(state);
  tell(state);
}

function tell(state) {
  state.send("paint", { pixels: text(state.now), key: state.data.key, count: ++state.count });
}

function show(state) {
  const pen = state.canvas.getContext("2d"), image = pen.createImageData(SIDE, SIDE);
  for (let i = 0; i < SIDE * SIDE; i++) image.data.set([state.now[i], state.now[i], state.now[i], 255], 4 * i);
  pen.putImageData(image, 0, 0);
  state.back.disabled = !state.undo.length;
  state.clear.disabled = state.now.every((value, i) => value === state.face[i]);
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".fer-paint");
  const state = root.ferState ?? build(root);
  state.send = setTriggerValue;
  const fresh = state.data?.key !== data.key;
  state.data = data;
  state.face = bytes(data.face);
  state.blurred = bytes(data.blurred);
  if (fresh) {
    state.now = bytes(data.painted);
    state.undo = [];
  }
  state.canvas.setAttribute("aria-label", data.label);
  state.name(data.words);
  ring(state);
  if (!state.busy) show(state);
}
