// Everything here is a convenience: without it the page says the same.
"use strict";

// A page that is opened from a file has no clipboard in some browsers; there a selection is copied.
async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const box = document.createElement("textarea");
    box.value = text;
    box.readOnly = true;
    box.className = "unseen";
    document.body.append(box);
    const before = document.activeElement;
    box.select();
    const done = document.execCommand("copy");
    box.remove();
    before?.focus();
    return done;
  }
}

for (const button of document.querySelectorAll("button.copy")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const text = button.parentElement.querySelector("code").textContent;
    const said = (await copied(text)) ? "Copied" : "Not copied: select the text";
    button.textContent = said;
    document.getElementById("said").textContent = said;
    setTimeout(() => {
      button.textContent = "Copy";
      document.getElementById("said").textContent = "";
    }, 2000);
  });
}

// A link to something that is folded unfolds it.
function unfold() {
  const target = document.getElementById(location.hash.slice(1));
  for (let one = target; one; one = one.parentElement) {
    if (one.localName === "details") one.open = true;
  }
}
addEventListener("hashchange", unfold);
unfold();

// On paper nothing can be unfolded.
let folded = [];
addEventListener("beforeprint", () => {
  folded = [...document.querySelectorAll("details:not([open])")];
  for (const one of folded) one.open = true;
});
addEventListener("afterprint", () => {
  for (const one of folded) one.open = false;
  folded = [];
});
