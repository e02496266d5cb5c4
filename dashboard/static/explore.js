// Adds to each figure that can be explored a button that loads Plotly and draws the figure's own table with it.
// Nothing here is needed to read the page: without this script there is no button.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  let loading = null;
  const plotly = () => {
    loading = loading || new Promise((done, failed) => {
      const script = document.createElement("script");
      script.src = "/plotly.min.js";
      script.onload = done;
      script.onerror = () => { loading = null; failed(); };
      document.head.append(script);
    });
    return loading;
  };

  // hours down a table and days across it: the days below each other, the fuller the darker
  const heat = (figure, chart) => {
    const rows = [...figure.querySelectorAll("table tbody tr")];
    const days = [...figure.querySelectorAll("table thead th")].slice(1).map((head) => head.dataset.line);
    const value = (cell) => (cell.dataset.value === undefined ? null : Number(cell.dataset.value));
    const map = {
      type: "heatmap",
      x: rows.map((row) => row.cells[0].textContent.trim()),
      y: days,
      z: days.map((_, day) => rows.map((row) => value(row.cells[day + 1]))),
      zmin: 0,
      zmax: 100,
      colorscale: [[0, "#ffffff"], [0.6, "#6b9fd4"], [0.85, "#0b4f9c"], [1, "#12233a"]],
      hovertemplate: "%{y} %{x}<br>%{z} %<extra></extra>",
    };
    const layout = { margin: { l: 90, r: 10, t: 10, b: 60 }, font: { size: 15 }, yaxis: { autorange: "reversed" } };
    return Plotly.newPlot(chart, [map], layout, { displayModeBar: false, showSendToCloud: false, responsive: true });
  };

  const draw = (figure, chart) => {
    if (figure.dataset.chart === "heat") return heat(figure, chart);
    const straight = figure.dataset.chart === "line";
    const rows = [...figure.querySelectorAll("table tbody tr")];
    const heads = [...figure.querySelectorAll("table thead th")];
    const colours = ["#0b4f9c", "#10151b", "#7a4a00"];
    const value = (cell) => (cell.dataset.value === undefined ? null : Number(cell.dataset.value));
    const names = rows.map((row) => row.cells[0].dataset.value || row.cells[0].textContent.trim());
    const room = figure.clientWidth;
    const apart = [1, 2, 3, 4, 6, 12, 24].find((step) => names.length / step * 85 <= room - 80) || 24;
    const lines = heads.slice(1).map((head, index) => ({ head, index })).filter(({ head }) => "line" in head.dataset)
      .map(({ head, index }, place) => ({
        type: place === 0 && figure.dataset.chart === "bar" ? "bar" : "scatter",
        mode: place === 0 || straight ? "lines" : "markers",
        name: head.dataset.line,
        x: names,
        y: rows.map((row) => value(row.cells[index + 1])),
        line: { shape: straight ? "linear" : "hv", dash: straight ? ["solid", "dash", "dot"][place] : "solid", color: colours[place] },
        marker: place === 0 ? { color: colours[0] } : { color: colours[1], symbol: "line-ew-open", size: Math.round(room / names.length / 2.5), line: { width: 4 } },
        fill: place === 0 && figure.dataset.chart === "step" ? "tozeroy" : "none",
        hovertemplate: `%{x}<br>%{y} ${figure.dataset.unit}<extra>${head.dataset.line}</extra>`,
      }));
    const layout = {
      margin: { l: 60, r: 10, t: 10, b: 70 },
      font: { size: 15 },
      showlegend: lines.length > 1,
      legend: { orientation: "h", y: -0.25 },
      xaxis: { type: "category", tickmode: "array", tickvals: names.filter((_, place) => place % apart === 0), tickangle: 0 },
      yaxis: { title: { text: figure.dataset.unit }, rangemode: "tozero" },
      hovermode: "x unified",
    };
    return Plotly.newPlot(chart, lines, layout, { displayModeBar: false, showSendToCloud: false, responsive: true });
  };

  for (const figure of document.querySelectorAll("figure[data-chart]")) {
    const button = document.createElement("button");
    const said = document.createElement("p");
    const chart = document.createElement("div");
    button.type = "button";
    button.className = "explore button secondary";
    button.textContent = "Explore this chart";
    button.setAttribute("aria-expanded", "false");
    said.className = "small";
    said.setAttribute("role", "status");
    chart.className = "chart";
    chart.hidden = true;
    chart.setAttribute("aria-hidden", "true");
    figure.querySelector("details").before(button, said, chart);
    button.addEventListener("click", async () => {
      if (!chart.hidden) {
        chart.hidden = true;
        button.textContent = "Explore this chart";
        button.setAttribute("aria-expanded", "false");
        said.textContent = "";
        return;
      }
      said.textContent = " Loading…";
      try {
        await plotly();
        chart.hidden = false;
        await draw(figure, chart);
        button.textContent = "Close the chart";
        button.setAttribute("aria-expanded", "true");
        said.textContent = " Drag across the chart to look closer, double-click to go back. The table has the same numbers.";
      } catch {
        chart.hidden = true;
        said.textContent = " The chart could not be loaded. The table has the same numbers.";
      }
    });
  }
});
