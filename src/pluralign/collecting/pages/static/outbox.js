// Answers that wait on this device until the server has confirmed each of them.
import { all, put, remove } from "./database.js";

const TOO_LONG = 413;

async function sha256(text) {
  const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// Keep an answer, before the network is tried; an answer that it corrects is taken out.
export async function keep(person, answer, corrected = []) {
  const body = JSON.stringify(answer);
  const order = await put("answers", { person, body, digest: await sha256(body) });
  for (const record of corrected) await remove("answers", record.order);
  return order;
}

export async function waiting(person) {
  return (await all("answers")).filter((record) => record.person === person);
}

export const assignmentOf = (record) => JSON.parse(record.body).assignment;

// Send everything that waits; one tab at a time. Returns the replies by order of the records.
export function flush(person) {
  return navigator.locks.request("outbox", async () => {
    const replies = new Map();
    const held = new Set(); // pairs with an answer that waits: a later one must not overtake it
    for (const record of await waiting(person)) {
      const assignment = assignmentOf(record);
      if ("refused" in record || held.has(assignment)) continue;
      const reply = await send(record);
      replies.set(record.order, reply);
      await settle(record, reply);
      if (reply.outcome === "unreachable") break;
      if (reply.outcome === "wait") held.add(assignment);
    }
    return replies;
  });
}

async function settle(record, reply) {
  if (reply.outcome === "refused") await put("answers", { ...record, refused: reply.sentence });
  if (reply.outcome.startsWith("kept") && reply.digest === record.digest) {
    await remove("answers", record.order);
  }
}

// The server compares the person with its session: another one may have signed in in another tab.
async function send({ person, body }) {
  const headers = { "Content-Type": "application/json", "Answer-Of": person };
  try {
    const response = await fetch("/answers", { method: "POST", headers, body, redirect: "error" });
    if (response.status === TOO_LONG) return { outcome: "refused", sentence: "" };
    return await readReply(response);
  } catch {
    return { outcome: "unreachable" };
  }
}

// A page in place of a reply comes from a server in trouble, or from a network that asks to log in.
async function readReply(response) {
  const json = (response.headers.get("Content-Type") ?? "").startsWith("application/json");
  return json ? await response.json() : { outcome: "wait", sentence: "" };
}
