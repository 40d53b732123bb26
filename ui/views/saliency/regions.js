// A face tinted by region. A click on a region hides it; with "Move" on, regions are dragged, and sized by their corner. Arrows move too.

const SVG = "http://www.w3.org/2000/svg";
const SIDE = 48;

function bytes(text) {
  const raw = atob(text), array = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) array[i] = raw.charCodeAt(i);
  return array;
}

function make(tag, attributes = {}, space = null) {
  const made = space ? document.createElementNS(space, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

function build(root) {
  const square = make("div", { class: "square" }), canvas = make("canvas", { width: SIDE, height: SIDE });
  const svg = make("svg", { viewBox: `0 0 ${SIDE} ${SIDE}` }, SVG);
  square.append(canvas, svg);
  const line = make("div", { class: "line" }), label = make("label"), box = make("input", { type: "checkbox" }), back = make("button", { type: "button" });
  const word = new Text();
  label.append(box, word);
  line.append(label, back);
  root.replaceChildren(square, line);
  const state = { square, canvas, svg, back, box, word, drag: null };
  box.addEventListener("change", () => square.classList.toggle("moving", box.checked));
  back.addEventListener("click", () => state.send("move", { boxes: null, count: ++state.count }));
  state.count = 0;
  svg.addEventListener("pointermove", (event) => drag(state, event));
  svg.addEventListener("pointerup", (event) => drop(state, event));
  svg.addEventListener("pointercancel", () => { state.drag = null; lay(state); });
  root.ferState = state;
  return state;
}

function place(state, event) {
  const box = state.svg.getBoundingClientRect();
  return [((event.clientX - box.left) / box.width) * SIDE, ((event.clientY - box.top) / box.height) * SIDE];
}

function clamp(box) {
  const wide = Math.min(SIDE, Math.max(3, box[2] - box[0])), high = Math.min(SIDE, Math.max(3, box[3] - box[1]));
  const left = Math.min(SIDE - wide, Math.max(0, box[0])), top = Math.min(SIDE - high, Math.max(0, box[1]));
  return [left, top, left + wide, top + high];
}

function drag(state, event) {
  if (!state.drag) return;
  const [x, y] = place(state, event), { start, from, grip, name, i } = state.drag, dx = x - start[0], dy = y - start[1];
  state.drag.moved = state.drag.moved || Math.hypot(dx, dy) > 0.7;
  if (!state.box.checked || !state.drag.moved) return;
  state.boxes[name][i] = clamp(grip ? [from[0], from[1], from[2] + dx, from[3] + dy] : [from[0] + dx, from[1] + dy, from[2] + dx, from[3] + dy]);
  shape(state, name, i);
}

function drop(state) {
  const was = state.drag;
  state.drag = null;
  if (!was) return;
  if (was.moved && state.box.checked) tell(state);
  else state.send("pick", was.name);
}

function tell(state) {
  state.send("move", { boxes: state.boxes, count: ++state.count });
}

function shape(state, name, i) {
  const [left, top, right, bottom] = state.boxes[name][i], { ellipse, grip } = state.parts[name][i];
  for (const [key, value] of Object.entries({ cx: (left + right) / 2, cy: (top + bottom) / 2, rx: (right - left) / 2, ry: (bottom - top) / 2 })) ellipse.setAttribute(key, value);
  grip.setAttribute("x", right - 1.5);
  grip.setAttribute("y", bottom - 1.5);
}

function lay(state) {
  const { data, svg } = state, active = svg.getRootNode().activeElement?.dataset?.region;
  state.boxes = JSON.parse(JSON.stringify(data.boxes));
  state.parts = {};
  svg.replaceChildren();
  for (const [name, boxes] of Object.entries(state.boxes)) {
    const group = make("g", { role: "button", tabindex: 0, "aria-label": data.tips[name], "aria-pressed": String(name === data.hidden), "data-region": name }, SVG);
    const title = make("title", {}, SVG);
    title.textContent = data.tips[name];
    group.appendChild(title);
    state.parts[name] = boxes.map((_, i) => {
      const ellipse = make("ellipse", {}, SVG), grip = make("rect", { class: "grip", width: 2.2, height: 2.2 }, SVG);
      for (const [part, isGrip] of [[ellipse, false], [grip, true]]) {
        part.addEventListener("pointerdown", (event) => {
          svg.setPointerCapture(event.pointerId);
          state.drag = { name, i, grip: isGrip, start: place(state, event), from: [...state.boxes[name][i]], moved: false };
        });
        group.appendChild(part);
      }
      return { ellipse, grip };
    });
    group.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (event.key === "Enter" || event.key === " ") state.send("pick", name);
      else if (step && state.box.checked) {
        state.boxes[name] = state.boxes[name].map((box) => clamp([box[0] + step[0], box[1] + step[1], box[2] + step[0], box[3] + step[1]]));
        boxes.forEach((_, i) => shape(state, name, i));
        clearTimeout(state.later);
        state.later = setTimeout(() => tell(state), 400);
      } else return;
      event.preventDefault();
    });
    svg.appendChild(group);
    boxes.forEach((_, i) => shape(state, name, i));
  }
  if (active) svg.querySelector(`[data-region="${active}"]`)?.focus();
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".fer-regions");
  const state = root.ferState ?? build(root);
  state.send = setTriggerValue;
  state.data = data;
  state.word.data = data.words.move;
  state.back.textContent = data.words.back;
  state.back.hidden = !data.moved;
  const picture = bytes(data.picture), pen = state.canvas.getContext("2d"), image = pen.createImageData(SIDE, SIDE);
  for (let i = 0; i < SIDE * SIDE; i++) image.data.set([picture[3 * i], picture[3 * i + 1], picture[3 * i + 2], 255], 4 * i);
  pen.putImageData(image, 0, 0);
  state.canvas.setAttribute("role", "img");
  state.canvas.setAttribute("aria-label", data.label);
  if (!state.drag) lay(state);
}
