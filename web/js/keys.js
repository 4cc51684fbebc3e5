// Keyboard shortcuts. Single keys are silent while somebody types, with modifiers, and when switched off (WCAG 2.1.4).
import { $, store } from "./dom.js";
import { palette } from "./palette.js";

/** True when a single key is not meant as a shortcut. */
export const keysBlocked = (event) =>
  event.defaultPrevented || event.metaKey || event.ctrlKey || event.altKey || store.get("keys") === "off" ||
  event.target.closest?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable], dialog");

/** [data-key="e"] is pressed by E; the element decides what that means. */
function press(event) {
  const target = $(`[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
  if (!target || target.disabled || !target.checkVisibility()) return;
  event.preventDefault();
  if (target.matches("input")) target.focus();
  else target.click();
}

let isGoing = false; // "g, then i" style navigation

function go(event) {
  isGoing = false;
  const entry = $(`#palette [data-go="${CSS.escape(event.key.toLowerCase())}"]`);
  if (entry) location.href = entry.dataset.href;
}

export function watchKeys() {
  document.addEventListener("keydown", (event) => {
    if ((event.metaKey || event.ctrlKey) && event.key.toLowerCase() === "k" && $("#palette")) {
      event.preventDefault();
      palette.open();
    } else if (keysBlocked(event)) isGoing = false;
    else if (isGoing) go(event);
    else if (event.key === "g") isGoing = true;
    else if (event.key === "?") $("#keys")?.showModal();
    else press(event);
  });
  const single = $("[data-action=keys]");
  if (single) single.checked = store.get("keys") !== "off";
}
