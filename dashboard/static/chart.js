// Draws the table of readings by minute as lines. The table stays: it says the same without this script.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const table = document.getElementById("by-minute");
  const chart = document.getElementById("chart");
  const rows = [...table.tBodies[0].rows].reverse(); // the newest minute leads there, and ends the lines here
  if (typeof Plotly === "undefined" || rows.length === 0) return;

  const dashes = ["solid", "dash", "dot", "dashdot", "longdash"];
  const colours = ["#0b4f9c", "#b3261e", "#1b6e3c", "#6a3d9a", "#8a5a00", "#333"];
  const minutes = rows.map((row) => row.querySelector("time").dateTime.slice(0, 16));
  const lines = [...table.tHead.rows[0].cells].slice(1).map((head, index) => ({
    type: "scatter",
    mode: "lines+markers",
    name: head.textContent.trim(),
    x: minutes,
    y: rows.map((row) => Number(row.cells[index + 1].textContent.replaceAll(",", "")) || null),
    connectgaps: false,
    line: { dash: dashes[index % dashes.length], color: colours[index % colours.length] },
  }));
  const minute = 60000;
  chart.hidden = false;
  const marks = chart.clientWidth < 600 ? 5 : 10;
  const span = (Date.parse(minutes.at(-1)) - Date.parse(minutes[0])) / minute + 1;
  // A history that is loaded, or a queue that is drained, is thousands of times what comes by itself: on an even scale
  // the present would be a line at zero. Minutes without a reading are gaps there.
  const counts = lines.flatMap((line) => line.y).filter((count) => count);
  const most = Math.max(...counts, 1);
  const steep = most > 30 * Math.min(...counts, most);
  if (!steep) lines.forEach((line) => { line.y = line.y.map((count) => count ?? 0); });
  const decades = Math.ceil(Math.log10(most));
  const yaxis = steep
    ? { type: "log", range: [-0.1, Math.max(decades, 1) + 0.1], dtick: 1, tickformat: ",d",
        title: { text: "readings a minute" } }
    : { title: { text: "readings a minute" }, rangemode: "tozero" };
  document.getElementById("scale").hidden = !steep;
  const layout = {
    margin: { l: 100, r: 10, t: 10, b: 60 },
    font: { size: 15 },
    legend: { orientation: "h", y: -0.2 },
    xaxis: { type: "date", tickformat: "%H:%M", dtick: minute * Math.ceil(span / marks), tickangle: 0 },
    yaxis,
  };
  document.getElementById("numbers").open = false;
  Plotly.newPlot(chart, lines, layout, { displayModeBar: false, responsive: true });
});
