// A wall of faces out of one picture (an atlas under a Blob URL). Arrows move, Enter or a click picks; Home and End go to the ends.
// Where it is asked for, Enter and a double click open, Escape leaves, and single keys (such as 1 or a) are told with the face.

function bytes(text) {
  const raw = atob(text);
  const array = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) array[i] = raw.charCodeAt(i);
  return array;
}

function face(i, data, url, rows) {
  const button = document.createElement("button");
  button.type = "button";
  button.dataset.i = i;
  button.setAttribute("role", "option");
  button.tabIndex = -1;
  if (data.clickable) button.className = "live";
  const words = data.tips[i] || data.captions[i] || "";
  button.setAttribute("aria-label", words ? words.replaceAll("\n", ", ") : data.face.replace("{number}", i + 1));
  if (data.tips[i]) button.title = data.tips[i];
  const picture = document.createElement("span");
  picture.className = "face";
  const x = i % data.columns;
  const y = Math.floor(i / data.columns);
  picture.style.backgroundImage = `url(${url})`;
  picture.style.backgroundSize = `${data.columns * 100}% ${rows * 100}%`;
  picture.style.backgroundPosition = `${data.columns > 1 ? (x * 100) / (data.columns - 1) : 0}% ${rows > 1 ? (y * 100) / (rows - 1) : 0}%`;
  button.appendChild(picture);
  if (data.colours[i]) {
    const edge = document.createElement("span");
    edge.className = "edge";
    edge.style.background = data.colours[i];
    button.appendChild(edge);
  }
  if (data.captions[i]) {
    const caption = document.createElement("span");
    caption.className = "caption";
    caption.textContent = data.captions[i];
    button.appendChild(caption);
  }
  return button;
}

function mark(state) {
  const { data, grid } = state;
  const chosen = data.selected;
  [...grid.children].forEach((button, i) => {
    button.setAttribute("aria-selected", String(i === chosen));
    button.tabIndex = -1;
  });
  if (!state.unheard.length) grid.querySelectorAll(".told").forEach((button) => button.classList.remove("told"));
  const stop = Math.min(Math.max(state.focus ?? chosen ?? 0, 0), grid.children.length - 1);
  if (grid.children[stop]) grid.children[stop].tabIndex = 0;
  if (state.shown !== chosen) show(state, grid.children[chosen]);
  state.shown = chosen;
}

function show({ scroll }, tile) { // within the wall: the page itself stays where it is
  if (!tile || !scroll.className) return;
  requestAnimationFrame(() => {
    const [box, at] = [scroll.getBoundingClientRect(), tile.getBoundingClientRect()];
    if (at.top < box.top) scroll.scrollTop -= box.top - at.top + 4;
    else if (at.bottom > box.bottom) scroll.scrollTop += at.bottom - box.bottom + 4;
  });
}

function pick(state, i) {
  if (!state.data.clickable) return;
  state.focus = i;
  state.data = { ...state.data, selected: i }; // drawn at once; the answer comes with the next data
  mark(state);
  state.send("pick", i);
}

function tell(state, event, i) {
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  if (event.key === "Enter" && state.data.opens) {
    state.send("open", i);
  } else if (event.key === "Escape" && state.data.selected !== null) {
    state.send("leave", true);
  } else if (state.data.keys.includes(event.key) && !event.repeat) {
    // Told until it is heard: keys that come faster than the answers are sent again with the next one.
    state.number += 1;
    state.unheard.push({ number: state.number, key: event.key, id: state.data.ids[i] });
    state.grid.children[i].classList.add("told");
    state.send("key", { session: state.session, keys: state.unheard });
  } else {
    return false;
  }
  event.preventDefault();
  return true;
}

function move(state, event) {
  const buttons = [...state.grid.children];
  const now = buttons.indexOf(event.target.closest("button"));
  if (now < 0 || tell(state, event, now)) return;
  const across = getComputedStyle(state.grid).gridTemplateColumns.split(" ").length;
  const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: across, ArrowUp: -across, Home: -now, End: buttons.length - 1 - now };
  if (!(event.key in steps)) return;
  event.preventDefault();
  const next = now + steps[event.key];
  if (next < 0 || next >= buttons.length) return;
  state.focus = next;
  buttons[now].tabIndex = -1;
  buttons[next].tabIndex = 0;
  buttons[next].focus();
}

function build(root) {
  const scroll = document.createElement("div");
  const grid = document.createElement("div");
  grid.className = "grid";
  grid.setAttribute("role", "listbox");
  scroll.appendChild(grid);
  root.replaceChildren(scroll);
  const state = { scroll, grid, tag: null, url: null, focus: null, number: 0, unheard: [], session: Math.random().toString(36).slice(2) };
  grid.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) pick(state, Number(button.dataset.i));
  });
  grid.addEventListener("dblclick", (event) => {
    const button = event.target.closest("button");
    if (button && state.data.opens) state.send("open", Number(button.dataset.i));
  });
  grid.addEventListener("keydown", (event) => move(state, event));
  root.ferState = state;
  return state;
}

async function fill(state, data, signature) {
  const url = state.tag === data.tag ? state.url : URL.createObjectURL(new Blob([bytes(data.atlas)], { type: "image/png" }));
  const image = new Image();
  image.src = url;
  await image.decode();
  if (state.signature !== signature) { // other faces were asked for meanwhile
    if (url !== state.url) URL.revokeObjectURL(url);
    return;
  }
  const rows = Math.ceil(data.count / data.columns);
  const held = state.grid.contains(state.grid.getRootNode().activeElement);
  state.focus = state.tag === data.tag ? state.focus : null;
  state.grid.replaceChildren(...Array.from({ length: data.count }, (_, i) => face(i, data, url, rows)));
  if (state.url && state.url !== url) URL.revokeObjectURL(state.url);
  state.url = url;
  state.tag = data.tag;
  const sorted = (state.order ?? data.order) !== data.order; // what stands first now is what one asked for
  state.order = data.order;
  if (sorted) Object.assign(state, { shown: data.selected, focus: null });
  mark(state);
  if (sorted) state.scroll.scrollTop = 0;
  if (held) state.grid.querySelector("[tabindex='0']")?.focus();
  state.grid.dataset.shown = data.tag;
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".fer-wall");
  const state = root.ferState ?? build(root);
  state.send = setTriggerValue;
  state.data = data;
  state.grid.setAttribute("aria-label", data.label);
  if (data.heard && data.heard[0] === state.session) state.unheard = state.unheard.filter((one) => one.number > data.heard[1]);
  const cell = data.captions.length ? Math.max(data.wide, data.cell) : data.wide;
  state.grid.style.setProperty("--wide", data.wide + "px");
  state.grid.style.setProperty("--tall", data.size + "px");
  state.grid.style.setProperty("--cell", cell + "px");
  state.scroll.className = data.height ? "scroll" : "";
  state.scroll.style.maxHeight = data.height ? data.height + "px" : "";
  const signature = JSON.stringify([data.tag, data.captions, data.colours, data.tips, data.clickable]);
  if (state.signature !== signature) {
    state.signature = signature;
    fill(state, data, signature);
  } else {
    mark(state);
  }
}
