// Draws the table of readings by minute as lines. The table stays: it says the same without this script.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const table = document.getElementById("by-minute");
  const chart = document.getElementById("chart");
  const rows = [...table.tBodies[0].rows];
  if (typeof Plotly === "undefined" || rows.length === 0) return;

  const dashes = ["solid", "dash", "dot", "dashdot", "longdash"];
  const colours = ["#0b4f9c", "#b3261e", "#1b6e3c", "#6a3d9a", "#8a5a00", "#333"];
  const minutes = rows.map((row) => row.querySelector("time").dateTime.slice(0, 16));
  const lines = [...table.tHead.rows[0].cells].slice(1).map((head, index) => ({
    type: "scatter",
    mode: "lines+markers",
    name: head.textContent.trim(),
    x: minutes,
    y: rows.map((row) => Number(row.cells[index + 1].textContent.replaceAll(",", ""))),
    line: { dash: dashes[index % dashes.length], color: colours[index % colours.length] },
  }));
  const minute = 60000;
  const span = (Date.parse(minutes.at(-1)) - Date.parse(minutes[0])) / minute + 1;
  const layout = {
    margin: { l: 85, r: 10, t: 10, b: 60 },
    font: { size: 15 },
    legend: { orientation: "h", y: -0.2 },
    xaxis: { type: "date", tickformat: "%H:%M", dtick: minute * Math.ceil(span / 10) },
    yaxis: { title: { text: "readings a minute" }, rangemode: "tozero" },
  };
  chart.hidden = false;
  document.getElementById("numbers").open = false;
  Plotly.newPlot(chart, lines, layout, { displayModeBar: false, responsive: true });
});
