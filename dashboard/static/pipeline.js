// Keeps the pipeline's numbers at the present: the server says which text has changed. Nothing here is needed: the page
// says when it was made, and its link asks again.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const live = document.getElementById("live");
  if (!live || typeof EventSource === "undefined") return;
  const known = new Set();
  let later = null;

  const put = (id, text) => {
    for (const place of document.querySelectorAll("[data-live]")) {
      if (place.dataset.live !== id || place.textContent === text) continue;
      place.textContent = text;
      place.classList.add("changed");
      setTimeout(() => place.classList.remove("changed"), 1500);
    }
  };

  // charts, arrows and rows that come or go: the server draws them again
  const refresh = async () => {
    later = null;
    if (document.hidden) { soon(); return; }
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (!answer.ok || answer.redirected) return;
      const made = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const id of ["families-now", "way", "shown"]) {
        const old = document.getElementById(id);
        const fresh = made.getElementById(id);
        if (!old || !fresh || old.contains(document.activeElement)) continue;
        const open = [...old.querySelectorAll("details")].map((one) => one.open);
        fresh.querySelectorAll("details").forEach((one, place) => { one.open = open[place] ?? false; });
        old.replaceChildren(...fresh.childNodes);
      }
    } catch {
      // no network: the stream says so, and comes back by itself
    }
  };
  const soon = () => { if (later === null) later = setTimeout(refresh, 2000); };

  const change = (one) => {
    if (one.gone) { known.delete(one.id); soon(); return; }
    // a family or reason that the page does not have yet, or another minute
    if (!known.has(one.id) || one.id === "now.minute") soon();
    known.add(one.id);
    put(one.id, one.text);
  };

  const say = (text) => { live.textContent = text; };
  const now = "Numbers change by themselves.";
  let source = null;
  const open = () => {
    source = new EventSource(live.dataset.events);
    source.addEventListener("open", () => say(now));
    source.addEventListener("away", () => say("The database cannot be reached just now."));
    source.addEventListener("back", () => say(now));
    source.addEventListener("ended", () => { source.close(); say("You have been signed out. Sign in again to go on."); });
    source.addEventListener("change", (event) => change(JSON.parse(event.data)));
    source.addEventListener("snapshot", (event) => {
      const { rows } = JSON.parse(event.data);
      const shown = new Set([...document.querySelectorAll("[data-live]")].map((place) => place.dataset.live));
      known.clear();
      for (const [id, text] of rows) { known.add(id); put(id, text); }
      // what came between the page and this has no place yet
      if ([...known].some((id) => id !== "now.minute" && !shown.has(id))) soon();
    });
    source.addEventListener("error", () => {
      say("Not connected. Trying again.");
      // a server that has too many, or none to spare, refuses for good as browsers see it: come again later
      if (source.readyState === EventSource.CLOSED) setTimeout(open, 30000 + 10000 * Math.random());
    });
  };
  open();
});
