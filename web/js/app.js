// What pages do beyond HTML. Everything here is an enhancement: without it each page can be read, filtered and submitted.
import { $, $$, remember, store, text } from "./dom.js";
import { watchKeys } from "./keys.js";
import { watchList } from "./list.js";
import { palette } from "./palette.js";
import { toast, watchToasts } from "./toast.js";

const THEMES = ["auto", "light", "dark"];

const actions = {
  theme() {
    const root = document.documentElement;
    root.dataset.theme = THEMES[(THEMES.indexOf(root.dataset.theme) + 1) % THEMES.length];
    remember("theme", root.dataset.theme);
    toast(text(`theme${root.dataset.theme[0].toUpperCase()}${root.dataset.theme.slice(1)}`));
  },
  keys(toggle) { store.set("keys", toggle.checked ? "on" : "off"); },
};

/** Copies a text, or the promise of one: a browser lets us only in answer to a click, not when it has been fetched. */
async function copy(value) {
  try {
    if (!navigator.clipboard) return copyBySelection(await value);
    if (value instanceof Promise) await navigator.clipboard.write([new ClipboardItem({ "text/plain": value })]);
    else await navigator.clipboard.writeText(value);
    return true;
  } catch { return false; }
}

/** navigator.clipboard exists only on https and localhost; many instances run on plain http in a LAN. */
function copyBySelection(value) {
  const area = Object.assign(document.createElement("textarea"), { value, className: "sr-only" });
  document.body.append(area);
  area.select();
  const isCopied = document.execCommand("copy");
  area.remove();
  return isCopied;
}

/** The first visible one of the elements that a selector names. */
const visible = (selector) => $$(selector).find((element) => element.checkVisibility()) ?? $(selector);

/** The text at an address, as the clipboard wants it. */
async function fetched(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(answer.statusText);
  return answer.text();
}

/** What a copy button copies. */
function copied(element) {
  const { dataset } = element;
  if ("copyValue" in dataset) return $("pre, span", element.parentElement).textContent;
  if ("copyLocation" in dataset) return location.href;
  if (dataset.copyUrl) return fetched(dataset.copyUrl);
  return dataset.copy ?? visible(dataset.copyFrom).textContent;
}

document.addEventListener("click", async (event) => {
  const element = event.target.closest("[data-action], [data-open], [data-copy], [data-copy-from], [data-copy-url], [data-copy-value], [data-copy-location]");
  if (!element) return;
  if (element.dataset.open === "palette") palette.open();
  else if (element.dataset.action) actions[element.dataset.action]?.(element);
  else toast(text((await copy(copied(element))) ? "copied" : "notCopied"));
});

// A choice that is a filter goes off at once; without script its form has a button.
document.addEventListener("change", (event) => event.target.closest("[data-submits]")?.form.requestSubmit());

// Menus are native popovers, placed under their button. CSSOM writes are allowed by a strict CSP.
document.addEventListener("toggle", (event) => {
  if (event.newState !== "open" || !event.target.matches?.(".menu")) return;
  const button = $$(`[popovertarget="${event.target.id}"]`).find((element) => element.checkVisibility()).getBoundingClientRect();
  const menu = event.target;
  const isBelow = button.bottom + menu.offsetHeight + 12 < innerHeight;
  menu.style.top = `${isBelow ? button.bottom + 4 : Math.max(8, button.top - menu.offsetHeight - 4)}px`;
  menu.style.left = `${Math.max(8, Math.min(button.right - menu.offsetWidth, innerWidth - menu.offsetWidth - 8))}px`;
}, true);

// "12s ago" grows old.
const UNITS = [["y", 31536e6], ["mo", 2592e6], ["d", 864e5], ["h", 36e5], ["m", 6e4], ["s", 1e3]];
setInterval(() => {
  for (const time of $$("time[data-ago]")) {
    const past = Date.now() - Date.parse(time.dateTime);
    const unit = UNITS.find(([, length]) => past >= length);
    time.textContent = unit ? text(unit[0], Math.floor(past / unit[1])) : text("justNow");
  }
}, 30000);

// How frames are shown is remembered; the server reads it.
document.addEventListener("click", ({ target }) => {
  const link = target.closest("[data-frames]");
  if (link) remember("frames", link.dataset.frames);
});

// Each variable can be copied. The buttons are made here, for they are many.
function offerCopies(root) {
  const template = $("#copy-value");
  for (const row of template ? $$(".vars > div", root) : []) {
    const button = template.content.firstElementChild.cloneNode(true);
    button.setAttribute("aria-label", button.getAttribute("aria-label").replace("{n}", () => $("dt", row).textContent));
    $("dd", row).append(button);
  }
}
offerCopies(document);

// Code and variables of a frame come when it is opened.
document.addEventListener("toggle", async ({ target }) => {
  const place = target.open && target.dataset?.load && $(".load", target);
  if (!place) return;
  const answer = await fetch(target.dataset.load, { headers: { "HX-Request": "true" } }).catch(() => null);
  if (!answer?.ok) return; // the link to it stays
  const { body } = new DOMParser().parseFromString(await answer.text(), "text/html");
  offerCopies(body);
  place.replaceWith(...body.childNodes);
}, true);

// The length of a new password, as a bar.
document.addEventListener("input", (event) => {
  const meter = event.target.dataset?.strength;
  if (meter) $(`${meter} rect`).setAttribute("width", `${Math.min(100, event.target.value.length * 5)}%`);
});

// htmx: the token on every post, the server's sentence when something fails, the login when the session has ended.
document.addEventListener("htmx:configRequest", (event) => { event.detail.headers["X-CSRF-Token"] = $("meta[name=csrf]").content; });
document.addEventListener("htmx:responseError", ({ detail: { xhr } }) => {
  if (xhr.status === 401) location.reload();
  else toast(new DOMParser().parseFromString(xhr.responseText, "text/html").querySelector("[data-sentence]")?.textContent ?? text("failed"));
});
document.addEventListener("htmx:sendError", () => toast(text("offline")));

function showConnection() {
  const note = $("#offline");
  if (!note) return;
  note.hidden = navigator.onLine;
  $("span", note).textContent = navigator.onLine ? "" : text("offline");
}
for (const name of ["online", "offline"]) addEventListener(name, showConnection);
showConnection();

remember("zone", Intl.DateTimeFormat().resolvedOptions().timeZone);
if (!/Mac|iP/.test(navigator.platform)) for (const key of $$("[data-mod]")) key.textContent = `Ctrl ${key.dataset.mod}`;

watchToasts();
watchKeys();
watchList();
palette.watch();
