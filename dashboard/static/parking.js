// Says when a bay of this page is taken, or free again. Without this script the page can be refreshed by its link.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const live = document.getElementById("live");
  if (!live || typeof EventSource === "undefined") return;
  const shown = new Map([...document.querySelectorAll("[data-bay]")].map((item) => [item.dataset.bay, item]));
  const WORDS = ["Free now", "Taken now", "Not known now"];
  const GONE = -1;
  let source = null;

  const change = (id, state) => {
    const item = shown.get(id);
    if (!item || Number(item.dataset.state) === state) return;
    item.dataset.state = state;
    item.querySelector(".state").textContent = WORDS[state] ?? "No bay any more";
    live.textContent = `${item.querySelector("h3").textContent}: ${WORDS[state] ?? "no bay any more"}`;
  };
  const open = () => {
    source = new EventSource(live.dataset.events);
    source.addEventListener("change", (event) => {
      const one = JSON.parse(event.data);
      change(one.id, one.state ?? GONE);
    });
    source.addEventListener("snapshot", (event) => {
      const { columns, rows } = JSON.parse(event.data);
      const at = columns.indexOf("state");
      const states = new Map(rows.map((row) => [row[0], row[at]]));
      for (const id of shown.keys()) change(id, states.get(id) ?? GONE);
    });
    // a server that has too many, or none to spare, refuses for good as browsers see it: come again later
    source.addEventListener("error", () => {
      if (source.readyState === EventSource.CLOSED) setTimeout(open, 30000 + 10000 * Math.random());
    });
  };
  open();
});
