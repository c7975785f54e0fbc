// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { EventStreamDecoder } from "../../static/molsys-chat/client.js";

const STREAM = 'event: token\r\ndata: {"text": "a: b"}\r\n\r\n: ping\r\n\r\nevent:done\rdata:1\rdata: 2\r\rid: 7\ndata\n\n';
const EVENTS = [
  { event: "token", data: '{"text": "a: b"}' },
  { event: "done", data: "1\n2" },
  { event: "message", data: "" },
];

test("events are the same however the stream is cut", () => {
  for (let size = 1; size <= STREAM.length; size += 1) {
    const decoder = new EventStreamDecoder();
    const events = [];
    for (let at = 0; at < STREAM.length; at += size) {
      events.push(...decoder.decode(STREAM.slice(at, at + size)));
    }
    assert.deepEqual(events, EVENTS, `in pieces of ${size}`);
  }
});

test("an event without its blank line is none", () => {
  const decoder = new EventStreamDecoder();
  assert.deepEqual(decoder.decode("event: token\ndata: 1\n"), []);
});

test("an empty piece between the two characters of a line end changes nothing", () => {
  const decoder = new EventStreamDecoder();
  const pieces = ["data: 1\r", "", "\n", "data: 2\r\n\r", "\n"];
  assert.deepEqual(pieces.flatMap((piece) => decoder.decode(piece)), [{ event: "message", data: "1\n2" }]);
});

test("a line of a megabyte in small pieces", () => {
  const decoder = new EventStreamDecoder();
  decoder.decode("data: ");
  for (let count = 0; count < 100_000; count += 1) decoder.decode("0123456789");
  const [event] = decoder.decode("\n\n");
  assert.equal(event?.data.length, 1_000_000);
});
