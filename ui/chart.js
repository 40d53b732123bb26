// A plotly figure on one DOM node that stays. Zoom, hidden lines and the size survive new data (uirevision), colours follow the theme.

const SOURCE = new URL("app/static/plotly.min.js", document.baseURI).href;

function plotly() {
  if (!window.ferPlotly) {
    window.ferPlotly = new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = SOURCE;
      script.onload = () => resolve(window.Plotly);
      script.onerror = () => { window.ferPlotly = null; reject(new Error("plotly.js could not be loaded")); };
      document.head.appendChild(script);
    });
  }
  return window.ferPlotly;
}

function themed(layout, root) {
  const style = getComputedStyle(root);
  const ink = style.getPropertyValue("--st-text-color").trim() || "#444";
  const paper = style.getPropertyValue("--st-background-color").trim() || "#fff";
  const line = style.getPropertyValue("--st-border-color").trim() || "rgba(128,128,128,0.3)";
  const font = style.getPropertyValue("--st-font").trim() || "sans-serif";
  const result = {
    margin: { l: 56, r: 16, t: 16, b: 44 }, uirevision: "keep", ...layout,
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", autosize: true,
    font: { size: 13, ...layout.font, color: ink, family: font },
    hoverlabel: { bgcolor: paper, bordercolor: line, ...layout.hoverlabel, font: { color: ink, family: font } },
  };
  delete result.width;
  delete result.height;
  const keys = new Set(["xaxis", "yaxis", ...Object.keys(layout).filter((name) => /^[xy]axis\d*$/.test(name))]);
  for (const name of keys) {
    result[name] = { automargin: true, ...layout[name], gridcolor: line, linecolor: line, zerolinecolor: line, color: ink };
  }
  result.modebar = { bgcolor: "rgba(0,0,0,0)", color: ink, activecolor: ink };
  return result;
}

function draw(root) {
  const state = root.ferState;
  const data = state.data;
  return plotly().then((Plotly) => {
    state.wait.hidden = true;
    const config = {
      responsive: true, displaylogo: false, doubleClick: "reset", showTips: false,
      modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"], toImageButtonOptions: { filename: data.name, scale: 2 },
    };
    return Plotly.react(state.plot, data.traces, themed(data.layout, root), config);
  }).then(() => {
    if (!state.listening) {
      state.listening = true;
      state.plot.on("plotly_click", (event) => {
        const point = event.points[0];
        if (!state.data.clickable || !point) return;
        const number = point.pointNumber;
        state.send("pick", {
          x: point.x, y: point.y, z: point.z ?? null, curve: point.curveNumber, name: point.data.name ?? "",
          point: Array.isArray(number) ? number : number ?? null, custom: point.customdata ?? null,
        });
      });
    }
    root.dataset.drawn = String(Number(root.dataset.drawn || 0) + 1);
  }).catch((error) => {
    state.wait.hidden = true;
    state.plot.className = "fer-failed";
    state.plot.textContent = "This chart cannot be drawn: " + error.message;
  });
}

function build(root) {
  const plot = document.createElement("div");
  const wait = document.createElement("div");
  plot.className = "fer-plot";
  wait.className = "fer-wait";
  root.replaceChildren(plot, wait);
  root.ferState = { plot, wait, listening: false };
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".fer-chart");
  if (!root.ferState) build(root);
  const state = root.ferState;
  state.data = data;
  state.send = setTriggerValue;
  root.style.height = data.height + "px";
  root.classList.toggle("clickable", data.clickable);
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", data.label || data.name);
  draw(root);
}
