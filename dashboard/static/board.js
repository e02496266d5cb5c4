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
    const use = document.createElementNS(SVG, "use");
    use.setAttribute("href", `#key-${name}`);
    return use;
  };

  // a bay's mark of its own upon the map, where its row says it lies
  const place = (row, name) => {
    const plan = document.querySelector("svg.plan");
    if (!plan) return;
    const size = Number(plan.dataset.size);
    const id = row.id.replace(/^bay-/, "mark-");
    const old = document.getElementById(id);
    if (old) old.remove();
    const group = document.createElementNS(SVG, "svg");
    group.id = id;
    group.setAttribute("x", Number(row.dataset.x) - size / 2);
    group.setAttribute("y", Number(row.dataset.y) - size / 2);
    group.setAttribute("width", size);
    group.setAttribute("height", size);
    const ground = document.createElementNS(SVG, "rect");
    ground.setAttribute("class", "ground");
    ground.setAttribute("width", "100%");
    ground.setAttribute("height", "100%");
    group.append(ground, mark(name));
    plan.append(group);
  };

  const change = (one) => {
    soon();
    const row = document.getElementById(`bay-${one.id}`);
    if (!row) return;
    const name = NAMES[one.state];
    if (!name) { row.remove(); return; }
    const over = Number(one.over_from) > 0;
    const shown = over ? "over" : name;
    const since = Number(one.since) > 0 ? age(Date.now() / 1000 - Number(one.since)) : "";
    const cell = row.cells[1];
    const key = document.createElementNS(SVG, "svg");
    key.setAttribute("class", "mark");
    key.setAttribute("aria-hidden", "true");
    key.append(mark(shown));
    cell.replaceChildren(key, WORDS[name], since ? ` for ${since}` : "");
    row.cells[3].textContent = over ? age(Date.now() / 1000 - Number(one.over_from)) : "";
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

  const say = (text) => { live.textContent = text; };
  const now = "Changes appear by themselves.";
  // all bays as they are: what changed while nobody told this page
  const compare = ({ columns, rows }) => {
    for (const row of rows) {
      const one = Object.fromEntries(columns.map((name, index) => [name, row[index]]));
      const shown = document.getElementById(`bay-${one.id}`);
      if (!shown) continue;
      const same = shown.cells[1].textContent.trim().startsWith(WORDS[NAMES[one.state]]);
      if (!same || (shown.cells[3].textContent.trim() !== "") !== (Number(one.over_from) > 0)) change(one);
    }
    soon();
  };
  const open = () => {
    const source = new EventSource(live.dataset.events);
    source.addEventListener("open", () => say(now));
    source.addEventListener("error", () => {
      say("Not connected. Trying again.");
      // a server that has too many, or none to spare, refuses for good as browsers see it: come again later
      if (source.readyState === EventSource.CLOSED) setTimeout(open, 30000 + 10000 * Math.random());
    });
    source.addEventListener("away", () => say("The readings cannot be reached just now."));
    source.addEventListener("back", () => say(now));
    source.addEventListener("ended", () => { source.close(); say("You have been signed out. Sign in again to go on."); });
    source.addEventListener("change", (event) => change(JSON.parse(event.data)));
    source.addEventListener("snapshot", (event) => compare(JSON.parse(event.data)));
  };
  open();
});
