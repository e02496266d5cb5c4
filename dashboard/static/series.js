// Adds to each series a button that loads Plotly and draws the same points with it; who looks closer gets finer ones.
// Nothing here is needed to read the page: without this script there is no button.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  let loading = null;
  const plotly = () => {
    loading = loading || new Promise((done, failed) => {
      const script = document.createElement("script");
      script.src = "/plotly.min.js";
      script.onload = done;
      script.onerror = () => { loading = null; failed(new Error("script")); };
      document.head.append(script);
    });
    return loading;
  };
  const figures = [...document.querySelectorAll("figure[data-points]")].filter((one) => one.querySelector("svg.drawing"));
  const open = new Map();

  // whole microseconds, as the server has them
  const ask = async (figure, span) => {
    const address = new URL(figure.dataset.points, location.href);
    if (span) {
      address.searchParams.set("start", Math.max(0, Math.floor(span[0] * 1000)));
      address.searchParams.set("stop", Math.ceil(span[1] * 1000));
    }
    const answer = await fetch(address, { credentials: "same-origin", headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    return answer.json();
  };

  // Plotly knows no zones: it draws numbers, and all times it shows are text of ours
  const clock = (zone) => {
    const format = new Intl.DateTimeFormat("en-GB", {
      timeZone: zone, day: "numeric", month: "short", year: "numeric",
      hour: "2-digit", minute: "2-digit", second: "2-digit", timeZoneName: "short",
    });
    return (at) => format.format(new Date(at));
  };

  const draw = (figure, state, found) => {
    const local = clock(found.zone);
    const dashed = figures.indexOf(figure) > 0;
    const line = {
      type: "scatter",
      mode: found.times.length > 200 ? "lines" : "lines+markers",
      x: found.times,
      y: found.values,
      text: found.times.map(local),
      connectgaps: false,
      line: { shape: found.steps ? "hv" : "linear", color: dashed ? "#10151b" : "#0b4f9c", width: 2, dash: dashed ? "dash" : "solid" },
      marker: { size: 5 },
      hovertemplate: `%{text}<br>%{y} ${found.unit}<extra></extra>`,
    };
    const marks = {
      type: "scatter",
      mode: "markers",
      x: found.marks[0],
      y: found.marks[1],
      text: found.marks[0].map(local),
      marker: { symbol: "triangle-up", size: 12, color: "#a11b12", line: { color: "#ffffff", width: 1 } },
      hovertemplate: `%{text}<br>%{y} ${found.unit}<br>changed later<extra></extra>`,
    };
    const layout = {
      margin: { l: 70, r: 15, t: 10, b: 50 },
      font: { size: 15 },
      showlegend: false,
      dragmode: "zoom",
      xaxis: {
        type: "linear", range: [found.start, found.end], zeroline: false, tickangle: 0,
        tickmode: "array", tickvals: found.ticks.map((one) => one[0]),
        ticktext: found.ticks.map((one) => one[1].replace(/^(\d\d:\d\d) /, "$1<br>")),
      },
      yaxis: { title: { text: found.unit }, zeroline: false, fixedrange: true },
    };
    state.drawing = true;
    return Plotly.react(state.chart, [line, marks], layout, { displayModeBar: false, showSendToCloud: false, responsive: true })
      .finally(() => { state.drawing = false; });
  };

  // all open charts show the same time; of answers that overtake each other the last question's counts
  const show = async (span) => {
    await Promise.all([...open].map(async ([figure, state]) => {
      const turn = ++state.turn;
      try {
        const found = await ask(figure, span);
        if (turn !== state.turn || !open.has(figure)) return;
        await draw(figure, state, found);
        state.said.textContent = ` ${found.headline}. ${found.notes.join(" ")} Drag across the chart to look closer, double-click to go back.`;
      } catch {
        if (turn === state.turn) state.said.textContent = " Finer readings could not be loaded. Double-click to try again.";
      }
    }));
  };

  for (const figure of figures) {
    const button = document.createElement("button");
    const said = document.createElement("p");
    const chart = document.createElement("div");
    const state = { chart, said, turn: 0, drawing: false };
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
    const close = (text) => {
      open.delete(figure);
      state.turn += 1;
      chart.hidden = true;
      button.textContent = "Explore this chart";
      button.setAttribute("aria-expanded", "false");
      said.textContent = text;
    };
    button.addEventListener("click", async () => {
      if (!chart.hidden) return close("");
      said.textContent = " Loading…";
      try {
        const [found] = await Promise.all([ask(figure, null), plotly()]);
        chart.hidden = false;
        open.set(figure, state);
        await draw(figure, state, found);
        button.textContent = "Close the chart";
        button.setAttribute("aria-expanded", "true");
        said.textContent = " Drag across the chart to look closer, double-click to go back. The table has the same numbers.";
        if (!state.listens) {
          state.listens = true;
          chart.on("plotly_relayout", (change) => {
            if (state.drawing) return;
            const from = change["xaxis.range[0]"], to = change["xaxis.range[1]"];
            if (from !== undefined && to > from) show([from, to]);
          });
          chart.on("plotly_doubleclick", () => { show(null); return false; });
        }
      } catch {
        close(" The chart could not be loaded. The table has the same numbers.");
      }
    });
  }
});
