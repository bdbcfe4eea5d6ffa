// Begins on every page: keeps answers safe without a connection. Pages work without it.
import { one, put, remove, replace } from "./database.js";
import { reserve, showNext, startForm } from "./comparing.js";
import { forgetDrafts, forgetText, keepDraft, restoreDraft } from "./drafts.js";
import { assignmentOf, flush, waiting } from "./outbox.js";

const strip = document.getElementById("outbox");
const offline = "offline" in document.body.dataset;
const find = (selector) => document.querySelector(selector);
let person = "";

async function begin() {
  navigator.serviceWorker.register("/sw.js").catch(() => null);
  person = await whose();
  const [pair, writing, leaving] = ["form[data-pair]", "form[action='/write']", "form[action='/leave']"].map(find);
  for (const part of document.querySelectorAll("[data-without-script]")) part.remove();
  const sent = find("[data-sent]");
  if (sent) forgetText(sent.dataset.sent);
  if (writing) [restoreDraft, keepDraft].forEach((act) => act(writing));
  leaving?.addEventListener("submit", (event) => {
    event.preventDefault();
    forget().finally(() => leaving.submit());
  });
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
  const last = [...replies.values()].pop() ?? {};
  strip.hidden = records.length === 0;
  strip.querySelector("[data-held]").hidden = held === 0;
  strip.querySelector("[data-count]").textContent = held.toLocaleString(document.documentElement.lang);
  strip.querySelector("[data-unreachable]").hidden = last.outcome !== "unreachable";
  strip.querySelector("[data-sentence]").textContent = last.outcome === "wait" ? last.sentence : "";
  for (const link of strip.querySelectorAll("[data-next]")) {
    link.hidden = last.next !== link.getAttribute("href");
  }
  strip.querySelector("ul").replaceChildren(...refused.map(refusedItem));
}

function refusedItem(record) {
  const item = strip.querySelector("template").content.firstElementChild.cloneNode(true);
  const [sentence, words, link, button] = ["p", "blockquote", "a", "button"].map((name) => item.querySelector(name));
  if (record.refused) sentence.textContent = record.refused;
  words.textContent = JSON.parse(record.body).reason ?? "";
  link.href = `/answer/${assignmentOf(record)}`;
  button.addEventListener("click", async () => {
    await remove("answers", record.order);
    await show(new Map());
  });
  return item;
}

if (isSecureContext && navigator.locks && navigator.serviceWorker && window.indexedDB) {
  begin().catch(() => null);
}
