// @ts-check
/** Proof of work: loaded only where the service asks for it. */

/** Milliseconds for which the page may wait at most. */
const SLICE = 8;

/** Of the square or cube roots of the first primes: SHA-256's constants (FIPS 180-4). @param {number} count @param {number} root */
function rootsOfPrimes(count, root) {
  const found = [];
  for (let n = 2; found.length < count; n++) {
    let divisor = 2;
    while (n % divisor) divisor++;
    if (divisor === n) found.push((n ** (1 / root) % 1) * 2 ** 32);
  }
  return Int32Array.from(found, (fraction) => fraction | 0);
}

const ROUNDS = rootsOfPrimes(64, 3);
const BEGIN = rootsOfPrimes(8, 2);
const w = new Int32Array(64);

/** @param {number} x @param {number} n */
const turn = (x, n) => (x >>> n) | (x << (32 - n));

/** The first 32 bits of SHA-256. @param {string} text Up to 55 characters of ASCII. */
export function firstBits(text) {
  const { length } = text;
  w.fill(0, 0, 16);
  for (let i = 0; i <= length; i++) w[i >> 2] |= (i < length ? text.charCodeAt(i) : 128) << (24 - (i % 4) * 8);
  w[15] = length * 8;
  let [a, b, c, d, e, f, g, h] = BEGIN;
  for (let i = 0; i < 64; i++) {
    if (i > 15) {
      const x = w[i - 15];
      const y = w[i - 2];
      w[i] = (turn(x, 7) ^ turn(x, 18) ^ (x >>> 3)) + (turn(y, 17) ^ turn(y, 19) ^ (y >>> 10)) + w[i - 7] + w[i - 16];
    }
    const s = (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + h + ROUNDS[i] + w[i];
    const t = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    h = g;
    g = f;
    f = e;
    e = (d + s) | 0;
    d = c;
    c = b;
    b = a;
    a = (s + t) | 0;
  }
  return (a + BEGIN[0]) | 0;
}

/** The first number whose hash begins with so many zeros. @param {string} task @param {number} bits */
export async function solve(task, bits) {
  let until = 0;
  for (let nonce = 0; ; nonce++) {
    if (Math.clz32(firstBits(`${task}.${nonce}`)) >= bits) return `${nonce}`;
    if (performance.now() < until) continue;
    await new Promise((next) => setTimeout(next));
    until = performance.now() + SLICE;
  }
}
