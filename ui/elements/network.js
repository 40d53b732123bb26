// The network as a row of blocks. A click, or arrows and Enter, chooses one.

const SVG = "http://www.w3.org/2000/svg";

function shape(tag, attributes) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

function solid(block, colours) {
  const { tall, thick } = block;
  const lean = Math.min(14, tall * 0.16), high = lean * 0.55;
  const svg = shape("svg", { width: thick + lean, height: tall + high, "aria-hidden": "true" });
  svg.append(
    shape("polygon", { class: "top", points: `0,${high} ${lean},0 ${thick + lean},0 ${thick},${high}` }),
    shape("polygon", { class: "end", points: `${thick},${high} ${thick + lean},0 ${thick + lean},${tall} ${thick},${tall + high}` }),
    shape("rect", { class: "front", x: 0, y: high, width: thick, height: tall }),
  );
  if (block.name === "logits") {
    const step = tall / colours.length;
    colours.forEach((fill, i) => svg.append(shape("rect", { x: 0, y: high + i * step, width: thick, height: step, fill })));
  }
  return svg;
}

function line(tag, text) {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

function button(block, data) {
  const made = document.createElement("button");
  made.type = "button";
  made.dataset.name = block.name;
  made.setAttribute("role", "radio");
  made.disabled = !data.clickable;
  made.title = block.told;
  const holder = document.createElement("div");
  holder.className = "shape";
  holder.append(solid(block, data.colours));
  made.append(holder, line("b", block.name), line("span", block.shape), line("span", block.weights), line("span", block.view));
  return made;
}

function mark(state) {
  for (const one of state.row.children) {
    const chosen = one.dataset.name === state.chosen;
    one.setAttribute("aria-checked", String(chosen));
    one.tabIndex = chosen ? 0 : -1;
  }
}

function shown(state) { // on a narrow screen the chosen block comes into view, and nothing but the row moves
  const one = state.row.querySelector("[aria-checked=true]");
  if (one && state.row.scrollWidth > state.row.clientWidth) state.row.scrollLeft = one.offsetLeft - (state.row.clientWidth - one.offsetWidth) / 2;
}

function pick(state, name) {
  state.chosen = name;
  mark(state);
  state.send("pick", name);
}

function move(state, event) {
  const all = [...state.row.children], now = all.indexOf(event.target.closest("button"));
  const next = { ArrowRight: now + 1, ArrowLeft: now - 1, Home: 0, End: all.length - 1 }[event.key];
  if (next === undefined || !all[next]) return;
  event.preventDefault();
  all[next].tabIndex = 0;
  all[next].focus();
}

function build(root) {
  const row = document.createElement("div");
  row.className = "row";
  row.setAttribute("role", "radiogroup");
  const state = { row };
  row.addEventListener("click", (event) => { const one = event.target.closest("button"); if (one) pick(state, one.dataset.name); });
  row.addEventListener("keydown", (event) => move(state, event));
  root.replaceChildren(row);
  root.ferState = state;
  return state;
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".fer-network");
  const state = root.ferState ?? build(root);
  state.send = setTriggerValue;
  state.row.setAttribute("aria-label", data.label);
  const signature = JSON.stringify([data.blocks, data.clickable]);
  if (state.signature !== signature) {
    state.signature = signature;
    state.row.replaceChildren(...data.blocks.map((block) => button(block, data)));
  }
  state.row.classList.toggle("still", !data.clickable);
  const changed = state.chosen !== data.chosen;
  state.chosen = data.chosen;
  mark(state);
  if (changed) shown(state);
}
