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
  const result = { uirevision: "keep", ...layout, autosize: true };
  delete result.width;
  delete result.height;
  if (layout.template && layout.template.layout && layout.template.layout.uirevision) return result; // it brings its own colours
  const style = getComputedStyle(root);
  const read = (name, other) => style.getPropertyValue(name).trim() || other;
  const ink = read("--st-text-color", "#444");
  const line = read("--st-border-color", "rgba(128,128,128,0.3)");
  const font = { color: ink, family: read("--st-font", "sans-serif") };
  Object.assign(result, {
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { size: 13, ...layout.font, ...font },
    hoverlabel: { ...layout.hoverlabel, bgcolor: read("--st-background-color", "#fff"), bordercolor: line, font },
  });
  for (const name of ["xaxis", "yaxis", ...Object.keys(layout).filter((key) => /^[xy]axis\d+$/.test(key))]) {
    result[name] = { automargin: true, ...layout[name], gridcolor: line, linecolor: line, zerolinecolor: line, color: ink };
  }
  return result;
}

function draw(root) {
  const state = root.ferState;
  const data = state.data;
  return plotly().then((Plotly) => {
    state.wait.hidden = true;
    const config = {
      responsive: true, displaylogo: false, doubleClick: "reset", showTips: false,
      modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d", "sendChartToCloud"], toImageButtonOptions: { filename: data.name, scale: 2 },
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
    state.plot.textContent = state.data.failed.replace("{error}", error.message);
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
