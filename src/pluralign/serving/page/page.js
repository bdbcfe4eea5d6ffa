// The page at "/": it sends two responses to its server and shows which one each community prefers.

import { showPolicies } from "./chat.js";
import { Problem, byId, counted, element, hasToken, request, setToken, showProblem, svgElement } from "./common.js";

const WORLD = "~world"; // the reference, not a community
const HALF = 0.5;
const FILTER_ABOVE = 12; // with more rows than this there is a filter
const SPACE = "\u00a0";

// --- Texts

/** 0.684 -> "68"; never "0" or "100", which would mean that all people of a community agree. */
const whole = (share) => (share < 0.005 ? "<1" : share > 0.995 ? ">99" : String(Math.round(100 * share)));
const hasInterval = ({ low, high }) => Number.isFinite(low) && Number.isFinite(high);

function shareText(share) {
  const value = Number.isFinite(share.value) ? `${whole(share.value)}${SPACE}%` : "no number";
  return hasInterval(share) ? `${value} [${whole(share.low)},${SPACE}${whole(share.high)}]` : value;
}

/** The response that a share favours: "first", "second", "undecided", or "unsure" where there is no interval. */
function leaning(share) {
  if (!hasInterval(share)) return "unsure";
  if (share.low > HALF) return "first";
  return share.high < HALF ? "second" : "undecided";
}

const VERDICTS = { first: "for the first", second: "for the second", undecided: "undecided", unsure: "no interval" };

function people({ raters, pairs }) {
  if (raters != null) return counted(raters, "person", "people");
  if (pairs != null) return counted(pairs, "pair of published answers", "pairs of published answers");
  return "not known";
}

/** A summary of all rows. */
function summaryOf(rows) {
  const count = (of) => rows.filter((row) => row.leaning === of).length;
  const [first, second, undecided, unsure] = ["first", "second", "undecided", "unsure"].map(count);
  const sure = first + second + undecided;
  const prefer = first ? counted(first, "community prefers", "communities prefer") : "No community prefers";
  const open = `for ${undecided || "none"} the evidence does not decide`;
  const sentences = sure ? [`${prefer} the first response, ${second || "none"} the second; ${open}.`] : [];
  if (unsure) {
    const loose = rows.filter((row) => row.leaning === "unsure").map((row) => row.share.value);
    const one = loose.filter((value) => value > HALF).length;
    const two = loose.filter((value) => value < HALF).length;
    const other = sure ? "other " : "";
    const total = counted(unsure, `${other}community`, `${other}communities`);
    sentences.push(`Of ${total} the model expects ${one} to lean to the first response and ${two} to the second; ` +
      "without intervals the certainty is not known.");
  }
  return sentences.join(" ");
}

function intervalsAbout(about) {
  const none = /^none:\s*/;
  return none.test(about) ? `No intervals: ${about.replace(none, "")}.` : `Intervals: ${about}.`;
}

/** Communities in the model's data that it is not steered to, with the reasons; at most twelve. */
function notSteeredAbout(others) {
  if (!others.length) return "";
  const named = others.slice(0, 12).map(({ name, pairs, raters, role, why }) => {
    const people = raters === null ? "people whose number is not published" : counted(raters, "person", "people");
    return `${name} (${counted(pairs, "pair", "pairs")} by ${people}; ${why ?? role})`;
  });
  const more = others.length > 12 ? `; and ${others.length - 12} more, see /v1/communities` : "";
  return ` Not steered to, though in its data: ${named.join("; ")}${more}.`;
}

function modelAbout({ model, interval, communities, not_steered: others = [] }) {
  const n = communities.filter(({ id }) => id !== WORLD).length;
  const steered = n ? `steered to ${counted(n, "community", "communities")}` : "not steered: its reference answers";
  return `Model “${model}”, ${steered}. ${intervalsAbout(interval)}${notSteeredAbout(others)}`;
}

function strengthAbout(strength) {
  if (strength === 0) return "0: the reference, the same for everybody";
  if (strength < 1) return "below 1: between the reference and the steer learned for each community";
  if (strength === 1) return "1: the steer learned for each community";
  return "above 1: exaggerates the differences between communities";
}

// --- Drawing

const percent = (share) => `${(100 * Math.min(1, Math.max(0, share))).toFixed(2)}%`;

