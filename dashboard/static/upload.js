// Says before sending that a file is larger than is taken, and while it is sent that it is. Nothing here is needed: the
// site says both too, when it has the file.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const form = document.getElementById("upload");
  if (!form) return;
  const field = document.getElementById("file");
  const said = document.getElementById("sending");
  const say = (text) => { said.textContent = text; said.hidden = !text; };
  field.addEventListener("change", () => {
    const most = Number(form.dataset.most);
    const file = field.files[0];
    field.setCustomValidity(file && file.size > most ? "The file is larger than is taken." : "");
    say("");
  });
  form.addEventListener("submit", () => say("It is being sent and read. This page changes when that is done."));
});
