// A list with checkboxes: X selects, Shift selects a range, J and K move real focus, so that screen readers follow.
// The form itself works without any of this.
import { $, $$, text } from "./dom.js";
import { keysBlocked } from "./keys.js";

let last = null;

const form = () => $("[data-list]");
const rows = () => (form() ? $$("tbody tr", form()) : []);
const box = (row) => $(".check", row);

function count() {
  const chosen = rows().filter((row) => box(row).checked).length;
  const all = $("[data-all]", form());
  all.checked = chosen > 0 && chosen === rows().length;
  all.indeterminate = chosen > 0 && !all.checked;
  $("[data-several]", form()).disabled = chosen < 2;
  $(".bulk output", form()).textContent = text("selected", chosen);
}

function choose(list, isChosen) {
  for (const row of list) box(row).checked = isChosen;
  count();
}

function clicked(event) {
  const check = event.target.closest("tbody .check");
  if (check) {
    const row = check.closest("tr");
    const list = rows();
    if (event.shiftKey && list.includes(last)) {
      const [from, to] = [list.indexOf(last), list.indexOf(row)].sort((a, b) => a - b);
      choose(list.slice(from, to + 1), check.checked);
    }
    last = row;
    count();
  } else if (event.target.matches("[data-all]")) choose(rows(), event.target.checked);
  else if (event.target.closest("[data-clear]")) choose(rows(), false);
}

function pressed(event) {
  if (!form() || keysBlocked(event)) return;
  const list = rows();
  const at = list.indexOf(document.activeElement?.closest("tbody tr"));
  const focus = (to) => $(".title", list[Math.max(0, Math.min(list.length - 1, to))] ?? form())?.focus();
  if (event.key === "j") focus(at + 1);
  else if (event.key === "k") focus(at - 1);
  else if (event.key === "x" && at >= 0) { choose([list[at]], !box(list[at]).checked); last = list[at]; }
  else if (event.key === "Escape") choose(list, false);
  else if (["e", "m"].includes(event.key) && at >= 0 && !$(".check:checked", form())) choose([list[at]], true);
  else return;
  // E and M go on to the button that says data-key: with nothing selected, they mean the row in focus.
  if (!["e", "m"].includes(event.key)) event.preventDefault();
}

let rowToReturnTo = -1; // after htmx has put a new list in place of the one that had the focus

export function watchList() {
  document.addEventListener("click", (event) => { if (form()?.contains(event.target)) clicked(event); });
  document.addEventListener("keydown", pressed, true);
  document.addEventListener("htmx:beforeRequest", () => {
    const held = document.activeElement?.closest("tr") ?? $("tbody tr:has(.check:checked)");
    rowToReturnTo = rows().indexOf(held);
  });
  document.addEventListener("htmx:afterSettle", () => {
    if (!form()) return;
    count();
    const row = rows()[Math.min(rowToReturnTo, rows().length - 1)];
    if (document.activeElement === document.body) $(".title", row ?? form())?.focus();
  });
  if (form()) count();
}
