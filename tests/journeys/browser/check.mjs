// Pages in a real browser: no console message, no violation of the policy, no sideways scroll, no finding of axe-core,
// everything by keyboard, and everything that matters without script. Called by test_pages.py with one JSON argument:
// { base, cookie, pages, strangers, issue, project, chrome, shots, isThorough }.
import assert from "node:assert/strict";
import { blank, browser, close, findings, given, open, overhanging, quiet, tabTo, visit } from "./browser.mjs";

const { pages, strangers, issue, project, shots, isThorough } = given;
const LOOKS = [["light", 1440], ["dark", 390], ["light", 320], ["dark", 1440], ["light", 820], ["light", 390]];
const FULLY = ["issues", "issue", "hostile"];
// A sample of the others: each as a light desktop and a dark phone; pages of text, which are alike, as the phone.
const looks = (name) => isThorough || FULLY.includes(name) ? LOOKS : LOOKS.slice(name.startsWith("help-") ? 1 : 0, 2);

async function looksRight() {
  for (const look of LOOKS) for (const [some, isSignedIn] of [[pages, true], [strangers, false]]) {
    const [theme, width] = look;
    const page = await blank({ theme, width, isSignedIn });
    for (const [name, path] of Object.entries(some).filter(([name]) => looks(name).includes(look))) {
      const what = `${name} ${theme} ${width}`;
      await visit(page, path);
      assert.deepEqual(await overhanging(page), [], `${what}: scrolls sideways`);
      assert.deepEqual(await findings(page), [], what);
      if (shots) await page.screenshot({ path: `${shots}/${name}-${theme}-${width}.png` });
      quiet(page, what);
    }
    await close(page, "at the end");
  }
}

async function survivesLargeTextAndForcedColours() {
  const page = await blank({ width: 820, reducedMotion: "reduce", forcedColors: "active" });
  for (const [name, path] of Object.entries(pages)) {
    await visit(page, path);
    await page.evaluate(() => { document.documentElement.style.fontSize = "200%"; });
    assert.deepEqual(await overhanging(page), [], `${name}: scrolls sideways with text twice as large`);
    quiet(page, name);
  }
  await close(page, "at the end");
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
  await tabTo(page, ".lib > summary");
  await page.keyboard.press("Enter");
  await tabTo(page, ".lib .frame[data-load] > summary");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".lib .frame[open] .code");
  assert.deepEqual(await findings(page), [], "trace in use");
  await page.click("[data-frames=all]");
  assert.ok(await page.locator(".lib .frame").first().isVisible(), "library frames without opening their group");
  await page.keyboard.press("r");
  await page.waitForSelector("#raw");
  assert.match(await page.textContent("#raw"), /Traceback \(most recent call last\)/);
  await page.goto(given.base + issue);
  assert.ok(await page.locator("#raw").isVisible(), "the choice of frames is remembered");
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.keyboard.press("y");
  await page.waitForSelector("#toasts .toast");
  assert.match(await page.evaluate(() => navigator.clipboard.readText()), /^# `[^]*Traceback \(most recent call last\)/);
  await page.click("[data-frames=app]");
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
  await detail.click("[data-frames=raw]");
  assert.ok(await detail.locator("#raw").isVisible(), "the raw trace without script");
  await detail.click("[data-frames=app]");
  await detail.click(".lib > summary");
  await detail.click(".lib .frame > summary >> nth=0");
  await detail.click(".lib .load a >> nth=0");
  assert.ok(await detail.locator(".code").isVisible(), "a library frame without script");
  await close(detail, "issue without script");
}

async function projectByKeyboard() {
  const page = await open(`${project}/keys`);
  await tabTo(page, "[popovertarget=rotate-dsn]");
  await page.keyboard.press("Enter");
  assert.ok(await page.locator("#rotate-dsn").isVisible(), "rotating asks first");
  assert.deepEqual(await findings(page), [], "question before rotating");
  await page.keyboard.press("Escape");
  assert.ok(!await page.locator("#rotate-dsn").isVisible(), "and Escape is no");
  await page.keyboard.press("Enter");
  await tabTo(page, "#rotate-dsn select");
  await tabTo(page, "#rotate-dsn [type=submit]");
  await page.keyboard.press("Enter");
  await page.waitForSelector("#toasts .toast");
  assert.equal(await page.locator(".key .copyable").count(), 2, "the old DSN and the new one");
  await page.keyboard.press("Control+k");
  await page.keyboard.type("help");
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/help$/);
  await tabTo(page, ".topics a >> nth=1");
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/help\/counting$/);
  await close(page, "project by keyboard");
}

async function settingsInUse() {
  const page = await open(`${project}/settings`);
  await page.selectOption("#host", "template");
  assert.ok(!await page.locator("#repository").isVisible() && await page.locator("#template").isVisible());
  await page.selectOption("#host", "github");
  await page.fill("#repository", "acme/shop");
  await page.fill("#strip", "/app/");
  await page.waitForFunction(() => document.querySelector("#source-example a")?.href === "https://github.com/acme/shop/blob/main/checkout/discounts.py#L48");
  await page.check("[value=chosen]");
  assert.deepEqual(await findings(page), [], "settings in use");
  await page.click("#source [type=submit]");
  await page.waitForSelector("#toasts .toast");
  await page.goto(given.base + issue);
  assert.equal(await page.getAttribute(".call > .source", "href"), "https://github.com/acme/shop/blob/main/checkout/discounts.py#L48");
  await close(page, "settings");
}

async function projectWithoutScript() {
  const page = await open(`${project}/keys`, { js: false });
  const before = await page.locator(".key .copyable").count();
  await page.click("[popovertarget=rotate-dsn] >> nth=0");
  await page.selectOption("#rotate-dsn select", "7");
  await page.click("#rotate-dsn [type=submit]");
  assert.match(await page.textContent("#toasts .toast"), /works for 7 more days/);
  assert.equal(await page.locator(".key .copyable").count(), before + 1);
  assert.equal(await page.locator(".copyable button").first().isVisible(), false, "what needs the script is not shown");
  await page.goto(`${given.base}${project}/settings`);
  await page.fill("[name=rate_limit]", "300");
  await page.click(".form >> nth=0 >> [type=submit]");
  assert.match(await page.textContent("#toasts .toast"), /Saved/);
  assert.equal(await page.inputValue("[name=rate_limit]"), "300");
  await page.check("[value=chosen]");
  await page.check("[name=member] >> nth=0");
  await page.click(".audience [type=submit]");
  assert.ok(await page.isChecked("[name=member] >> nth=0"), "who sees it is stored");
  await page.fill("#branch", "trunk");
  await page.click("#source [formaction]");
  assert.match(await page.textContent("#source-example"), /\/trunk\//);
  await page.goto(given.base + project);
  await page.selectOption("[name=platform]", "rust");
  await page.click(".page form [type=submit]");
  assert.match(await page.textContent(".snippet pre"), /sentry::init/);
  await page.click(".sidebar a:has-text('Help')");
  await page.click(".topics a >> nth=0");
  assert.match(await page.textContent("h1"), /Connect an app/);
  await close(page, "project without script");
}

for (const check of [looksRight, survivesLargeTextAndForcedColours, listByKeyboard, listByPointer, issueInUse, withoutScript, projectByKeyboard, settingsInUse, projectWithoutScript]) {
  await check();
  console.log(`ok ${check.name}`);
}
await browser.close();
