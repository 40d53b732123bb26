// A photo with the faces found in it, each a box to click. By hand, a square is drawn, moved, and sized by its corner; with the keyboard
// the arrows move it, + and - size it.

const SVG = "http://www.w3.org/2000/svg";

function bytes(text) {
  const raw = atob(text), array = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) array[i] = raw.charCodeAt(i);
  return array;
}

function shape(tag, attributes = {}) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

function build(root) {
  const frame = document.createElement("div"), image = document.createElement("img"), svg = shape("svg", { preserveAspectRatio: "none" });
  frame.className = "frame";
  frame.append(image, svg);
  root.replaceChildren(frame);
  const state = { frame, image, svg, drag: null, count: 0 };
  svg.addEventListener("pointerdown", (event) => press(state, event));
  svg.addEventListener("pointermove", (event) => move(state, event));
  svg.addEventListener("pointerup", () => release(state));
  svg.addEventListener("click", (event) => pick(state, event));
  svg.addEventListener("pointercancel", () => { state.drag = null; lay(state); });
  root.ferState = state;
  return state;
}

function place(state, event) {
  const box = state.svg.getBoundingClientRect();
  return [((event.clientX - box.left) / box.width) * state.data.width, ((event.clientY - box.top) / box.height) * state.data.height];
}

function fitted(state, { left, top, side }) {
  const { width, height, least } = state.data;
  const size = Math.min(width, height, Math.max(least, side));
  return { left: Math.min(width - size, Math.max(0, left)), top: Math.min(height - size, Math.max(0, top)), side: size };
}

function press(state, event) {
  if (!state.data.hand) return;
  state.svg.setPointerCapture(event.pointerId);
  const what = event.target.dataset?.part ?? "new";
  state.drag = { what, start: place(state, event), from: { ...state.hand } };
}

function move(state, event) {
  if (!state.drag) return;
  const [x, y] = place(state, event), { what, start, from } = state.drag, dx = x - start[0], dy = y - start[1];
  if (Math.hypot(dx, dy) < 2) return;
  state.drag.moved = true;
  if (what === "square") state.hand = fitted(state, { ...from, left: from.left + dx, top: from.top + dy });
  else if (what === "grip") state.hand = fitted(state, { ...from, side: from.side + Math.max(dx, dy) });
  else {
    const side = Math.max(Math.abs(dx), Math.abs(dy));
    state.hand = fitted(state, { left: dx < 0 ? start[0] - side : start[0], top: dy < 0 ? start[1] - side : start[1], side });
  }
  draw(state);
}

function pick(state, event) {  // by its place: boxes may be drawn anew between press and release, and a click on one of them be lost
  if (state.data.hand) return;
  const [x, y] = place(state, event);
  const under = state.data.boxes.map((box, i) => ({ ...box, i })).filter(({ left, top, side }) => x >= left && x < left + side && y >= top && y < top + side);
  if (under.length) state.send("pick", under.sort((one, other) => one.side - other.side)[0].i);
}

function release(state) {
  const was = state.drag;
  state.drag = null;
  if (was?.moved) tell(state);
}

function tell(state) {
  state.send("square", { ...state.hand, count: ++state.count });
}

function draw(state) {
  const { left, top, side } = state.hand, { rect, grip } = state.parts, size = state.unit * 12;
  for (const [name, value] of Object.entries({ x: left, y: top, width: side, height: side })) rect.setAttribute(name, value);
  for (const [name, value] of Object.entries({ x: left + side - size, y: top + side - size, width: size, height: size })) grip.setAttribute(name, value);
}

function lay(state) {
  const { data, svg } = state, active = svg.getRootNode().activeElement?.dataset?.name;
  state.unit = Math.max(data.width / (state.image.clientWidth || data.width), data.height / (state.image.clientHeight || data.height));
  svg.setAttribute("viewBox", `0 0 ${data.width} ${data.height}`);
  svg.replaceChildren();
  data.boxes.forEach(({ left, top, side }, i) => {
    const group = shape("g", { role: "button", tabindex: 0, "aria-pressed": String(i === data.chosen), "aria-label": `${data.words.face} ${i + 1}`, "data-name": i });
    const text = shape("text", { x: left + 4 * state.unit, y: top + 18 * state.unit, "font-size": 16 * state.unit, "stroke-width": 3 * state.unit });
    text.textContent = i + 1;
    group.append(shape("rect", { class: "box", x: left, y: top, width: side, height: side }), text);
    group.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      state.send("pick", i);
    });
    svg.appendChild(group);
  });
  if (data.hand) {
    state.hand = { ...data.hand };
    const group = shape("g", { class: "square", role: "application", tabindex: 0, "data-name": "square", "aria-label": data.words.square });
    state.parts = { rect: shape("rect", { class: "box", "data-part": "square" }), grip: shape("rect", { class: "grip", "data-part": "grip" }) };
    group.append(state.parts.rect, state.parts.grip);
    group.addEventListener("keydown", (event) => key(state, event));
    svg.appendChild(group);
    draw(state);
  }
  if (active !== undefined) svg.querySelector(`[data-name="${active}"]`)?.focus();
}

function key(state, event) {
  const step = Math.max(1, state.data.width / 100), { left, top, side } = state.hand;
  const made = { ArrowLeft: [left - step, top, side], ArrowRight: [left + step, top, side], ArrowUp: [left, top - step, side],
    ArrowDown: [left, top + step, side], "+": [left - step, top - step, side + 2 * step], "-": [left + step, top + step, side - 2 * step] }[event.key];
  if (!made) return;
  event.preventDefault();
  state.hand = fitted(state, { left: made[0], top: made[1], side: made[2] });
  draw(state);
  clearTimeout(state.later);
  state.later = setTimeout(() => tell(state), 400);
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".fer-photo");
  const state = root.ferState ?? build(root);
  state.send = setTriggerValue;
  const fresh = state.data?.tag !== data.tag;
  state.data = data;
  state.frame.classList.toggle("hand", !!data.hand);
  if (fresh) {
    if (state.url) URL.revokeObjectURL(state.url);
    state.url = URL.createObjectURL(new Blob([bytes(data.picture)], { type: "image/jpeg" }));
    state.image.onload = () => lay(state);
    state.image.src = state.url;
    state.image.alt = data.label;
  }
  if (!state.drag) lay(state);
}
