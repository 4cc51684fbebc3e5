// Serves a built shop on an origin of its own and visits it in Chromium: `node visit.mjs CHROMIUM FOLDER QUERY`.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join, normalize } from "node:path";
import { chromium } from "playwright-core";

const [executablePath, folder, query] = process.argv.slice(2);

const server = createServer(async (request, response) => {
  const path = normalize(new URL(request.url, "http://localhost").pathname);
  const isPage = path === "/";
  try {
    const body = await readFile(isPage ? join(import.meta.dirname, "index.html") : join(folder, path));
    response.writeHead(200, { "content-type": isPage ? "text/html" : "text/javascript" }).end(body);
  } catch {
    response.writeHead(404).end();
  }
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));

const browser = await chromium.launch({
  executablePath,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--no-first-run"],
});
const page = await browser.newPage();
await page.goto(`http://127.0.0.1:${server.address().port}/?${query}`);
await page.waitForFunction(() => window.isDone, undefined, { timeout: 60_000 });
await browser.close();
server.close();
