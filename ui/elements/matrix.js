const PAUSE = 300; // milliseconds
// A confusion matrix of buttons: a cell, a row or a column is one click, several of them with Ctrl or "Several", the same by arrows and Enter.

const key = (cell) => `${cell[0] ?? "*"},${cell[1] ?? "*"}`;

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function button(state, cell, className) {
  const made = element("button", className);
  made.type = "button";
  made.tabIndex = -1;
  made.setAttribute("role", className.includes("head") ? (cell[1] === null ? "rowheader" : "columnheader") : "gridcell");
  made.ferCell = cell;
  state.buttons.set(key(cell), made);
  return made;
}

function build(root) {
  const state = { buttons: new Map(), several: false, focus: "0,0" };
  state.told = element("p", "told");
  state.across = element("div", "across");
  state.down = element("div", "down");
  state.grid = element("div", "grid");
  state.grid.setAttribute("role", "grid");
  state.grid.setAttribute("aria-multiselectable", "true");
  const body = element("div", "body");
  body.append(state.down, state.grid);
  const foot = element("div", "foot");
  state.severalButton = element("button");
  state.clear = element("button");
  state.save = element("button", "", "PNG");
  for (const one of [state.severalButton, state.clear, state.save]) one.type = "button";
  state.hint = element("span", "hint keys");
  foot.append(state.severalButton, state.clear, state.save, state.hint);
  root.replaceChildren(state.told, state.across, body, foot);
  state.severalButton.addEventListener("click", () => { state.several = !state.several; paint(state); });
  state.clear.addEventListener("click", () => choose(state, []));
  state.save.addEventListener("click", () => download(state));
  state.grid.addEventListener("click", (event) => {
    const hit = event.target.closest("button");
    if (hit) toggle(state, hit.ferCell, state.several || event.ctrlKey || event.metaKey || event.shiftKey);
  });
  state.grid.addEventListener("keydown", (event) => move(state, event));
  root.ferState = state;
  return state;
}

function lay(state) {
  const { data, grid } = state;
  state.buttons.clear();
  const parts = [element("span", "corner")];
  data.names.forEach((name, p) => {
    const head = button(state, [null, p], "head column");
    head.append(element("span", "", name), element("small", "", data.column_totals[p]));
    head.style.setProperty("--edge", data.edges[p]);
    head.setAttribute("aria-label", data.column_names[p]);
    parts.push(head);
  });
  data.names.forEach((name, t) => {
    const head = button(state, [t, null], "head row");
    head.append(element("span", "", name), element("small", "", data.row_totals[t]));
    head.style.setProperty("--edge", data.edges[t]);
    head.setAttribute("aria-label", data.row_names[t]);
    parts.push(head);
    data.names.forEach((_, p) => {
      const cell = button(state, [t, p], "cell");
      const at = t * data.names.length + p;
      cell.append(element("b", "", data.large[at]), element("small", "", data.small[at]));
      cell.style.setProperty("--ground", data.grounds[at]);
      cell.style.setProperty("--ink", data.inks[at]);
      cell.setAttribute("aria-label", data.tips[at]);
      cell.title = data.tips[at];
      parts.push(cell);
    });
  });
  grid.style.setProperty("--n", data.names.length);
  const held = grid.contains(grid.getRootNode().activeElement);
  grid.replaceChildren(...parts);
  if (held) state.buttons.get(state.focus)?.focus();
}

function paint(state) {
  const { data, buttons, grid } = state;
  const chosen = new Set(data.selected.map(key));
  for (const [name, one] of buttons) {
    const [t, p] = one.ferCell;
    one.setAttribute("aria-selected", String(chosen.has(name)));
    one.classList.toggle("inside", t !== null && p !== null && (chosen.has(`${t},*`) || chosen.has(`*,${p}`)));
    one.tabIndex = name === state.focus ? 0 : -1;
  }
  grid.style.setProperty("--chosen", data.chosen_colour);
  state.severalButton.setAttribute("aria-pressed", String(state.several));
  state.clear.hidden = chosen.size === 0;
}

function choose(state, cells) {
  state.data = { ...state.data, selected: cells }; // drawn at once; the answer comes with the next data
  paint(state);
  later(state, cells);
}

function later(state, cells) { // the first click goes at once; of those that follow it fast, only the last
  const tell = () => {
    state.sent = performance.now();
    state.send("pick", { cells });
  };
  clearTimeout(state.waiting);
  if (performance.now() - (state.sent ?? -1e9) > PAUSE) tell();
  else state.waiting = setTimeout(tell, PAUSE);
}

function toggle(state, cell, add) {
  state.focus = key(cell);
  const now = state.data.selected;
  const there = now.some((one) => key(one) === key(cell));
  if (add) choose(state, there ? now.filter((one) => key(one) !== key(cell)) : [...now, cell]);
  else choose(state, there && now.length === 1 ? [] : [cell]);
}

