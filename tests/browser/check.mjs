// Opens the HTML reports of a folder in a real browser, and says what is wrong with them.
//
// Beside each NAME.html lies NAME.json, the same report as JSON: what the page has to show is taken from there.
// hostile-*.html has to be built of the same elements and attributes as harmless.html, whatever its texts are.
//
// usage: node check.mjs CHROMIUM FOLDER

import { readFile, readdir } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

import { FileSystemConfigLoader, HtmlValidate } from "html-validate";
import { chromium } from "playwright-core";

const [, , executablePath, folder] = process.argv;
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const complaints = [];
let name = "";
const complain = (what) => complaints.push(`${name}: ${what}`);
const expect = (holds, what) => holds || complain(what);

const browser = await chromium.launch({
  executablePath,
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
});
try {
  const strict = await contextOf({});
  await strict.grantPermissions(["clipboard-read", "clipboard-write"]);
  const withoutClipboard = await contextOf({});
  await withoutClipboard.addInitScript(() => Object.defineProperty(navigator, "clipboard", { value: undefined }));
  const withoutScript = await contextOf({ javaScriptEnabled: false });
  // The policy forbids axe's script too. What it looks at is the same without the policy.
  const lenient = await contextOf({ bypassCSP: true });

  const pages = (await readdir(folder)).filter((file) => file.endsWith(".html")).sort();
  let harmless = "";
  await withPage(strict, pathToFileURL(path.join(folder, "harmless.html")).href, async (page) => {
    harmless = await skeletonOf(page);
  });
  for (const file of pages) {
    name = file.replace(/\.html$/, "");
    const report = JSON.parse(await readFile(path.join(folder, `${name}.json`), "utf8"));
    const url = pathToFileURL(path.join(folder, file)).href;
    await isValid(path.join(folder, file));
    await withPage(strict, url, async (page) => {
      if (name.startsWith("hostile")) {
        const skeleton = await skeletonOf(page);
        expect(skeleton === harmless, `its elements differ: ${firstDifference(harmless, skeleton)}`);
      }
      await showsTheReport(page, report);
    });
    // What is left to look at is that of the broken report.
    if (name.startsWith("hostile") || name === "harmless") continue;
    await withPage(strict, url, (page) => opensByKeyboard(page));
    await withPage(strict, url, (page) => prints(page));
    await withPage(strict, url, (page) => copies(page, strict, report));
    if (name === "broken") await withPage(withoutClipboard, url, (page) => copies(page, strict, report));
    await withPage(withoutScript, url, (page) => isReadableWithoutScript(page));
    await withPage(lenient, url, (page) => isAccessible(page));
  }
  console.log(`${pages.length} pages`);
} finally {
  await browser.close();
}
if (complaints.length > 0) {
  console.log(complaints.join("\n"));
  process.exitCode = 1;
}

async function contextOf(options) {
  return browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: "reduce", ...options });
}

// Loads the page, and complains of everything that a quiet page doesn't do.
async function withPage(context, url, look) {
  const page = await context.newPage();
  page.on("console", (message) => complain(`the console says: ${message.text()}`));
  page.on("pageerror", (error) => complain(`an error: ${error}`));
  page.on("dialog", (dialog) => (complain(`a dialog: ${dialog.message()}`), dialog.dismiss()));
  page.on("request", (request) => request.url() === url || complain(`it asks for ${request.url()}`));
  page.on("popup", () => complain("it opens a window"));
  await page.goto(url);
  try {
    await look(page);
  } finally {
    await page.close();
  }
}

async function isValid(file) {
  const validator = new HtmlValidate(
    new FileSystemConfigLoader({
      root: true,
      extends: ["html-validate:recommended", "html-validate:document", "html-validate:a11y"],
      // It counts &lt; as four characters, of which the hostile titles have many.
      rules: name.startsWith("hostile") ? { "long-title": "off" } : {},
    }),
  );
  const { results } = await validator.validateString(await readFile(file, "utf8"), file);
  for (const { line, column, message, ruleId } of results.flatMap((result) => result.messages)) {
    complain(`${line}:${column}: ${message} (${ruleId})`);
  }
}

