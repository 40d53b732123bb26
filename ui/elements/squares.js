// Four equal squares: the face, the map, the overlay, what remains of the strongest part. Opacity, share and smoothness answer here at
// once; what was chosen is told when the hand lets go.

const SIDE = 48;

function bytes(text) {
  const raw = atob(text), array = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) array[i] = raw.charCodeAt(i);
  return array;
}

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function slider(state, name, low, high, figure) {
  const line = element("label"), word = new Text(), input = element("input"), output = element("output");
  Object.assign(input, { type: "range", min: low, max: high, step: 1 });
  line.append(word, input, output);
  figure.appendChild(line);
  input.addEventListener("input", () => { state.set[name] = Number(input.value); state.held = name; paint(state); });
  input.addEventListener("change", () => { state.held = null; state.send("set", { ...state.set }); });
  state.inputs[name] = { word, input, output };
}

function build(root) {
  const state = { inputs: {}, squares: {}, set: {}, held: null };
  const row = element("div", "row");
  row.tabIndex = -1;
  for (const name of ["face", "map", "overlay", "remains"]) {
    const figure = element("figure"), square = element("div", "square"), canvas = element("canvas"), caption = element("figcaption");
    canvas.width = canvas.height = SIDE;
    canvas.setAttribute("role", "img");
    square.appendChild(canvas);
    const title = element("b"), seen = element("span", "seen");
    caption.append(title, seen);
    figure.append(square, caption);
    row.appendChild(figure);
    state.squares[name] = { figure, square, canvas, title, seen };
    square.addEventListener("mousemove", (event) => look(state, name, event));
    square.addEventListener("mouseleave", () => paint(state));
  }
  const scale = element("div", "scale");
  state.scale = { low: element("span"), bar: element("i"), high: element("span") };
  scale.append(state.scale.low, state.scale.bar, state.scale.high);
  state.squares.map.figure.appendChild(scale);
  slider(state, "opacity", 0, 100, state.squares.overlay.figure);
  slider(state, "keep", 1, 100, state.squares.remains.figure);
  const smooth = element("label", "toggle"), box = element("input");
  box.type = "checkbox";
  state.smooth = { line: smooth, word: new Text() };
  smooth.append(box, state.smooth.word);
  state.squares.face.figure.appendChild(smooth);
  box.addEventListener("change", () => { state.set.smooth = box.checked; paint(state); state.send("set", { ...state.set }); });
  state.box = box;
  state.row = row;
  root.replaceChildren(row);
  root.ferState = state;
  return state;
}

function look(state, name, event) {
  if (name === "face" || !state.values) return;
  const box = event.currentTarget.getBoundingClientRect();
  const x = Math.min(SIDE - 1, Math.max(0, Math.floor(((event.clientX - box.left) / box.width) * SIDE)));
  const y = Math.min(SIDE - 1, Math.max(0, Math.floor(((event.clientY - box.top) / box.height) * SIDE)));
  const at = y * SIDE + x, value = state.values[at];
  state.squares[name].seen.textContent = `${state.data.words.pixel} ${x}, ${y}: ${value > 0 ? "+" : ""}${value.toPrecision(2)}`;
}

function draw(canvas, colour) {
  const pen = canvas.getContext("2d"), image = pen.createImageData(SIDE, SIDE);
  for (let i = 0; i < SIDE * SIDE; i++) {
    const [r, g, b] = colour(i);
    image.data.set([r, g, b, 255], 4 * i);
  }
  pen.putImageData(image, 0, 0);
}

function paint(state) {
  const { data, squares, face, map, strength, rank, set } = state;
  const drawn = !!map;
  state.row.classList.toggle("smooth", !!set.smooth);
  draw(squares.face.canvas, (i) => [face[i], face[i], face[i]]);
  for (const name of ["map", "overlay", "remains"]) squares[name].square.classList.toggle("waits", !drawn && data.waits);
  for (const [name, part] of Object.entries(squares)) {
    part.title.textContent = data.captions[name][0];
    part.seen.textContent = data.captions[name][1];
    part.canvas.setAttribute("aria-label", data.captions[name].join(". "));
  }
  for (const [name, part] of Object.entries(state.inputs)) {
    part.word.data = data.words[name];
    part.input.setAttribute("aria-label", data.words[name]);
    part.input.value = set[name];
    part.output.textContent = set[name] + "%";
    part.input.disabled = !drawn;
  }
  state.box.checked = !!set.smooth;
  state.smooth.word.data = data.words.smooth;
  state.smooth.line.title = data.words.smoothly;
  state.scale.low.textContent = data.scale[0];
  state.scale.high.textContent = data.scale[1];
  state.scale.bar.style.background = `linear-gradient(90deg, ${data.stops.join(", ")})`;
  if (!drawn) {
    for (const name of ["map", "overlay", "remains"]) squares[name].canvas.getContext("2d").clearRect(0, 0, SIDE, SIDE);
    return;
  }
  draw(squares.map.canvas, (i) => [map[3 * i], map[3 * i + 1], map[3 * i + 2]]);
  draw(squares.overlay.canvas, (i) => {
    const cover = (set.opacity / 100) * Math.sqrt(Math.abs(strength[i]) / 127), end = data.ends[strength[i] < 0 ? 0 : 1];
    return end.map((part) => face[i] * (1 - cover) + part * cover);
  });
  const kept = Math.round((set.keep / 100) * SIDE * SIDE);
  const shade = (i) => data.ground.map((ground) => (data.pale ? 0.5 * face[i] + 0.5 * ground : face[i]));
  draw(squares.remains.canvas, (i) => (rank[i] < kept ? shade(i) : data.ground));
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".fer-squares");
  const state = root.ferState ?? build(root);
  state.send = setTriggerValue;
  state.data = data;
  state.face = bytes(data.face);
  state.map = data.map ? bytes(data.map) : null;
  state.strength = data.map ? new Int8Array(bytes(data.strength).buffer) : null;
  state.rank = data.map ? new Uint16Array(bytes(data.rank).buffer) : null;
  state.values = data.map ? new Float32Array(bytes(data.values).buffer) : null;
  if (!state.held) state.set = { ...data.set };
  paint(state);
  root.dataset.shown = data.tag;
}
