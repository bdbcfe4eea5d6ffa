// Begins on every page: keeps answers safe without a connection. Pages work without it.
import { one, put, remove, removeOf, replace } from "./database.js";
import { reserve, showNext, startForm } from "./comparing.js";
import { forgetDrafts, forgetText, keepDraft, restoreDraft } from "./drafts.js";
import { flush, waiting } from "./outbox.js";

const strip = document.getElementById("outbox");
const offline = "offline" in document.body.dataset;
const find = (selector) => document.querySelector(selector);
let person = "";

async function begin() {
  const sent = find("[data-sent]");
  if (sent) forgetText(sent.dataset.sent); // before anything that takes time: a person may go on
  navigator.serviceWorker.register("/sw.js").catch(() => null);
  if ("withdrawn" in document.body.dataset) await eraseWithdrawn();
  person = await whose();
  const [pair, writing] = [find("form[data-pair]"), find("form[action='/write']")];
  for (const part of document.querySelectorAll("[data-without-script]")) part.remove();
  if (writing) [restoreDraft, keepDraft].forEach((act) => act(writing));
  before("/leave", forget);
  before("/withdraw", () => put("memory", { name: "withdrawing", value: person }));
  strip.querySelector("[data-send]").addEventListener("click", sendAgain);
  addEventListener("online", sendAgain);
  if (pair) await startForm(pair, person, show);
  await show(await flush(person));
  if (pair) await (offline ? showNext(pair, person) : reserve());
}

// The person of this page, else the one who was here last.
async function whose() {
  const before = (await one("memory", "person"))?.value ?? "";
  const now = document.body.dataset.person || before;
  if (before && before !== now) await forget();
  await put("memory", { name: "person", value: now });
  return now;
}

async function forget() {
  forgetDrafts();
  await replace("pairs", []);
  await remove("memory", "person");
}

// Finish something on this device before a form is sent.
function before(path, act) {
  const form = find(`form[action="${path}"]`);
  form?.addEventListener("submit", (event) => {
    event.preventDefault();
    act().finally(() => form.submit());
  });
}

// After a withdrawal that began here, nothing of the person stays on this device.
async function eraseWithdrawn() {
  const withdrawn = (await one("memory", "withdrawing"))?.value;
  if (!withdrawn) return;
  await removeOf("answers", withdrawn);
  await removeOf("exchanges", withdrawn);
  await remove("memory", "withdrawing");
  await forget();
}

async function sendAgain() {
  const replies = await flush(person);
  await show(replies);
  const reached = await fetch("/healthz").catch(() => null);
  if (offline && reached?.ok) location.reload();
}

// Show what waits on this device, and what the server said last.
async function show(replies) {
  const records = await waiting(person);
  const refused = records.filter((record) => "refused" in record);
  const held = records.length - refused.length;
  const number = held.toLocaleString(document.documentElement.lang);
  const last = [...replies.values()].pop() ?? {};
  strip.hidden = records.length === 0;
  strip.querySelector("[data-held]").hidden = held === 0;
  strip.querySelector("[data-count]").textContent = number;
  strip.querySelector("[data-unreachable]").hidden = last.outcome !== "unreachable";
  strip.querySelector("[data-sentence]").textContent = last.outcome === "wait" ? last.sentence : "";
  for (const link of strip.querySelectorAll("[data-next]")) {
    link.hidden = last.next !== link.getAttribute("href");
  }
  strip.querySelector("ul").replaceChildren(...refused.map(refusedItem));
}

function refusedItem(record) {
  const item = strip.querySelector("template").content.firstElementChild.cloneNode(true);
  const { assignment, reason } = JSON.parse(record.body);
  if (record.refused) item.querySelector("p").textContent = record.refused;
  item.querySelector("blockquote").textContent = reason ?? "";
  item.querySelector("a").href = `/answer/${assignment}`;
  item.querySelector("button").addEventListener("click", async () => {
    await remove("answers", record.order);
    await show(new Map());
  });
  return item;
}

if (isSecureContext && navigator.locks && navigator.serviceWorker && window.indexedDB) {
  begin().catch(() => null);
}
