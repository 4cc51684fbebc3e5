// The first minutes, by keyboard: account, address, project, and the row that turns green. Called by test_pages.py with
// one JSON argument: { base, chrome, setup, shots }.
import assert from "node:assert/strict";
import { browser, close, findings, given, open, overhanging, tabTo } from "./browser.mjs";

const page = await open(given.setup);

async function arrivedAt(path, name) {
  await page.waitForURL(path);
  await page.waitForLoadState();
  assert.deepEqual(await overhanging(page), [], name);
  assert.deepEqual(await findings(page), [], name);
  if (given.shots) await page.screenshot({ path: `${given.shots}/${name}.png`, fullPage: true });
}

async function fill(selector, text) {
  await tabTo(page, selector);
  await page.keyboard.type(text);
}

await arrivedAt(/\/setup\?token=/, "setup-account");
await fill("[name=email]", "mara@example.test");
await fill("[name=password]", "password");
assert.notEqual(await page.getAttribute("[name=password] ~ .meter rect", "width"), "0", "the meter moves");
await page.keyboard.type(" of a quiet room");
await page.keyboard.press("Enter");
await arrivedAt(/\/setup\/instance$/, "setup-address");
await tabTo(page, "[type=submit]");
await page.keyboard.press("Enter");
await arrivedAt(/\/setup\/project$/, "setup-project");
await page.keyboard.type("Checkout API");
await page.keyboard.press("Enter");
await page.waitForSelector(".waiting");
await arrivedAt(/\/setup\/project$/, "setup-done");
assert.match(await page.textContent(".note .copyable code"), /^bw_live_/, "the API key, once");

const dsn = new URL(await page.textContent("section .copyable code"));
await page.waitForSelector(".waiting:not(.ok)");
const answer = await fetch(`${dsn.origin}/api${dsn.pathname}/store/?sentry_key=${dsn.username}`, { method: "POST", body: '{"message": "Hello"}' });
assert.equal(answer.status, 200);
await page.waitForSelector(".waiting.ok");
await tabTo(page, ".waiting a");
await page.keyboard.press("Enter");
await page.waitForURL(/\/issues\?project=checkout-api$/);
assert.match(await page.textContent("tbody"), /Hello/);
await close(page, "first run");
await browser.close();
