// Pages in a real browser: no console message, no violation of the policy, no sideways scroll, no finding of axe-core,
// everything by keyboard, and everything that matters without script. Called by test_pages.py with one JSON argument:
// { base, cookie, pages, issue, chrome, shots }.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const { base, cookie, pages, issue, chrome, shots } = JSON.parse(process.argv[2]);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const LOOKS = [["light", 1440], ["dark", 390], ["light", 320], ["dark", 1440], ["light", 820], ["light", 390]];
const FULLY = ["issues", "issue", "hostile"]; // the others are looked at in the first three ways

const browser = await chromium.launch({
  executablePath: chrome,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});

async function open(path, { width = 1440, theme = "light", js = true, ...more } = {}) {
  const isPhone = width < 500;
  const context = await browser.newContext({
    viewport: { width, height: isPhone ? 844 : 900 }, colorScheme: theme, isMobile: isPhone, hasTouch: isPhone, javaScriptEnabled: js, ...more,
  });
  if (cookie) await context.addCookies([{ name: "bugwatch", value: cookie, url: new URL(base).origin }]);
  const page = await context.newPage();
  page.problems = [];
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && page.problems.push(message.text()));
  page.on("pageerror", (error) => page.problems.push(error.message));
  page.on("dialog", (dialog) => { page.problems.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  const answer = await page.goto(base + path);
  assert.equal(answer.status(), 200, `${path} answers ${answer.status()}`);
  return page;
}

async function close(page, what) {
  assert.deepEqual(page.problems, [], `${what}: console`);
  await page.context().close();
}

/** What sticks out to the right, if the page scrolls sideways for it. (A phone's innerWidth grows with what sticks out.) */
const overhanging = (page) => page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth ? [] :
  [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
    .map((e) => `${e.tagName}.${e.getAttribute("class")}`).slice(0, 12));

/** axe through the debugger, which a strict policy does not stop. */
async function findings(page) {
  await page.evaluate(axe);
  return page.evaluate((runOnly) => axe.run(document, { runOnly }).then(({ violations }) =>
    violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target).slice(0, 4).join(", ")}`)), RULES);
}

async function looksRight() {
  for (const [name, path] of Object.entries(pages)) for (const [theme, width] of LOOKS.slice(0, FULLY.includes(name) ? 6 : 3)) {
    const what = `${name} ${theme} ${width}`;
    const page = await open(path, { theme, width });
    assert.deepEqual(await overhanging(page), [], `${what}: scrolls sideways`);
    assert.deepEqual(await findings(page), [], what);
    if (shots) await page.screenshot({ path: `${shots}/${name}-${theme}-${width}.png` });
    await close(page, what);
  }
}

async function survivesLargeTextAndForcedColours() {
  for (const [name, path] of Object.entries(pages)) {
    const page = await open(path, { width: 820, reducedMotion: "reduce", forcedColors: "active" });
    await page.evaluate(() => { document.documentElement.style.fontSize = "200%"; });
    assert.deepEqual(await overhanging(page), [], `${name}: scrolls sideways with text twice as large`);
    await close(page, name);
  }
}

async function listByKeyboard() {
  const page = await open("/issues");
  const row = () => page.evaluate(() => [...document.querySelectorAll("tbody tr")].indexOf(document.activeElement.closest("tr")));
  for (const key of ["j", "j", "k"]) await page.keyboard.press(key);
  assert.equal(await row(), 0, "j and k move focus");
  const before = await page.locator("tbody tr").count();
  for (const key of ["x", "j", "x"]) await page.keyboard.press(key);
  assert.equal(await page.textContent(".bulk output"), "2 selected");
  await page.keyboard.press("e");
  await page.waitForFunction((count) => document.querySelectorAll("tbody tr").length === count, before - 2);
  assert.match(await page.textContent("#toasts .toast"), /2 issues resolved/);
  assert.equal(await row(), 1, "focus stays where it was");
  await page.keyboard.press("z");
  await page.waitForFunction((count) => document.querySelectorAll("tbody tr").length === count, before);
  await page.keyboard.press("/");
  await page.keyboard.type("jxe");
  assert.equal(await page.inputValue("[name=query]"), "jxe", "shortcuts are silent while typing");
  await page.keyboard.press("Escape");
  await page.locator("[name=query]").blur();
  await page.keyboard.press("?");
  assert.ok(await page.locator("#keys").isVisible(), "? shows the shortcuts");
  assert.deepEqual(await findings(page), [], "shortcuts");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Control+k");
  await page.keyboard.type("switch");
  assert.deepEqual(await findings(page), [], "palette");
  await page.keyboard.press("Enter");
  assert.equal(await page.getAttribute("html", "data-theme"), "light", "the palette switches the theme");
  await page.reload();
  assert.equal(await page.getAttribute("html", "data-theme"), "light", "the server remembers the theme");
  await close(page, "list by keyboard");
}

async function listByPointer() {
  const page = await open("/issues");
  const before = await page.locator("tbody tr").count();
  await page.locator("tbody .check").nth(0).click();
  await page.locator("tbody .check").nth(2).click({ modifiers: ["Shift"] });
  assert.equal(await page.textContent(".bulk output"), "3 selected", "shift selects a range");
  await page.click(".bulk [value=mute]");
  await page.waitForFunction((count) => document.querySelectorAll("tbody tr").length === count, before - 3);
  await page.click("#toasts button");
  await page.waitForFunction((count) => document.querySelectorAll("tbody tr").length === count, before);
  await page.click("#filters [popovertarget]");
  await page.selectOption("#level", "fatal");
  await page.click("#more-filters [type=submit]");
  assert.match(page.url(), /level=fatal/);
  assert.match(await page.textContent(".token"), /fatal/);
  await page.click(".token a");
  assert.doesNotMatch(page.url(), /level/);
  await close(page, "list by pointer");
}

async function issueInUse() {
  const page = await open(issue);
  await page.click(".lib > summary");
  await page.click(".lib .frame[data-load] > summary");
  await page.waitForSelector(".lib .frame[open] .code");
  await page.locator("[name=frames][value=raw]").check({ force: true });
  assert.match(await page.textContent("#raw"), /Traceback \(most recent call last\)/);
  await page.reload();
  assert.ok(await page.locator("#raw").isVisible(), "the choice of frames is remembered");
  await page.locator("[name=frames][value=app]").check({ force: true });
  await page.click("[popovertarget=more]");
  await page.click("#more [popovertarget=delete]");
  assert.ok(await page.locator("#delete").isVisible(), "deleting asks first");
  assert.deepEqual(await findings(page), [], "question before deleting");
  await page.click("#delete [popovertargetaction=hide]");
  await page.keyboard.press("e");
  await page.waitForSelector(".badge.ok");
  await page.keyboard.press("z");
  await page.waitForSelector(".badge.ok", { state: "detached" });
  await page.keyboard.press("[");
  await page.waitForURL(/events\/[0-9a-f]{32}$/);
  await close(page, "issue");
}

async function withoutScript() {
  const list = await open("/issues", { js: false });
  const before = await list.locator("tbody tr").count();
  await list.locator("tbody .check").first().click();
  await list.click(".bulk [value=resolve]");
  assert.equal(await list.locator("tbody tr").count(), before - 1, "a bulk action without script");
  await list.click("#toasts button");
  assert.equal(await list.locator("tbody tr").count(), before, "and its undo");
  await list.fill("[name=query]", "no such thing");
  await list.press("[name=query]", "Enter");
  assert.match(await list.textContent(".empty"), /no such thing/);
  assert.equal(await list.locator(".jump").isVisible(), false, "what needs the script is not shown");
  await close(list, "list without script");
  const detail = await open(issue, { js: false });
  await detail.locator("[name=frames][value=raw]").check({ force: true });
  assert.ok(await detail.locator("#raw").isVisible(), "the raw trace without script");
  await detail.locator("[name=frames][value=app]").check({ force: true });
  await detail.click(".lib > summary");
  await detail.click(".lib .frame > summary >> nth=0");
  await detail.click(".lib .load a >> nth=0");
  assert.ok(await detail.locator(".code").isVisible(), "a library frame without script");
  await close(detail, "issue without script");
}

for (const check of [looksRight, survivesLargeTextAndForcedColours, listByKeyboard, listByPointer, issueInUse, withoutScript]) {
  await check();
  console.log(`ok ${check.name}`);
}
await browser.close();