/** From 0 % to 100 %: the interval as a thick line, a line at one half, and a mark at the share. */
function bar(share) {
  const parts = [svgElement("rect", { class: "track", x: 0, y: "20%", width: "100%", height: "60%", rx: 3 })];
  if (hasInterval(share)) {
    const width = percent(share.high - share.low);
    parts.push(svgElement("rect", { class: "spread", x: percent(share.low), y: "35%", width, height: "30%", rx: 4 }));
  }
  parts.push(svgElement("line", { class: "half", x1: "50%", x2: "50%", y1: 0, y2: "100%" }));
  if (Number.isFinite(share.value)) {
    parts.push(svgElement("circle", { class: "mark", cx: percent(share.value), cy: "50%", r: 6 }));
  }
  // Hidden from screen readers: the text next to it has the same numbers.
  return svgElement("svg", { "aria-hidden": "true", focusable: "false" }, ...parts);
}

function warning(text) {
  const item = element("li");
  const line = { fill: "none", stroke: "currentColor", "stroke-width": 2, "stroke-linejoin": "round" };
  const sign = svgElement("svg", { viewBox: "0 0 22 20", role: "img", "aria-label": "Warning" },
    svgElement("path", { d: "M11 1.5 21 19H1Z", ...line }), svgElement("path", { d: "M11 7v6m0 2v2", ...line }));
  item.append(sign, element("bdi", text));
  return item;
}

function showWarnings(warnings, list) {
  list.replaceChildren(...warnings.map(warning));
  list.hidden = warnings.length === 0;
  return list;
}

function tableRow(row) {
  const created = element("tr", null, { role: "row", "data-community": row.id, "data-leaning": row.leaning });
  const name = element("th", null, { scope: "row", role: "rowheader" });
  name.append(element("bdi", row.name));
  if (row.id !== row.name) name.append(" ", element("small", row.id));
  const numbers = element("span", null, { class: "share" });
  numbers.append(element("b", shareText(row.share)), " ", element("span", VERDICTS[row.leaning]));
  const preference = element("div", null, { class: "preference" });
  preference.append(bar(row.share), numbers);
  const cells = [element("td", null, { role: "cell" }), element("td", people(row), { role: "cell" })];
  cells[0].append(preference);
  if (row.warnings?.length) cells[1].append(showWarnings(row.warnings, element("ul", null, { class: "warnings" })));
  created.append(name, ...cells);
  return created;
}

// --- The answer on the page

function rowsOf({ communities, preferences }) {
  const known = communities.filter(({ id }) => Object.hasOwn(preferences, id));
  const rows = known.map((one) => {
    const { share } = preferences[one.id];
    return { ...one, share, leaning: leaning(share) };
  });
  return rows.sort((a, b) => (b.share.value ?? -1) - (a.share.value ?? -1) || a.name.localeCompare(b.name));
}

function show(asked, answer) {
  const rows = rowsOf(answer);
  byId("rows").replaceChildren(...rows.map(tableRow));
  showWarnings(answer.warnings ?? [], byId("warnings"));
  byId("thick").hidden = rows.every((row) => row.leaning === "unsure");
  byId("of-prompt").textContent = asked.prompt || "(none)";
  byId("of-response").textContent = asked.response;
  byId("of-other").textContent = asked.other;
  byId("of-strength").textContent = strengthAbout(asked.strength).replace(/^(below|above) 1/, asked.strength);
  byId("of-model").textContent = answer.model;
  byId("served").textContent = modelAbout(answer);
  byId("narrow").hidden = rows.length <= FILTER_ABOVE;
  byId("stale").hidden = true;
  byId("answer").hidden = false;
  filterRows();
  byId("summary").textContent = summaryOf(rows);
  const title = byId("result");
  if (title.getBoundingClientRect().top > 0.6 * innerHeight) title.scrollIntoView();
}

const folded = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

/** Hide the rows whose community does not match the filter. */
function filterRows() {
  const wanted = byId("narrow").hidden ? "" : folded(byId("filter").value.trim());
  const rows = [...byId("rows").rows];
  for (const row of rows) row.hidden = !folded(row.cells[0].textContent).includes(wanted);
  byId("shown").textContent = wanted ? `${rows.filter((row) => !row.hidden).length} of ${rows.length} shown` : "";
}

