// Small things that every module needs.
export const $ = (selector, root = document) => root.querySelector(selector);
export const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

/** A text from the server's catalogue, with {n} or {q} filled in. */
export const text = (name, value = "") => $("#texts").dataset[name].replace(/\{[nq]\}/, value);

/** Remembered for a year, for the server as well: it writes the theme and all times. */
export function remember(name, value) {
  const secure = location.protocol === "https:" ? ";secure" : "";
  document.cookie = `${name}=${encodeURIComponent(value)};path=${document.documentElement.dataset.base}/;max-age=31536000;samesite=lax${secure}`;
}

/** The browser may forbid storage; then nothing is remembered, and nothing breaks. */
export const store = {
  get(key) { try { return localStorage.getItem(key); } catch { return null; } },
  set(key, value) { try { localStorage.setItem(key, value); } catch { /* see above */ } },
};
