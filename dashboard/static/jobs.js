// Keeps a job, or the list of them, at the present: the server says which jobs change, and the page asks it for its own
// parts again. Nothing here is needed: links ask again too.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const live = document.getElementById("live");
  if (!live || typeof EventSource === "undefined") return;
  const PARTS = ["now", "controls", "scored", "documents", "jobs"];
  const PAUSE = 1000;
  const own = () => document.getElementById("now");
  let under = false;
  let again = false;

  const refresh = async () => {
    if (under) { again = true; return; }
    under = true;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (answer.ok && !answer.redirected) {
        const made = new DOMParser().parseFromString(await answer.text(), "text/html");
        for (const id of PARTS) {
          const old = document.getElementById(id);
          const fresh = made.getElementById(id);
          if (!old || !fresh || old.contains(document.activeElement)) continue;
          // what was opened stays open
          const open = [...old.querySelectorAll("details")].map((one) => one.open);
          old.replaceChildren(...fresh.childNodes);
          old.querySelectorAll("details").forEach((one, place) => { one.open = open[place] || false; });
          Object.assign(old.dataset, fresh.dataset);
        }
      }
    } catch {
      // no network: the stream says so, and comes back by itself
    }
    setTimeout(() => {
      under = false;
      if (again) { again = false; refresh(); }
    }, PAUSE);
  };
  const mine = (one) => !own() || (String(one.id) === own().dataset.job && one.mark !== own().dataset.mark);

  const source = new EventSource(live.dataset.events);
  const say = (text) => { live.textContent = text; };
  source.addEventListener("open", () => say("Changes appear by themselves."));
  source.addEventListener("error", () => say("Not connected. Trying again."));
  source.addEventListener("away", () => say("The database cannot be reached just now."));
  source.addEventListener("back", () => say("Changes appear by themselves."));
  source.addEventListener("ended", () => { source.close(); say("You have been signed out. Sign in again to go on."); });
  source.addEventListener("change", (event) => { if (mine(JSON.parse(event.data))) refresh(); });
  source.addEventListener("snapshot", (event) => { if (JSON.parse(event.data).jobs.some(mine)) refresh(); });
});
