// The page at "/": asks the server that it came from whom each of two responses suits, and shows what it answers.
// What people and servers wrote goes into the page as text, never as markup.

const WORLD = "~world"; // the reference, not a community
const HALF = 0.5;
const PATIENCE = 120_000; // ms until an answer is given up; the server gives up sooner
const MANY = 12; // rows from which they can be narrowed down
const UNREADABLE = "The server answered something that this page cannot read.";
const SPACE = "\u00a0";
const SVG = "http://www.w3.org/2000/svg";

const at = (id) => document.getElementById(id);

// --- Asking

let token = null; // in memory only

/** Something that went wrong, in words for whoever reads the page. */
class Problem extends Error {
  constructor(words, status = null, places = []) {
    super(words);
    this.status = status;
    this.places = places;
  }
}

/** The answer to GET, or to POST with a body. Throws a Problem that says in words why there is none. */
async function ask(path, body, signal) {
  const headers = { Accept: "application/json" };
  if (body) headers["Content-Type"] = "application/json";
  if (token) headers.Authorization = `Bearer ${token}`;
  const url = new URL(path, document.baseURI);
  url.username = url.password = ""; // fetch refuses an address that holds them
  const limit = AbortSignal.timeout(PATIENCE);
  let answer, text;
  try {
    answer = await fetch(url, {
      method: body ? "POST" : "GET",
      headers,
      body: body && JSON.stringify(body),
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
    });
    text = await answer.text();
  } catch {
    throw new Problem(
      limit.aborted
        ? `There was no answer within ${PATIENCE / 1000} seconds. Try again.`
        : "The server cannot be reached. Does it still run, and is this machine connected to it?",
    );
  }
  const told = parsed(text);
  if (!answer.ok) throw refusal(answer, told);
  if (told === null) throw new Problem(UNREADABLE);
  return told;
}

function parsed(text) {
  try {
    const told = JSON.parse(text);
    return typeof told === "object" ? told : null;
  } catch {
    return null;
  }
}

/** What an answer that is none says, in words. */
function refusal(answer, told) {
  const seconds = Number(answer.headers.get("Retry-After") ?? NaN);
  const again = answer.status === 429 && seconds >= 0 ? `try again in ${seconds} s` : null;
  const said = [told?.detail ?? told?.title ?? `the server answered ${answer.status} ${answer.statusText}`.trim()];
  said.push(again ?? told?.hint);
  const wrong = Array.isArray(told?.errors) ? told.errors : [];
  const places = wrong.map(({ where, what }) => `${String(where).replace(/^body\./, "")}: ${what}`);
  return new Problem(said.filter(Boolean).map(sentence).join(" "), answer.status, places);
}

const sentence = (words) => String(words).replace(/^./u, (first) => first.toUpperCase()).replace(/[^.!?]$/u, "$&.");

// --- Words

/** 0.684 -> "68"; nobody is told that all of a community, or none, prefers something. */
const whole = (share) => (share < 0.005 ? "<1" : share > 0.995 ? ">99" : String(Math.round(100 * share)));
const counted = (n, one, more) => `${n.toLocaleString("en")} ${n === 1 ? one : more}`;
const hasInterval = ({ low, high }) => Number.isFinite(low) && Number.isFinite(high);

function inNumbers(share) {
  const value = Number.isFinite(share.value) ? `${whole(share.value)}${SPACE}%` : "no number";
  return hasInterval(share) ? `${value} [${whole(share.low)},${SPACE}${whole(share.high)}]` : value;
}

/** Which response a share speaks for: "first", "second", "undecided", or "unsure" where there is no interval. */
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

/** What all rows say together. */
function summarised(rows) {
  const count = (of) => rows.filter((row) => row.leaning === of).length;
  const [first, second, undecided, unsure] = ["first", "second", "undecided", "unsure"].map(count);
  const sure = first + second + undecided;
  const prefer = first ? counted(first, "community prefers", "communities prefer") : "No community prefers";
  const open = `for ${undecided || "none"} the evidence does not tell`;
  const said = sure ? [`${prefer} the first response, ${second || "none"} the second; ${open}.`] : [];
  if (unsure) {
    const loose = rows.filter((row) => row.leaning === "unsure").map((row) => row.share.value);
    const one = loose.filter((value) => value > HALF).length;
    const two = loose.filter((value) => value < HALF).length;
    const whom = counted(unsure, sure ? "other community" : "community", sure ? "other communities" : "communities");
    said.push(`Of ${whom} the model expects ${one} to lean to the first response and ${two} to the second; ` +
      "without intervals it cannot be told how sure that is.");
  }
  return said.join(" ");
}

