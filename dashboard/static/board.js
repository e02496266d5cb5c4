// Keeps the board's rows and marks at the present: changes come from the server as events. Nothing here is needed: the
// page says when it was made, and its link asks again.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const live = document.getElementById("live");
  if (!live || typeof EventSource === "undefined") return;
  const NAMES = ["free", "occupied", "unknown"];
  const WORDS = { free: "Free", occupied: "Occupied", unknown: "Unknown" };
  const SVG = "http://www.w3.org/2000/svg";
  let later = null;

  const age = (seconds) => {
    const minutes = Math.max(0, Math.floor(seconds / 60));
    if (minutes < 1) return "under a minute";
    if (minutes < 60) return `${minutes} min`;
    if (minutes < 2880) return minutes % 60 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${minutes / 60} h`;
    return `${Math.floor(minutes / 1440)} days`;
  };
  const mark = (name) => {
    const key = document.querySelector(`.keys svg[data-mark="${name}"]`);
    return key ? key.cloneNode(true) : null;
  };

  // a bay's mark of its own upon the map, where its row says it lies
  const place = (row, name) => {
    const plan = document.querySelector("svg.plan");
    const key = mark(name);
    if (!plan || !key || !row.dataset.x) return;
    const size = Number(plan.dataset.size);
    const id = row.id.replace(/^bay-/, "mark-");
    const old = document.getElementById(id);
    if (old) old.remove();
    const group = document.createElementNS(SVG, "svg");
    group.id = id;
    group.setAttribute("viewBox", "-1 -1 12 12");
    group.setAttribute("x", Number(row.dataset.x) - size / 2);
    group.setAttribute("y", Number(row.dataset.y) - size / 2);
    group.setAttribute("width", size);
    group.setAttribute("height", size);
    const ground = document.createElementNS(SVG, "rect");
    ground.setAttribute("class", "ground");
    ground.setAttribute("x", "-1");
    ground.setAttribute("y", "-1");
    ground.setAttribute("width", "12");
    ground.setAttribute("height", "12");
    group.append(ground, ...key.childNodes);
    plan.append(group);
  };

  const change = (one) => {
    soon();
    const row = document.getElementById(`bay-${one.bay ?? one.id}`);
    if (!row) return;
    const name = typeof one.state === "number" ? NAMES[one.state] : one.state;
    if (!WORDS[name]) return;
    const over = Number(one.over) > 0;
    const shown = over ? "over" : name;
    const since = one.since ? age(Date.now() / 1000 - Number(one.since)) : "";
    const cell = row.cells[1];
    const key = mark(shown);
    cell.replaceChildren(...(key ? [key] : []), WORDS[name], since ? ` for ${since}` : "");
    row.cells[3].textContent = over ? age(Number(one.over) * 60) : "";
    row.classList.add("changed");
    setTimeout(() => row.classList.remove("changed"), 4000);
    place(row, shown);
  };

  // totals, the map of bays that are on another page, and rows that come or go: the server draws them again
  const refresh = async () => {
    later = null;
    if (document.hidden) { soon(); return; }
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (!answer.ok || answer.redirected) return;
      const made = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const id of ["totals", "plan", "rows", "as-of"]) {
        const old = document.getElementById(id);
        const fresh = made.getElementById(id);
        if (old && fresh && !old.contains(document.activeElement)) old.replaceChildren(...fresh.childNodes);
      }
    } catch {
      // no network: the stream says so, and comes back by itself
    }
  };
  const soon = () => { if (later === null) later = setTimeout(refresh, 15000); };

  const source = new EventSource(live.dataset.events);
  const say = (text) => { live.textContent = text; };
  source.addEventListener("open", () => say("Changes appear by themselves."));
  source.addEventListener("error", () => say("Not connected. Trying again."));
  source.addEventListener("away", () => say("The readings cannot be reached just now."));
  source.addEventListener("back", () => say("Changes appear by themselves."));
  source.addEventListener("ended", () => { source.close(); say("You have been signed out. Sign in again to go on."); });
  source.addEventListener("change", (event) => change(JSON.parse(event.data)));
  let first = true;
  source.addEventListener("snapshot", () => {
    // the first one only says what the page says already; a later one follows a time in which changes were missed
    if (!first) refresh();
    first = false;
  });
});
