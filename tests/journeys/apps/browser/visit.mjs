// Serves the shop on an origin of its own and visits it in Chromium: `node visit.mjs CHROMIUM '{"situation": "dsn", …}'`.
// Prints what the pages had to complain about, by situation.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { chromium } from "playwright-core";

const [executablePath, wanted] = process.argv.slice(2);
const SHOP = import.meta.dirname;
const PACKAGES = join(SHOP, "../..");
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript" };

const server = createServer(async (request, response) => {
  const path = normalize(new URL(request.url, "http://localhost").pathname);
  const file = path === "/" ? "/index.html" : path;
  try {
    const body = await readFile(join(file.startsWith("/node_modules/") ? PACKAGES : SHOP, file));
    response.writeHead(200, { "content-type": TYPES[extname(file)] }).end(body);
  } catch {
    response.writeHead(404).end();
  }
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));

const browser = await chromium.launch({
  executablePath,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--no-first-run"],
});
const complaints = {};
for (const [situation, dsn] of Object.entries(JSON.parse(wanted))) {
  const page = await browser.newPage();
  const said = (complaints[situation] = []);
  const pending = new Set();
  page.on("request", (request) => pending.add(request));
  page.on("requestfinished", (request) => pending.delete(request));
  page.on("requestfailed", (request) => pending.delete(request));
  page.on("console", (message) => message.type() === "error" && said.push(message.text()));
  page.on("requestfailed", (request) => said.push(`${request.method()} ${request.url()}: ${request.failure().errorText}`));
  page.on("response", (response) => response.ok() || said.push(`${response.status()} ${response.url()}`));
  await page.goto(`http://127.0.0.1:${server.address().port}/?${new URLSearchParams({ situation, dsn })}`);
  await page.waitForFunction(() => window.isDone, undefined, { timeout: 60_000 });
  while (pending.size) await new Promise((resolve) => setTimeout(resolve, 10));
  await page.close();
}
await browser.close();
server.close();
console.log(JSON.stringify(complaints));
