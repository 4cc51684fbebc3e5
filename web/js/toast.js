// Short sentences about what happened. The live region stands in the page from the start, so they are announced.
import { $, $$ } from "./dom.js";

const SHOWN_MS = 8000;

/** Says one sentence. */
export function toast(sentence) {
  const box = document.createElement("div");
  box.className = "toast";
  box.append(Object.assign(document.createElement("span"), { textContent: sentence }));
  $("#toasts").append(box);
}

function expire(box) {
  const leave = () => (box.matches(":hover, :focus-within") ? setTimeout(leave, 1000) : box.remove());
  setTimeout(leave, SHOWN_MS);
}

export function watchToasts() {
  $$("#toasts .toast").forEach(expire);
  new MutationObserver((changes) => changes.flatMap((change) => [...change.addedNodes]).filter((node) => node.matches?.(".toast")).forEach(expire))
    .observe($("#toasts"), { childList: true });
}
