/**
 * Server-sent events from text, as the WHATWG's HTML standard parses them ("9.2.6 Interpreting an event stream"),
 * for a stream that arrives in pieces of any size. Pure: no clock, no network.
 */

export type ServerSentEvent = {
  /** `message` when the stream did not name it. */
  readonly event: string;
  readonly data: string;
  /** The last id that the stream has sent so far, `""` when none. */
  readonly id: string;
};

export class EventStreamParser {
  /** What the server asked for with `retry:`, in milliseconds. */
  retryMs: number | undefined;
  #rest = "";
  #started = false;
  /** The last piece ended in CR: an LF that comes next belongs to it. */
  #afterReturn = false;
  #event = "";
  #data: string[] = [];
  #id = "";

  /** Takes the next piece of decoded text; returns the events that it completed, in order. */
  push(piece: string): ServerSentEvent[] {
    const events: ServerSentEvent[] = [];
    if (piece === "") return events;
    let text = piece;
    if (!this.#started) {
      this.#started = true;
      if (text.startsWith("\uFEFF")) text = text.slice(1);
    }
    if (this.#afterReturn && text.startsWith("\n")) text = text.slice(1);
    this.#afterReturn = piece.endsWith("\r");
    // Only the new piece can hold line ends: a long line that comes in many pieces is not searched again and again.
    let start = 0;
    for (let at = nextLineEnd(text, 0); at !== -1; at = nextLineEnd(text, start)) {
      const line = this.#rest + text.slice(start, at);
      this.#rest = "";
      start = text[at] === "\r" && text[at + 1] === "\n" ? at + 2 : at + 1;
      const event = this.#line(line);
      if (event !== undefined) events.push(event);
    }
    this.#rest += text.slice(start);
    return events;
  }

  #line(line: string): ServerSentEvent | undefined {
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    if (colon === 0) return undefined;
    const field = colon === -1 ? line : line.slice(0, colon);
    let value = colon === -1 ? "" : line.slice(colon + 1);
    if (value.startsWith(" ")) value = value.slice(1);
    if (field === "event") this.#event = value;
    else if (field === "data") this.#data.push(value);
    else if (field === "id" && !value.includes("\0")) this.#id = value;
    else if (field === "retry" && /^[0-9]+$/.test(value)) this.retryMs = Number(value);
    return undefined;
  }

  #dispatch(): ServerSentEvent | undefined {
    const data = this.#data;
    const event = this.#event;
    this.#data = [];
    this.#event = "";
    if (data.length === 0) return undefined;
    return { event: event === "" ? "message" : event, data: data.join("\n"), id: this.#id };
  }
}

function nextLineEnd(text: string, from: number): number {
  const feed = text.indexOf("\n", from);
  const back = text.indexOf("\r", from);
  if (feed === -1) return back;
  return back === -1 ? feed : Math.min(feed, back);
}