function move(state, event) {
  if (event.key === "Escape" && state.data.selected.length) {
    event.preventDefault();
    return choose(state, []);
  }
  const hit = event.target.closest("button");
  const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
  if (!hit || !step) return;
  event.preventDefault();
  const last = state.data.names.length - 1;
  const [t, p] = [(hit.ferCell[0] ?? -1) + step[0], (hit.ferCell[1] ?? -1) + step[1]];
  if (t > last || p > last || t < -1 || p < -1 || (t === -1 && p === -1)) return;
  state.focus = key([t === -1 ? null : t, p === -1 ? null : p]);
  paint(state);
  state.buttons.get(state.focus).focus();
}

function download(state) {
  const scale = 2, data = state.data, box = state.grid.getBoundingClientRect(), style = getComputedStyle(state.grid);
  const family = style.fontFamily, ground = style.getPropertyValue("--st-background-color").trim() || "#fff";
  const words = data.told.map((part) => part.text).join(" · ");
  const lines = words.match(/[\u3000-\u9fff]/) ? words.match(/.{1,46}(\s|$)/g) ?? [] : words.match(/.{1,78}(\s|$)/g) ?? [];
  const top = 34 + 18 * lines.length, left = 26, canvas = document.createElement("canvas");
  canvas.width = (box.width + left + 12) * scale;
  canvas.height = (box.height + top + 14) * scale;
  const pen = canvas.getContext("2d");
  const write = (text, x, y, size, colour, align = "center", weight = "") => {
    pen.font = `${weight} ${size}px ${family}`;
    pen.fillStyle = colour;
    pen.textAlign = align;
    pen.textBaseline = "middle";
    pen.fillText(text, x, y);
  };
  pen.scale(scale, scale);
  pen.fillStyle = ground;
  pen.fillRect(0, 0, canvas.width, canvas.height);
  lines.forEach((line, i) => write(line.trim(), left, 14 + 18 * i, 13, style.color, "left"));
  write(data.across, left + box.width / 2, top - 10, 13, style.color);
  pen.save();
  pen.translate(13, top + box.height / 2);
  pen.rotate(-Math.PI / 2);
  write(data.down, 0, 0, 13, style.color);
  pen.restore();
  for (const one of state.buttons.values()) {
    const place = one.getBoundingClientRect(), x = place.left - box.left + left, y = place.top - box.top + top, [t, p] = one.ferCell;
    if (t !== null && p !== null) {
      const at = t * data.names.length + p;
      pen.fillStyle = data.grounds[at];
      pen.fillRect(x, y, place.width, place.height);
      write(data.large[at], x + place.width / 2, y + place.height * 0.4, Math.max(11, place.width * 0.24), data.inks[at], "center", "600");
      write(data.small[at], x + place.width / 2, y + place.height * 0.68, Math.max(9, place.width * 0.17), data.inks[at]);
    } else {
      pen.fillStyle = data.edges[t ?? p];
      pen.fillRect(x, t === null ? y + place.height - 4 : y, t === null ? place.width : 4, t === null ? 4 : place.height);
      const [name, total] = t === null ? [data.names[p], data.column_totals[p]] : [data.names[t], data.row_totals[t]];
      const at = t === null ? [x + place.width / 2, "center"] : [x + place.width - 5, "right"];
      write(name, at[0], y + place.height / 2 - 8, Math.min(13, place.width * 0.2), style.color, at[1]);
      write(total, at[0], y + place.height / 2 + 7, 10.5, style.color, at[1]);
    }
  }
  const link = document.createElement("a");
  link.download = data.file + ".png";
  link.href = canvas.toDataURL("image/png");
  link.click();
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".fer-matrix");
  const state = root.ferState ?? build(root);
  state.send = setTriggerValue;
  state.data = data;
  state.told.replaceChildren(...data.told.flatMap((part, i) => [i ? " · " : "", element(part.strong ? "b" : "span", "", part.text)]));
  state.across.textContent = data.across;
  state.down.textContent = data.down;
  const upright = /[\u3000-\u9fff]/.test(data.down);  // Chinese stands upright, one character under the other
  for (const part of [state.down, state.grid]) part.classList.toggle("upright", upright);
  state.severalButton.textContent = data.several;
  state.severalButton.title = data.several_tip;
  state.clear.textContent = data.clear;
  state.save.title = data.save_tip;
  state.hint.textContent = data.hint;
  state.grid.setAttribute("aria-label", data.label);
  const looks = JSON.stringify([data.large, data.small, data.grounds, data.names]);
  if (state.looks !== looks) {
    state.looks = looks;
    lay(state);
  }
  paint(state);
}