async function showsTheReport(page, report) {
  const title = page.locator("h1");
  expect(await title.isVisible(), "the verdict isn't visible");
  const words = await title.textContent();
  const [cause] = report.findings;
  if (report.verdict === "broken" || report.verdict === "degraded") {
    expect(words.includes(shown(cause.message)), `the verdict isn't the cause's message: ${words}`);
    expect(words.includes(report.verdict), `the verdict isn't in words: ${words}`);
  }
  if (report.verdict === "unknown") expect(words.includes("unknown"), `the verdict isn't in words: ${words}`);
  const beginning = (await page.title()).replace(/…$/, "").split(": ").slice(1).join(": ");
  expect(words.includes(beginning), `the title isn't the verdict: ${await page.title()}`);

  const failed = report.endpoints.filter((one) => one.layers.some((layer) => layer.status === "failed"));
  if (!name.startsWith("large")) {
    const broken = page.locator("[aria-current=step]");
    expect((await broken.count()) === failed.length, "not every way that breaks is marked, once");
    for (const hop of await broken.all()) {
      const text = await hop.textContent();
      expect(text.includes("failed") && text.includes("breaks here"), `the mark has no words: ${text}`);
    }
    const hops = await page.locator("li.hop.ok, li.hop.failed, li.hop.not-tried").count();
    const rungs = report.endpoints.flatMap((one) => one.layers).length;
    expect(hops === rungs, `${hops} hops for ${rungs} rungs`);
    await showsEveryText(page, report);
  }

  for (const width of [360, 1280]) {
    await page.setViewportSize({ width, height: 800 });
    for (const open of [false, true]) {
      await page.evaluate((open) => document.querySelectorAll("details").forEach((one) => (one.open = open)), open);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      expect(wide <= width, `${wide} px wide at ${width} px, details ${open ? "open" : "closed"}`);
    }
  }
  const scripts = await page.locator("script").count();
  const strangers = await page.locator("img, iframe, object, embed, link, form, base, [style], [onclick]").count();
  expect(scripts === 1 && strangers === 0, "there are elements that no report has");
  const links = await page.locator("[href]").evaluateAll((all) => all.map((one) => one.getAttribute("href")));
  const bad = links.filter((link) => !/^(#|https:\/\/)/.test(link));
  expect(bad.length === 0, `links to ${bad}`);
  const dead = await page
    .locator("a[href^='#']")
    .evaluateAll((all) => all.map((one) => one.hash.slice(1)).filter((id) => !document.getElementById(id)));
  expect(dead.length === 0, `links to what isn't there: ${dead}`);
}

// What the report says is there word for word, with the invisible shown by its number.
async function showsEveryText(page, report) {
  const all = await page.evaluate(() => document.body.textContent);
  const texts = [
    ...report.endpoints.map((one) => one.url),
    ...report.endpoints.flatMap((one) => one.layers.map((layer) => layer.summary)),
    ...report.findings.flatMap((one) => [one.message, one.remedy.text, one.code, one.name]),
    ...report.findings.flatMap((one) => one.candidates.map((candidate) => candidate.why)),
    ...report.identities.flatMap((one) => [one.name, one.source, one.mode]),
    ...report.identities.flatMap((one) => one.settings.flatMap(({ name, value, source }) => [name, value, source])),
    ...report.observations.flatMap((one) => [one.id, one.summary]),
    ...(report.proxy_config?.files ?? []).map((one) => one.name),
  ];
  for (const text of texts) {
    expect(all.includes(shown(text)), `it doesn't show ${JSON.stringify(text)}`);
  }
}

// As the program shows text: everything invisible by its number.
function shown(text) {
  const names = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };
  const shown = [...text].map((char) => {
    if (names[char]) return names[char];
    const invisible = /[\p{Cc}\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\u{e0000}-\u{e0fff}]/u;
    return invisible.test(char) ? `\\u{${char.codePointAt(0).toString(16)}}` : char;
  });
  return shown.join("");
}

async function opensByKeyboard(page) {
  const folded = await page.locator("main details").count();
  if (folded === 0) return;
  const isSummary = () => document.activeElement.localName === "summary";
  // The tab key comes past every link and button first.
  for (let pressed = 0; pressed < 500 && !(await page.evaluate(isSummary)); pressed++) {
    await page.keyboard.press("Tab");
  }
  const isOpen = () => document.activeElement.parentElement.open === true;
  expect(!(await page.evaluate(isOpen)), "the first summary that the keyboard reaches is open");
  await page.keyboard.press("Enter");
  expect(await page.evaluate(isOpen), "Enter doesn't open what is folded");
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  expect(outline !== "none", "the focus can't be seen");
}

async function prints(page) {
  await page.evaluate(() => {
    const all = () => [...document.querySelectorAll("details")].map((one) => one.open);
    window.before = all();
    // After the page's own listener.
    addEventListener("beforeprint", () => (window.printed = all()));
  });
  const pdf = await page.pdf({ format: "A4" });
  expect(pdf.subarray(0, 5).toString() === "%PDF-", "printing makes no PDF");
  const [before, printed, after] = await page.evaluate(() => [
    window.before,
    window.printed,
    [...document.querySelectorAll("details")].map((one) => one.open),
  ]);
  expect(printed?.every((open) => open), "something is folded on paper");
  expect(String(before) === String(after), "printing changes what is folded");
  await page.emulateMedia({ media: "print" });
  for (const button of await page.locator("button").all()) {
    expect(!(await button.isVisible()), "there is a button on paper");
  }
}

async function copies(page, strict, report) {
  const wanted = report.findings
    .flatMap((one) => [...one.remedy.snippets.map((snippet) => snippet.text), one.decide?.command ?? ""])
    .map(withoutEndings);
  const clipboard = await strict.newPage();
  await clipboard.goto(page.url());
  await page.evaluate(() => document.querySelectorAll("details").forEach((one) => (one.open = true)));
  const buttons = await page.locator("button.copy").all();
  const snippets = report.findings.some((one) => one.remedy.snippets.length > 0);
  expect(!snippets || buttons.length > 0, "there is no button to copy with");
  for (const button of buttons.slice(0, 6)) {
    await page.bringToFront();
    await button.click();
    await page.waitForFunction((button) => button.textContent !== "Copy", await button.elementHandle());
    expect((await button.textContent()) === "Copied", "it can't be copied");
    expect((await page.locator("[role=status]").textContent()) === "Copied", "a screen reader isn't told");
    await clipboard.bringToFront();
    const text = await clipboard.evaluate(() => navigator.clipboard.readText());
    const written = await button.evaluate((one) => one.parentElement.querySelector("code").textContent);
    expect(text === written, `copied is ${JSON.stringify(text)}, written ${JSON.stringify(written)}`);
    if (!name.startsWith("large")) {
      expect(wanted.includes(withoutEndings(text)), `copied is no snippet: ${JSON.stringify(text)}`);
    }
  }
  await clipboard.close();
}

// Spaces at the end of lines are left out of the page: nobody sees them.
function withoutEndings(text) {
  return text.trimEnd().split(/\r?\n/).map((line) => line.trimEnd()).join("\n");
}

async function isReadableWithoutScript(page) {
  for (const button of await page.locator("button").all()) {
    expect(!(await button.isVisible()), "there is a button that does nothing");
  }
  expect(await page.locator("h1").isVisible(), "the verdict isn't visible without a script");
}

async function isAccessible(page) {
  // The large page has nothing but more of the same, which takes axe half a minute.
  const isLarge = name.startsWith("large");
  await page.evaluate((open) => document.querySelectorAll("details").forEach((one) => (one.open = open)), !isLarge);
  await page.evaluate(axe);
  const looks = [
    ["light", 1280, {}],
    ["light", 360, {}],
    ["dark", 1280, { runOnly: ["color-contrast"] }],
  ];
  for (const [colorScheme, width, options] of isLarge ? looks.slice(0, 1) : looks) {
    await page.setViewportSize({ width, height: 800 });
    await page.emulateMedia({ colorScheme });
    const { violations } = await page.evaluate((options) => window.axe.run(options), options);
    for (const { id, nodes } of violations) {
      const where = nodes.slice(0, 3).map((node) => `${node.html} ${node.failureSummary}`);
      complain(`${colorScheme}, ${width} px: ${id}, ${nodes.length} times: ${where.join("; ")}`);
    }
  }
}

// The elements of a page and the names of their attributes, without any text.
async function skeletonOf(page) {
  return page.evaluate(() => {
    const names = (one) => [...one.attributes].map((attribute) => attribute.name);
    const all = [...document.querySelectorAll("*")];
    return all.map((one) => `${one.localName} ${names(one)} ${one.getAttribute("class")}`).join("\n");
  });
}

function firstDifference(one, other) {
  const [left, right] = [one.split("\n"), other.split("\n")];
  const index = left.findIndex((line, index) => line !== right[index]);
  return `element ${index} is ${right[index]}, not ${left[index]}`;
}
