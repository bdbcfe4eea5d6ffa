// Answers of several policies to one prompt, side by side, as they are written.

import { Problem, byId, counted, element, events, showProblem } from "./common.js";

const CHECKED_COMMUNITIES = 4; // communities that are chosen at first
const MODES = { auto: "Chosen by the prompt", overton: "Range of views", distributional: "Drawn by population" };
const CHECKED_MODES = ["auto", "overton"];
const TOKENS = 256;
const SEEDS = 2 ** 31;

let running = null; // the AbortController of the answers in progress
let askForToken = null; // what to call when the server asks for a token
let communityNames = new Map();

/** "tea+bo8@MEX" -> { server: "tea", best: true, words: "MEX" }. */
function parts(name) {
  const [head, words = ""] = name.split(/@(.*)/s);
  return { server: head.replace(/\+bo8$/, ""), best: head.endsWith("+bo8"), words };
}

function labelOf(words) {
  if (!words) return "Start model";
  return MODES[words] ?? communityNames.get(words) ?? words;
}

/** Offer the policies of the server; none hides the section. */
export function showPolicies(names, communities, whenRefused) {
  askForToken = whenRefused;
  communityNames = new Map(communities.map(({ id, name }) => [id, name]));
  byId("answers").hidden = names.length === 0;
  const found = names.map(parts);
  const alone = found.some(({ best, words }) => !best && words && !(words in MODES));
  const choices = new Map(found.map(({ server, words }) => [words, server]));
  let communitiesSoFar = 0;
  const boxes = [...choices].map(([words, server]) => {
    const isCommunity = words && !(words in MODES);
    if (isCommunity) communitiesSoFar += 1;
    const isChecked = isCommunity ? communitiesSoFar <= CHECKED_COMMUNITIES : !words || CHECKED_MODES.includes(words);
    return choice(words, server, isChecked);
  });
  byId("policies").replaceChildren(...boxes);
  byId("best").disabled = byId("best").checked = names.length > 0 && !alone;
  byId("best").closest("p").hidden = !found.some(({ best }) => best);
}

function choice(words, server, isChecked) {
  const box = element("input", null, { type: "checkbox", value: words, "data-server": server, autocomplete: "off" });
  box.checked = isChecked;
  const label = element("label");
  label.append(box, " ", element("bdi", labelOf(words)));
  return label;
}

/** The chosen policies: their labels and the names to ask for. */
function chosen() {
  const boxes = [...byId("policies").querySelectorAll("input:checked")];
  return boxes.map((box) => {
    const words = box.value;
    const best = words && !(words in MODES) && byId("best").checked ? "+bo8" : "";
    return { label: labelOf(words), model: `${box.dataset.server}${best}${words && `@${words}`}` };
  });
}

function column({ label, model }, number) {
  const article = element("article", null, { "aria-labelledby": `column-${number}`, "aria-busy": "true", "data-model": model });
  const title = element("h3", null, { id: `column-${number}` });
  title.append(element("bdi", label));
  article.append(title, element("p", "Waiting …", { class: "words", dir: "auto" }), element("p", null, { class: "about behind" }));
  return article;
}

/** "Mexico 60 % (210 people), United Kingdom 40 % (number of people not known)". */
function communitiesText(steer, people) {
  const shares = Object.entries(steer);
  const named = shares.map(([id, share]) => {
    const name = communityNames.get(id) ?? id;
    const n = id in people ? counted(people[id], "person", "people") : "number of people not known";
    return `${name}${shares.length > 1 ? ` ${Math.round(100 * share)}\u00a0%` : ""} (${n})`;
  });
  return named.join(", ");
}

/** The communities and people behind an answer, in words. */
function behind({ steer, people, abstained, best_of: bestOf, reward }) {
  const isSteered = Object.keys(steer).length > 0;
  const told = [isSteered ? `Answered as ${communitiesText(steer, people)}.` : "Answered by the start model, which follows no community."];
  if (abstained) told.push(`Abstained: ${abstained}.`);
  const chosenBy = Number.isFinite(reward) ? `, with a reward of ${reward.toFixed(2)} logits` : "";
  if (bestOf > 1) told.push(`The best of ${bestOf} answers${chosenBy}.`);
  return told.join(" ");
}

async function fill(article, model, messages, seed, signal) {
  const words = article.querySelector(".words");
  const body = { model, messages, seed, max_tokens: TOKENS, stream: true };
  let text = "";
  for await (const { choices, pluralign } of events("v1/chat/completions", body, signal)) {
    text += choices[0]?.delta.content ?? "";
    if (text) words.textContent = text;
    if (choices[0]?.finish_reason) {
      if (!text) words.textContent = "(an empty answer)";
      article.querySelector(".behind").textContent = behind(pluralign);
      if (choices[0].finish_reason === "length") words.append(" ", element("span", "… (cut here)", { class: "about" }));
    }
  }
}

function setRunning(own) {
  running = own;
  byId("answer-all").textContent = own ? "Answering …" : "Answer";
  byId("answer-all").setAttribute("aria-disabled", String(own !== null));
  byId("stop").hidden = own === null;
}

async function answerAll() {
  const asked = chosen();
  byId("chat-problem").replaceChildren();
  if (running) return;
  if (!asked.length) {
    showProblem(new Problem("Choose at least one policy."), byId("chat-problem"));
    return;
  }
  const own = new AbortController();
  setRunning(own);
  const articles = asked.map(column);
  byId("columns").replaceChildren(...articles);
  const messages = [{ role: "user", content: byId("talk").value }];
  const seed = Math.floor(Math.random() * SEEDS); // one for all, so that they differ by the policy
  let done = 0;
  for (const [number, { model }] of asked.entries()) {
    byId("chat-summary").textContent = `${done} of ${counted(asked.length, "answer is", "answers are")} written.`;
    try {
      await fill(articles[number], model, messages, seed, own.signal);
      done += 1;
    } catch (problem) {
      articles[number].querySelector(".words").textContent = "";
      if (own.signal.aborted) break;
      if (problem.status === 401) {
        byId("columns").replaceChildren();
        setRunning(null);
        byId("chat-summary").textContent = "The server asks for a token.";
        askForToken(answerAll);
        return;
      }
      showProblem(problem, articles[number].querySelector(".behind"));
    } finally {
      articles[number].setAttribute("aria-busy", "false");
    }
  }
  const texts = articles.map((article) => article.querySelector(".words").textContent).filter(Boolean);
  const alike = done > 1 && new Set(texts).size === 1 ? " All have the same words." : "";
  const stopped = own.signal.aborted ? " Stopped." : "";
  for (const waiting of byId("columns").querySelectorAll('[aria-busy="true"]')) waiting.remove();
  byId("chat-summary").textContent = `${done} of ${counted(asked.length, "answer is", "answers are")} written.${stopped} All were drawn with the same seed.${alike}`;
  setRunning(null);
}

byId("chat").addEventListener("submit", (event) => {
  event.preventDefault();
  answerAll();
});
byId("chat").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
  event.preventDefault();
  byId("chat").requestSubmit();
});
byId("stop").addEventListener("click", () => {
  running?.abort();
  byId("answer-all").focus();
});
