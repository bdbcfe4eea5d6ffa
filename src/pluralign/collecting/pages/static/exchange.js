// Randomised response (Warner 1965): left and right are exchanged with a known probability before
// an answer leaves this device. The draw is made once for each pair and remembered, so that many
// versions of one answer reveal no more than the first.
import { one, put } from "./database.js";

const OTHER = { left: "right", right: "left" };

// A draw from a secure source, exact to 53 bits.
export function drawn(probability) {
  const [high, low] = crypto.getRandomValues(new Uint32Array(2));
  return (high * 2 ** 21 + (low >>> 11)) / 2 ** 53 < probability;
}

// The choice as it is sent. A study with another probability than before needs another draw.
export function reported(person, choice, assignment, flip) {
  return navigator.locks.request("exchange", async () => {
    let draw = await one("exchanges", assignment);
    if (draw?.flip !== flip) {
      draw = { person, assignment, flip, exchanged: drawn(flip) };
      await put("exchanges", draw);
    }
    return draw.exchanged ? OTHER[choice] : choice;
  });
}

export const remembers = async (assignment) => (await one("exchanges", assignment)) !== undefined;
