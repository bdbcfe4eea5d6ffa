// Shared by the parts of the page: requests to its server, and elements of the page.
// Texts of people and servers are written into the page as text, never as markup.

const TIMEOUT_MS = 120_000; // a request is cancelled after this time; the server's own limit is shorter
const STREAM_MS = 330_000; // the same for an answer in pieces
export const UNREADABLE = "The server answered something that this page cannot read.";
const SVG = "http://www.w3.org/2000/svg";

export const byId = (id) => document.getElementById(id);

// --- Requests

let token = null; // in memory only

export const hasToken = () => token !== null;
export function setToken(given) {
  token = given;
}

/** An error with a message for the reader of the page. */
export class Problem extends Error {
  constructor(message, status = null, details = []) {
    super(message);
    this.status = status;
    this.details = details;
  }
}

/** The server's response to GET, or to POST with a body. Throws a Problem when there is none. */
async function send(path, body, signal, limit) {
  const headers = { Accept: "application/json" };
  if (body) headers["Content-Type"] = "application/json";
  if (token) headers.Authorization = `Bearer ${token}`;
  const url = new URL(path, document.baseURI);
  url.username = url.password = ""; // fetch refuses an address that contains them
  return fetch(url, {
    method: body ? "POST" : "GET",
    headers,
    body: body && JSON.stringify(body),
    signal: signal ? AbortSignal.any([signal, limit]) : limit,
  });
}

function unreached(limit, ms) {
  return new Problem(
    limit.aborted
      ? `There was no answer within ${ms / 1000} seconds. Try again.`
      : "The server cannot be reached. Does it still run, and is this machine connected to it?",
  );
}

/** The answer to GET, or to POST with a body. Throws a Problem with the reason when there is no answer. */
export async function request(path, body, signal) {
  const limit = AbortSignal.timeout(TIMEOUT_MS);
  let answer, text;
  try {
    answer = await send(path, body, signal, limit);
    text = await answer.text();
  } catch {
    throw unreached(limit, TIMEOUT_MS);
  }
  const content = parsed(text);
  if (!answer.ok) throw refusal(answer, content);
  if (content === null) throw new Problem(UNREADABLE);
  return content;
}

/** The events of an answer in pieces (server-sent events). Throws a Problem like `request`. */
export async function* events(path, body, signal) {
  const limit = AbortSignal.timeout(STREAM_MS);
  try {
    const answer = await send(path, body, signal, limit);
    if (!answer.ok) throw refusal(answer, parsed(await answer.text()));
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const parts = (rest + value).split("\n\n");
      rest = parts.pop();
      for (const part of parts) {
        const data = part.replace(/^data: /, "");
        if (data === "[DONE]") return;
        const event = parsed(data);
        if (event === null) throw new Problem(UNREADABLE);
        if (event.error) throw new Problem(sentence(event.error.message));
        yield event;
      }
    }
  } catch (error) {
    throw error instanceof Problem ? error : unreached(limit, STREAM_MS);
  }
}

/** The object in a JSON text; null where there is no such object. */
function parsed(text) {
  try {
    const content = JSON.parse(text);
    return typeof content === "object" ? content : null;
  } catch {
    return null;
  }
}

/** The Problem that an answer with an error status reports. */
function refusal(answer, content) {
  const seconds = Number(answer.headers.get("Retry-After") ?? NaN);
  const retry = answer.status === 429 && seconds >= 0 ? `try again in ${seconds} s` : null;
  const status = `the server answered ${answer.status} ${answer.statusText}`.trim();
  const parts = [content?.detail ?? content?.title ?? status, retry ?? content?.hint];
  const errors = Array.isArray(content?.errors) ? content.errors : [];
  const details = errors.map(({ where, what }) => `${String(where).replace(/^body\./, "")}: ${what}`);
  return new Problem(parts.filter(Boolean).map(sentence).join(" "), answer.status, details);
}

export const sentence = (text) => String(text).replace(/^./u, (first) => first.toUpperCase()).replace(/[^.!?]$/u, "$&.");

export const counted = (n, one, more) => `${n.toLocaleString("en")} ${n === 1 ? one : more}`;

// --- Drawing

export function element(name, text, attributes = {}) {
  const created = document.createElement(name);
  if (text != null) created.textContent = text;
  for (const [key, value] of Object.entries(attributes)) created.setAttribute(key, value);
  return created;
}

export function svgElement(name, attributes, ...within) {
  const created = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) created.setAttribute(key, value);
  created.append(...within);
  return created;
}

/** Show an error in an element of the page. */
export function showProblem(problem, target) {
  const ours = !(problem instanceof Problem); // the answer does not have the expected fields
  if (ours) console.error(problem);
  target.replaceChildren(element("span", ours ? UNREADABLE : problem.message));
  if (!problem.details?.length) return;
  const list = element("ul");
  list.append(...problem.details.map((detail) => element("li", detail)));
  target.append(list);
}
