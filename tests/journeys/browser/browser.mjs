// A browser as the checks need it: pages that remember what went wrong on them, axe-core, and the Tab key.
// Whoever imports this was called with one JSON argument, `given`: { base, chrome, cookie?, … }.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

export const given = JSON.parse(process.argv[2]);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

export const browser = await chromium.launch({
  executablePath: given.chrome,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});

export const open = async (path, look) => visit(await blank(look), path);

/** A page that has been nowhere yet. A browser of one's own costs more than a visit: who only looks goes on with one. */
export async function blank({ width = 1440, theme = "light", js = true, isSignedIn = true, ...more } = {}) {
  const isPhone = width < 500;
  const context = await browser.newContext({
    viewport: { width, height: isPhone ? 844 : 900 }, colorScheme: theme, isMobile: isPhone, hasTouch: isPhone, javaScriptEnabled: js, ...more,
  });
  if (given.cookie && isSignedIn) await context.addCookies([{ name: "bugwatch", value: given.cookie, url: new URL(given.base).origin }]);
  const page = await context.newPage();
  page.problems = [];
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && page.problems.push(message.text()));
  page.on("pageerror", (error) => page.problems.push(error.message));
  page.on("dialog", (dialog) => { page.problems.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  return page;
}

export async function visit(page, path) {
  const answer = await page.goto(given.base + path);
  assert.equal(answer.status(), 200, `${path} answers ${answer.status()}`);
  return page;
}

export async function close(page, what) {
  quiet(page, what);
  await page.context().close();
}

export const quiet = (page, what) => assert.deepEqual(page.problems, [], `${what}: console`);

/** What sticks out to the right, if the page scrolls sideways for it. (A phone's innerWidth grows with what sticks out.) */
export const overhanging = (page) => page.evaluate(() => {
  const width = document.documentElement.clientWidth;
  return document.documentElement.scrollWidth <= width ? [] :
    [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > width + 1)
      .map((e) => `${e.tagName}.${e.getAttribute("class")}`).slice(0, 12);
});

/** axe through the debugger, which a strict policy does not stop. */
export async function findings(page) {
  await page.evaluate(axe);
  return page.evaluate((runOnly) => axe.run(document, { runOnly }).then(({ violations }) =>
    violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target).slice(0, 4).join(", ")}`)), RULES);
}

/** Press Tab until the focus is there. */
export async function tabTo(page, selector) {
  const target = page.locator(selector).first();
  for (let n = 0; n < 80; n++) {
    await page.keyboard.press("Tab");
    if (await target.evaluate((element) => element === document.activeElement)) return;
  }
  assert.fail(`${selector} cannot be reached by Tab`);
}