// --- Events

let running = null; // the AbortController of the comparison in progress
let refused = null; // the function to call again once there is a token

function setWaiting(yes) {
  byId("compare").textContent = yes ? "Comparing …" : "Compare";
  byId("compare").setAttribute("aria-disabled", String(yes)); // a disabled button would lose the focus
  byId("answer").setAttribute("aria-busy", String(yes));
}

async function compare() {
  if (running) return;
  const own = (running = new AbortController());
  const [prompt, response, other] = ["prompt", "response", "other"].map((id) => byId(id).value);
  const asked = { prompt, response, other, strength: byId("strength").valueAsNumber };
  setWaiting(true);
  byId("problem").replaceChildren();
  byId("summary").textContent = "Comparing …";
  let answer, problem;
  try {
    answer = await request("v1/compare", asked, own.signal);
  } catch (error) {
    problem = error;
  }
  if (running !== own) return; // the form has changed since
  running = null;
  setWaiting(false);
  try {
    if (answer) show(asked, answer);
  } catch (error) {
    problem = error;
  }
  if (problem) showFailure(problem);
}

function showFailure(problem) {
  byId("answer").hidden = true;
  byId("summary").textContent = problem.status === 401 ? "The server asks for a token." : "There is no answer.";
  if (problem.status === 401) {
    askForToken(compare);
    return;
  }
  showProblem(problem, byId("problem"));
}

/** Mark the answer on the page as out of date, and cancel a running comparison: the form has changed. */
function formChanged() {
  byId("stale").hidden = false;
  if (!running) return;
  running.abort();
  running = null;
  setWaiting(false);
  byId("summary").textContent = "You changed the form; compare again.";
}

/** Show the facts of the models; whether the server answered. */
async function showModel() {
  try {
    const { data } = await request("v1/models");
    const compares = data.some(({ serves }) => serves.includes("rewards"));
    const names = data.filter(({ serves }) => serves.includes("chat")).map(({ id }) => id);
    const known = compares ? await request("v1/communities") : null;
    byId("ask").hidden = byId("result").hidden = !compares;
    byId("tools").hidden = !compares || !names.length;
    byId("served").textContent = known ? modelAbout(known) : `Model “${data[0].root}”, without a reward model.`;
    showPolicies(names, known?.communities ?? [], askForToken);
    return true;
  } catch (problem) {
    if (problem.status === 401) askForToken(null);
    else showProblem(problem, byId("problem"));
    return false;
  }
}

/** Ask for a token; with it, call again the function whose request was refused. */
function askForToken(then) {
  refused = then ?? refused;
  if (hasToken()) byId("token-problem").textContent = "The server does not accept this token.";
  setToken(null);
  byId("admit").hidden = false;
  if (then || document.activeElement === document.body) byId("token").focus();
}

async function useToken() {
  const given = byId("token").value.trim();
  if (!/^[\x21-\x7e]+$/.test(given)) {
    byId("token-problem").textContent = "A token has letters, digits and signs of ASCII only.";
    return;
  }
  setToken(given);
  byId("token-problem").textContent = "";
  byId("problem").replaceChildren();
  if (!(await showModel())) return;
  byId("token").value = "";
  byId("admit").hidden = true;
  const again = refused;
  refused = null;
  if (again) await again();
  else byId(byId("ask").hidden ? "talk" : "prompt").focus();
}

function showStrength() {
  const strength = byId("strength");
  byId("strength-number").textContent = strength.value;
  byId("strength-words").textContent = strengthAbout(strength.valueAsNumber);
}

byId("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  compare();
});
byId("ask").addEventListener("input", formChanged);
byId("ask").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
  event.preventDefault();
  byId("ask").requestSubmit();
});
byId("example").addEventListener("click", () => {
  for (const id of ["prompt", "response", "other"]) byId(id).value = byId(id).placeholder;
  formChanged();
});
byId("strength").addEventListener("input", showStrength);
byId("filter").addEventListener("input", filterRows);
byId("admit").addEventListener("submit", (event) => {
  event.preventDefault();
  useToken();
});
addEventListener("beforeprint", () => {
  byId("compared").open = true;
});

showStrength();
byId("ask").hidden = byId("result").hidden = false;
showModel();
