// @ts-check
/** Requests to the service, and the session that they carry where it gives one. */

const PATIENCE = 10_000;

/** @type {Record<string, string>} */
const carried = { "Content-Type": "application/json" };

/** What the service said last of a session. @type {Promise<SessionFacts>} */
export let session = Promise.resolve({});

/** @param {string} text */
export function readJson(text) {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}

/** @param {string} url @param {object} body @param {AbortSignal} signal */
export const post = (url, body, signal) =>
  fetch(url, {
    method: "POST",
    headers: carried,
    body: JSON.stringify(body, (_, value) => (value === "" ? undefined : value)),
    credentials: "omit",
    signal,
  });

/** @param {string} endpoint */
export const openSession = (endpoint) => (session = beginSession(endpoint));

/** A service from before there were sessions knows none. @param {string} endpoint @returns {Promise<SessionFacts>} */
async function beginSession(endpoint) {
  const told = await post(`${endpoint}/v1/session`, {}, AbortSignal.timeout(PATIENCE))
    .then((response) => response.text())
    .then(readJson)
    .catch(() => ({}));
  if (told.token) carried["X-Molsys-Chat-Session"] = told.token;
  return told;
}