function intervalsAbout(about) {
  const none = /^none:\s*/;
  return none.test(about) ? `No intervals: ${about.replace(none, "")}.` : `Intervals: ${about}.`;
}

/** The communities in the model's data that it is not steered to, with the reasons; the first of many. */
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
  const whom = n ? `steered to ${counted(n, "community", "communities")}` : "steered to nobody: its reference answers";
  return `Model “${model}”, ${whom}. ${intervalsAbout(interval)}${notSteeredAbout(others)}`;
}

function strengthAbout(strength) {
  if (strength === 0) return "0: the reference, the same for everybody";
  if (strength < 1) return "below 1: nearer to the reference than what was learned of each community";
  return strength === 1 ? "1: as it was learned of each community" : "above 1: exaggerates what sets communities apart";
}

// --- Drawing

function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  if (text != null) made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function drawn(name, attributes, ...within) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...within);
  return made;
}

const percent = (share) => `${(100 * Math.min(1, Math.max(0, share))).toFixed(2)}%`;

/** From 0 % to 100 %: the interval as a thick line, a line at one half, and a mark at the share. */
function bar(share) {
  const parts = [drawn("rect", { class: "track", x: 0, y: "20%", width: "100%", height: "60%", rx: 3 })];
  if (hasInterval(share)) {
    const width = percent(share.high - share.low);
    parts.push(drawn("rect", { class: "spread", x: percent(share.low), y: "35%", width, height: "30%", rx: 4 }));
  }
  parts.push(drawn("line", { class: "half", x1: "50%", x2: "50%", y1: 0, y2: "100%" }));
  if (Number.isFinite(share.value)) {
    parts.push(drawn("circle", { class: "mark", cx: percent(share.value), cy: "50%", r: 6 }));
  }
  return drawn("svg", { "aria-hidden": "true", focusable: "false" }, ...parts); // the text beside it says the same
}

function warning(text) {
  const item = element("li");
  const line = { fill: "none", stroke: "currentColor", "stroke-width": 2, "stroke-linejoin": "round" };
  const sign = drawn("svg", { viewBox: "0 0 22 20", role: "img", "aria-label": "Warning" },
    drawn("path", { d: "M11 1.5 21 19H1Z", ...line }), drawn("path", { d: "M11 7v6m0 2v2", ...line }));
  item.append(sign, element("bdi", text));
  return item;
}

function warned(warnings, list) {
  list.replaceChildren(...warnings.map(warning));
  list.hidden = warnings.length === 0;
  return list;
}

function drawnRow(row) {
  const made = element("tr", null, { role: "row", "data-community": row.id, "data-leaning": row.leaning });
  const name = element("th", null, { scope: "row", role: "rowheader" });
  name.append(element("bdi", row.name));
  if (row.id !== row.name) name.append(" ", element("small", row.id));
  const told = element("span", null, { class: "share" });
  told.append(element("b", inNumbers(row.share)), " ", element("span", VERDICTS[row.leaning]));
  const preference = element("div", null, { class: "preference" });
  preference.append(bar(row.share), told);
  const cells = [element("td", null, { role: "cell" }), element("td", people(row), { role: "cell" })];
  cells[0].append(preference);
  if (row.warnings?.length) cells[1].append(warned(row.warnings, element("ul", null, { class: "warnings" })));
  made.append(name, ...cells);
  return made;
}

// --- What is shown

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
  at("rows").replaceChildren(...rows.map(drawnRow));
  warned(answer.warnings ?? [], at("warnings"));
  at("thick").hidden = rows.every((row) => row.leaning === "unsure");
  at("of-prompt").textContent = asked.prompt || "(none)";
  at("of-response").textContent = asked.response;
  at("of-other").textContent = asked.other;
  at("of-strength").textContent = strengthAbout(asked.strength).replace(/^(below|above) 1/, asked.strength);
  at("of-model").textContent = answer.model;
  at("served").textContent = modelAbout(answer);
  at("narrow").hidden = rows.length <= MANY;
  at("stale").hidden = true;
  at("answer").hidden = false;
  narrow();
  at("summary").textContent = summarised(rows);
  const title = at("result");
  if (title.getBoundingClientRect().top > 0.6 * innerHeight) title.scrollIntoView();
}

