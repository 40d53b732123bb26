// The confused pairs as a list, largest first: each is a button, and so is its other direction. Tab and arrows walk it.

function build(root) {
  const scroll = document.createElement("div");
  scroll.className = "scroll";
  root.replaceChildren(scroll);
  root.ferState = { scroll };
  scroll.addEventListener("click", (event) => {
    const hit = event.target.closest("button");
    if (hit) pick(root.ferState, hit);
  });
  scroll.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const hit = event.target.closest("button");
    if (!step || !hit) return;
    event.preventDefault();
    const column = [...scroll.querySelectorAll(hit.dataset.back ? "button[data-back]" : "button:not([data-back])")];
    column[column.indexOf(hit) + step]?.focus();
  });
  return root.ferState;
}

function pick(state, hit) {
  const cell = JSON.parse(hit.dataset.cell);
  const on = hit.closest("tr").getAttribute("aria-selected") === "true" && !hit.dataset.back;
  state.send("pick", { cells: on ? [] : [cell] });
}

function part(text, tag, className) {
  const made = document.createElement(tag);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

function lay(state) {
  const { data, scroll } = state;
  const held = scroll.contains(scroll.getRootNode().activeElement) ? scroll.getRootNode().activeElement.dataset.cell : null;
  if (!data.rows.length) return scroll.replaceChildren(part(data.none, "p", "none"));
  const table = document.createElement("table");
  table.setAttribute("aria-label", data.label);
  const head = document.createElement("tr");
  data.columns.forEach(([title, tip, wide]) => {
    const cell = part(title, "th", wide ? "wide" : "");
    cell.title = tip;
    cell.scope = "col";
    head.appendChild(cell);
  });
  table.createTHead().appendChild(head);
  const body = table.createTBody();
  data.rows.forEach((row) => {
    const line = body.insertRow();
    line.ferCell = JSON.stringify(row.cell);
    const name = document.createElement("button");
    name.type = "button";
    name.dataset.cell = line.ferCell;
    name.append(...row.colours.map((colour) => { const dot = part("", "i"); dot.style.background = colour; return dot; }), row.name);
    line.insertCell().appendChild(name);
    row.texts.forEach((text, i) => { line.insertCell().append(text); if (data.columns[i + 1][2]) line.cells[i + 1].className = "wide"; });
    const back = part(row.back, "button");
    back.type = "button";
    back.dataset.cell = JSON.stringify([row.cell[1], row.cell[0]]);
    back.dataset.back = "1";
    back.setAttribute("aria-label", row.back_tip);
    back.title = row.back_tip;
    line.insertCell().appendChild(back);
  });
  scroll.replaceChildren(table);
  if (held) [...scroll.querySelectorAll("button")].find((one) => one.dataset.cell === held)?.focus();
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".fer-pairs");
  const state = root.ferState ?? build(root);
  state.send = setTriggerValue;
  const looks = JSON.stringify([data.rows, data.columns, data.none]);
  state.data = data;
  if (state.looks !== looks) { state.looks = looks; lay(state); }
  const chosen = new Set(data.selected.map((cell) => JSON.stringify(cell)));
  state.scroll.querySelectorAll("tbody tr").forEach((line) => line.setAttribute("aria-selected", String(chosen.has(line.ferCell))));
}
