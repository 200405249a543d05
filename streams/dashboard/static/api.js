/** The server's refusal: one line for people, and the status of HTTP. */
export class Refused extends Error {
  /** @param {number} status @param {string} message */
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/**
 * @param {string} path below /api, with query
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>} the answer; Refused for one that is not 2xx, TypeError if nobody answers
 */
export async function ask(path, signal) {
  const answer = await fetch(`/api${path}`, { signal, headers: { Accept: "application/json" } });
  if (answer.status === 401) location.assign("/login");
  if (!answer.ok) throw new Refused(answer.status, await reason(answer));
  return answer.json();
}

/** @param {Response} answer */
async function reason(answer) {
  const text = await answer.text();
  try {
    return String(JSON.parse(text).error);
  } catch {
    // A proxy in between answers in words of its own.
    return `HTTP ${answer.status} ${answer.statusText}`.trim();
  }
}
