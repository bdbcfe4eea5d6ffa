// The form of a pair: an answer is kept on this device first, then sent.
import { all, remove, replace } from "./database.js";
import { fill, forgetDraft, keepDraft, restoreDraft } from "./drafts.js";
import { remembers, reported } from "./exchange.js";
import { assignmentOf, flush, keep, waiting } from "./outbox.js";

let shownAt = performance.now();
let withoutConnection = false;

export async function startForm(form, person, show) {
  const own = await waitingFor(form, person);
  if (own.length && !form.dataset.flip) fill(form, Object.entries(JSON.parse(own.pop().body)));
  restoreDraft(form);
  keepDraft(form);
  const { answered, flip } = form.dataset;
  if (answered && flip && !(await remembers(form.elements.assignment.value))) {
    form.hidden = true;
    document.querySelector("[data-elsewhere]").hidden = false;
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    save(form, person, event.submitter?.value, show).catch(() => form.submit());
  });
}

async function waitingFor(form, person) {
  const assignment = form.elements.assignment.value;
  return (await waiting(person)).filter((record) => assignmentOf(record) === assignment);
}

async function save(form, person, then, show) {
  if (then === "enough" && !form.elements.choice.value) return location.assign("/enough");
  const corrected = (await waitingFor(form, person)).filter((record) => "refused" in record);
  const order = await keep(person, await answerOf(form, person), corrected);
  await remove("pairs", form.elements.assignment.value);
  forgetDraft(form);
  const replies = await flush(person);
  const left = (await waiting(person)).find((record) => record.order === order);
  await show(replies);
  if (left?.refused !== undefined) return document.getElementById("main").focus();
  if (then === "mine") return location.assign("/mine#answers");
  if (then === "enough") return location.assign(left ? "/enough" : "/enough?kept=1");
  if (left) return showNext(form, person);
  const version = replies.get(order)?.outcome === "kept as a new version";
  return location.assign(version ? "/compare?kept=version" : "/compare?kept=1");
}

async function answerOf(form, person) {
  const { assignment, choice, strength, reason } = form.elements;
  const shared = {
    assignment: assignment.value,
    language: document.documentElement.lang,
    offline: withoutConnection || !navigator.onLine,
  };
  if (form.dataset.flip) {
    // Neither strength, reason nor time is sent: they depend on the choice.
    const flip = Number(form.dataset.flip);
    const sent = await reported(person, choice.value, assignment.value, flip);
    return { ...shared, choice: sent, flip };
  }
  return {
    ...shared,
    choice: choice.value,
    strength: ["left", "right"].includes(choice.value) ? Number(strength.value) || null : null,
    reason: reason.value.trim() || null,
    seconds: Math.round((performance.now() - shownAt) / 1000),
    made_at: Math.floor(Date.now() / 1000),
  };
}

// Fetch the next pairs while there is a connection.
export async function reserve() {
  const response = await fetch("/pairs").catch(() => null);
  if (response?.ok) await replace("pairs", (await response.json()).pairs);
}

// Without a connection, the next pair on this device takes the place of the last one.
export async function showNext(form, person) {
  withoutConnection = true;
  const answered = (await waiting(person)).map(assignmentOf);
  const next = (await all("pairs")).find((pair) => !answered.includes(pair.assignment));
  for (const part of document.querySelectorAll("[data-with-connection]")) part.hidden = true;
  document.querySelector("[data-no-pairs]").hidden = next !== undefined;
  for (const part of document.querySelectorAll("[data-pairs-left]")) part.hidden = !next;
  form.hidden = next === undefined;
  if (next === undefined) return;
  form.reset();
  form.elements.assignment.value = next.assignment;
  for (const side of ["prompt", "left", "right"]) showText(form, side, next[side]);
  restoreDraft(form);
  shownAt = performance.now();
  document.getElementById("main").focus();
}

function showText(form, side, text) {
  const place = form.querySelector(`[data-text="${side}"]`);
  place.textContent = text.body;
  place.lang = text.language;
  for (const part of form.querySelectorAll(`[data-by="${side}"] [data-author]`)) {
    part.hidden = (part.dataset.author === "person") !== (text.author === "person");
  }
  form.querySelector(`[data-by="${side}"] a`).href = `/report/${text.id}`;
}