const folded = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

/** Hide the rows whose community is not looked for. */
function narrow() {
  const wanted = at("narrow").hidden ? "" : folded(at("filter").value.trim());
  const rows = [...at("rows").rows];
  for (const row of rows) row.hidden = !folded(row.cells[0].textContent).includes(wanted);
  at("shown").textContent = wanted ? `${rows.filter((row) => !row.hidden).length} of ${rows.length} shown` : "";
}

function tell(problem, place) {
  const ours = !(problem instanceof Problem); // what came is not of the shape that the page takes it for
  if (ours) console.error(problem);
  place.replaceChildren(element("span", ours ? UNREADABLE : problem.message));
  if (!problem.places?.length) return;
  const list = element("ul");
  list.append(...problem.places.map((where) => element("li", where)));
  place.append(list);
}

// --- What people do

let running = null; // the comparison under way
let refused = null; // what to do again once there is a token

function waiting(yes) {
  at("compare").textContent = yes ? "Comparing …" : "Compare";
  at("compare").setAttribute("aria-disabled", String(yes)); // disabled itself it would lose the focus
  at("answer").setAttribute("aria-busy", String(yes));
}

async function compare() {
  if (running) return;
  const own = (running = new AbortController());
  const [prompt, response, other] = ["prompt", "response", "other"].map((id) => at(id).value);
  const asked = { prompt, response, other, strength: at("strength").valueAsNumber };
  waiting(true);
  at("problem").replaceChildren();
  at("summary").textContent = "Comparing …";
  let answer, problem;
  try {
    answer = await ask("v1/compare", asked, own.signal);
  } catch (error) {
    problem = error;
  }
  if (running !== own) return; // what was asked is out of date
  running = null;
  waiting(false);
  try {
    if (answer) show(asked, answer);
  } catch (error) {
    problem = error;
  }
  if (problem) failed(problem);
}

function failed(problem) {
  at("answer").hidden = true;
  at("summary").textContent = problem.status === 401 ? "The server asks for a token." : "There is no answer.";
  if (problem.status === 401) {
    admit(compare);
    return;
  }
  tell(problem, at("problem"));
}

/** The form is another one now: an answer that is awaited is out of date, one that is shown is of before. */
function changed() {
  at("stale").hidden = false;
  if (!running) return;
  running.abort();
  running = null;
  waiting(false);
  at("summary").textContent = "You changed the form; compare again.";
}

async function introduce() {
  try {
    at("served").textContent = modelAbout(await ask("v1/communities"));
    return true;
  } catch (problem) {
    if (problem.status === 401) admit(null);
    else tell(problem, at("problem"));
    return false;
  }
}

/** Ask for a token, and then do again what was refused. */
function admit(then) {
  refused = then ?? refused;
  if (token) at("token-problem").textContent = "The server does not know this token.";
  token = null;
  at("admit").hidden = false;
  if (then || document.activeElement === document.body) at("token").focus();
}

async function admitted() {
  const given = at("token").value.trim();
  if (!/^[\x21-\x7e]+$/.test(given)) {
    at("token-problem").textContent = "A token holds letters, digits and signs of ASCII only.";
    return;
  }
  token = given;
  at("token-problem").textContent = "";
  at("problem").replaceChildren();
  if (!(await introduce())) return;
  at("token").value = "";
  at("admit").hidden = true;
  const again = refused;
  refused = null;
  if (again) await again();
  else at("prompt").focus();
}

function steered() {
  const strength = at("strength");
  at("strength-number").textContent = strength.value;
  at("strength-words").textContent = strengthAbout(strength.valueAsNumber);
}

at("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  compare();
});
at("ask").addEventListener("input", changed);
at("ask").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
  event.preventDefault();
  at("ask").requestSubmit();
});
at("example").addEventListener("click", () => {
  for (const id of ["prompt", "response", "other"]) at(id).value = at(id).placeholder;
  changed();
});
at("strength").addEventListener("input", steered);
at("filter").addEventListener("input", narrow);
at("admit").addEventListener("submit", (event) => {
  event.preventDefault();
  admitted();
});
addEventListener("beforeprint", () => {
  at("compared").open = true;
});

steered();
at("ask").hidden = at("result").hidden = false;
introduce();
