// Command palette: a native <dialog> with an ARIA combobox. The server wrote the entries; this filters and moves.
import { $, $$, text } from "./dom.js";

const entries = () => $$("#palette [role=option]");
const shown = () => entries().filter((entry) => !entry.hidden);
let current = null;

/** Whether the letters of the query occur in this order. */
function matches(label, query) {
  let at = -1;
  return [...query].every((letter) => (at = label.indexOf(letter, at + 1)) >= 0);
}

function filter() {
  const query = $("#palette input").value.trim();
  for (const entry of entries()) entry.hidden = !matches(entry.textContent.toLowerCase(), query.toLowerCase());
  for (const group of $$("#palette [role=group]")) group.hidden = !$("[role=option]:not([hidden])", group);
  const empty = $("#palette .palette-empty");
  empty.hidden = shown().length > 0;
  empty.textContent = text("noMatch", query);
  select(shown()[0]);
}

function select(entry) {
  current?.setAttribute("aria-selected", "false");
  current = entry;
  const input = $("#palette input");
  if (!entry) return input.removeAttribute("aria-activedescendant");
  entry.setAttribute("aria-selected", "true");
  entry.scrollIntoView({ block: "nearest" });
  input.setAttribute("aria-activedescendant", entry.id);
}

function move(by) {
  const list = shown();
  select(list[(list.indexOf(current) + by + list.length) % list.length]);
}

function run(entry) {
  $("#palette").close();
  if (entry.dataset.href) location.href = entry.dataset.href;
  else $(`button[data-action="${entry.dataset.action}"]`).click();
}

export const palette = {
  open() {
    if ($("#palette").open) return;
    $("#palette input").value = "";
    $("#palette").showModal();
    filter();
  },
  watch() {
    const dialog = $("#palette");
    if (!dialog) return;
    $("input", dialog).addEventListener("input", filter);
    $("input", dialog).addEventListener("keydown", (event) => {
      const act = { ArrowDown: () => move(1), ArrowUp: () => move(-1), Enter: () => current && run(current) }[event.key];
      if (act) { event.preventDefault(); act(); }
    });
    dialog.addEventListener("click", (event) => {
      const entry = event.target.closest("[role=option]");
      if (entry) run(entry);
      else if (event.target === dialog) dialog.close();
    });
  },
};
