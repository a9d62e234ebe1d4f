import { describe, expect, test } from "vitest";
import fc from "fast-check";
import { EventStreamParser, type ServerSentEvent } from "./sse";
import vectors from "./sse.vectors.json";

const parse = (pieces: readonly string[]): ServerSentEvent[] => {
  const parser = new EventStreamParser();
  return pieces.flatMap((piece) => parser.push(piece));
};

describe("event stream parser", () => {
  test.each(vectors.map(({ name, stream, events }) => [name, stream, events] as const))("%s", (_, stream, events) => {
    expect(parse([stream])).toEqual(events);
  });

  test.each(vectors.map(({ name, stream }) => [name, stream] as const))("%s: the same however it is cut", (_, stream) => {
    const whole = parse([stream]);
    for (let first = 0; first <= stream.length; first++) {
      for (let second = first; second <= stream.length; second++) {
        expect(parse([stream.slice(0, first), stream.slice(first, second), stream.slice(second)])).toEqual(whole);
      }
    }
    expect(parse([...stream].flatMap((letter) => letter.split("")))).toEqual(whole);
  });

  test("any text is parsed the same however it is cut", () => {
    const alphabet = fc.constantFrom("data", "id", "event", "retry", ":", " ", "\n", "\r", "\uFEFF", "x", "\0", "é");
    fc.assert(
      fc.property(fc.array(alphabet, { maxLength: 30 }), fc.array(fc.nat(40), { maxLength: 6 }), (letters, cuts) => {
        const stream = letters.join("");
        const edges = [0, ...cuts.sort((a, b) => a - b), stream.length];
        const pieces = edges.slice(1).map((edge, index) => stream.slice(edges[index], edge));
        expect(parse(pieces)).toEqual(parse([stream]));
      }),
    );
  });

  test("what the server asks for with retry is kept, and nonsense is not", () => {
    const parser = new EventStreamParser();
    parser.push("retry: 1500\n\n");
    expect(parser.retryMs).toBe(1500);
    parser.push("retry: soon\nretry: -1\nretry\n\n");
    expect(parser.retryMs).toBe(1500);
  });
});
