// Sends an officer's outcomes without leaving the page, and keeps what could not be sent until the network is back.
// Nothing here is needed: without this script the forms are sent as any form. Each form has a token, so that sending
// twice notes once.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const KEY = "parking-outcomes";
  const waiting = document.getElementById("waiting");
  const read = () => {
    try { return JSON.parse(localStorage.getItem(KEY)) || []; } catch { return []; }
  };
  const write = (kept) => { localStorage.setItem(KEY, JSON.stringify(kept)); };
  const say = (text) => { waiting.textContent = text; waiting.hidden = !text; };
  const told = () => {
    const count = read().length;
    say(count ? `${count === 1 ? "1 outcome waits" : `${count} outcomes wait`} on this device for the network.` : "");
  };
  // the token of the page's forms is that of the present session, whenever the outcome was typed
  const csrf = () => document.querySelector("input[name=csrf]").value;

  const send = async (fields) => {
    const answer = await fetch("/parking/queue", {
      method: "POST",
      body: new URLSearchParams({ ...fields, csrf: csrf() }),
      redirect: "follow",
    });
    // signed out: the sign-in answers; the outcome is kept until somebody has signed in
    if (answer.status === 403 || answer.status === 429 || answer.status >= 500 || new URL(answer.url).pathname !== "/parking/queue") return false;
    return true;
  };

  let under = false;
  const again = async () => {
    if (under) return;
    under = true;
    try {
      for (const fields of read()) {
        if (!(await send(fields))) break;
        write(read().filter((one) => one.token !== fields.token));
      }
    } catch {
      // no network: what is kept is tried again
    } finally {
      under = false;
      told();
    }
  };

  for (const form of document.querySelectorAll("form.outcomes")) {
    form.addEventListener("submit", (event) => {
      const button = event.submitter;
      if (!button) return;
      event.preventDefault();
      const fields = Object.fromEntries(new FormData(form));
      fields.outcome = button.value;
      delete fields.csrf;
      try {
        write([...read().filter((one) => one.token !== fields.token), fields]);
      } catch {
        // no room or no leave to keep anything: the form goes the plain way
        const field = document.createElement("input");
        field.type = "hidden";
        field.name = "outcome";
        field.value = button.value;
        form.append(field);
        form.submit();
        return;
      }
      const visit = form.closest(".visit");
      const said = document.createElement("p");
      said.setAttribute("role", "status");
      said.tabIndex = -1;
      said.textContent = `Noted: ${button.firstChild.textContent.trim()}.`;
      visit.classList.add("kept");
      form.replaceWith(said);
      said.focus();
      again();
    });
  }
  window.addEventListener("online", again);
  setInterval(() => { if (read().length) again(); }, 30000);
  if (read().length) again(); else told();
});
