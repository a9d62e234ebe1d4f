/**
 * One flow's stream: opened with fetch, so that a token goes as a header and an answer's status can be read; resumed by
 * the last id; opened again with growing, spread waits; given up as stale after 35 s without a byte that counts.
 */

import { waitMs } from "../core/backoff";
import type { FlowMessage } from "../core/contract";
import { EventStreamParser, type ServerSentEvent } from "../core/sse";
import type { Opening } from "./opening";
import { askForStream } from "./request";

/** More than two heartbeats of 15 s: nothing heard for so long is a dead connection, whatever the socket says. */
export const STALE_AFTER_MS = 35_000;
/** An answer's head that takes longer waits for a free connection or a dead proxy: try again. */
const HEAD_TIMEOUT_MS = 15_000;

export type Phase =
  | { readonly name: "connecting" }
  | { readonly name: "live" }
  | { readonly name: "reconnecting"; readonly why: string }
  | { readonly name: "stale" }
  | { readonly name: "full" }
  | { readonly name: "unauthorized" }
  | { readonly name: "forbidden" }
  | { readonly name: "missing" }
  | { readonly name: "paused" };

export type StreamReports = {
  message: (message: FlowMessage) => void;
  phase: (phase: Phase) => void;
  /** Any frame, heartbeats too. */
  heard: () => void;
  /** The server's clock, Unix milliseconds, and how far it can be off. */
  serverTime: (ms: number) => void;
  /** An answer that was asked for before, for the first attempt. */
  opening?: (url: string) => Opening | undefined;
};

const MESSAGES: ReadonlySet<string> = new Set([
  "snapshot",
  "upsert-flow",
  "upsert-nodes",
  "upsert-rels",
  "delete-nodes",
  "delete-rels",
]);

export class FlowStream {
  readonly #url: string;
  readonly #token: () => string | undefined;
  readonly #report: StreamReports;
  #lastId = "";
  #failures = 0;
  #askedMs = 0;
  #heardAt = 0;
  #stale = false;
  #attempt: AbortController | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #watch: ReturnType<typeof setInterval> | undefined;
  readonly #unknown = new Set<string>();

  constructor(url: string, token: () => string | undefined, report: StreamReports) {
    this.#url = url;
    this.#token = token;
    this.#report = report;
  }

  /** Opens the stream, or opens it anew at once when it is waiting or silent. */
  start(): void {
    if (this.#attempt !== undefined && !this.#silent()) return;
    this.#watch ??= setInterval(() => this.#look(), 1000);
    if (this.#heardAt === 0) this.#report.phase({ name: "connecting" });
    void this.#open();
  }

  /** Gives the connection back and keeps the place: `start` goes on after the last message. */
  pause(): void {
    this.stop();
    this.#report.phase({ name: "paused" });
  }

  stop(): void {
    this.#attempt?.abort();
    this.#attempt = undefined;
    clearTimeout(this.#timer);
    clearInterval(this.#watch);
    this.#watch = undefined;
  }

  #silent(): boolean {
    return performance.now() - this.#heardAt > STALE_AFTER_MS;
  }

  /** Once a second, and never more often than timers run: a laptop that wakes up finds the silence here. */
  #look(): void {
    if (this.#heardAt === 0 || this.#stale || !this.#silent()) return;
    this.#stale = true;
    this.#report.phase({ name: "stale" });
    if (this.#attempt !== undefined) void this.#open();
  }

  async #open(): Promise<void> {
    this.#attempt?.abort();
    clearTimeout(this.#timer);
    const attempt = new AbortController();
    this.#attempt = attempt;
    try {
      await this.#read(attempt);
      this.#again(attempt, { name: "reconnecting", why: "the stream ended" });
    } catch (error) {
      const phase = error instanceof Refused ? error.phase : { name: "reconnecting" as const, why: "no connection" };
      this.#again(attempt, phase);
    }
  }

  async #read(attempt: AbortController): Promise<void> {
    const headTimer = setTimeout(() => attempt.abort(), HEAD_TIMEOUT_MS);
    const answer = await this.#ask(attempt.signal);
    clearTimeout(headTimer);
    this.#askedMs = 1000 * Number(answer.headers.get("Retry-After") ?? 0) || 0;
    if (answer.status !== 200) throw new Refused(refusal(answer.status));
    if (!(answer.headers.get("Content-Type") ?? "").startsWith("text/event-stream") || answer.body === null) {
      throw new Refused({ name: "reconnecting", why: "the answer is no stream" });
    }
    // A resumed stream with nothing new is silent up to the first heartbeat: its head is a sign of life, too.
    this.#alive();
    const served = Date.parse(answer.headers.get("Date") ?? "");
    if (!Number.isNaN(served)) this.#report.serverTime(served);
    const parser = new EventStreamParser();
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    const reader = answer.body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (attempt.signal.aborted) return;
      if (done) return;
      for (const event of parser.push(decoder.decode(value, { stream: true }))) this.#take(event);
      this.#askedMs = parser.retryMs ?? 0;
    }
  }

  #ask(signal: AbortSignal): Promise<Response> {
    const early = this.#lastId === "" ? this.#report.opening?.(this.#url) : undefined;
    if (early === undefined) return askForStream(this.#url, { token: this.#token(), lastId: this.#lastId, signal });
    signal.addEventListener("abort", () => early.end.abort());
    return early.answer;
  }

  #alive(): void {
    this.#heardAt = performance.now();
    this.#stale = false;
    this.#report.heard();
    this.#report.phase({ name: "live" });
  }

  #take({ event, data, id }: ServerSentEvent): void {
    this.#alive();
    this.#failures = 0;
    if (MESSAGES.has(event)) {
      let message: FlowMessage;
      try {
        message = JSON.parse(data) as FlowMessage;
      } catch (error) {
        this.#lastId = "";
        throw new Refused({ name: "reconnecting", why: "the stream was damaged" }, { cause: error });
      }
      this.#report.message(message);
      // After the message: what was not taken must be sent again.
      if (id !== "") this.#lastId = id;
    } else if (event !== "heartbeat" && !this.#unknown.has(event)) {
      this.#unknown.add(event);
      console.warn("the server sent an event that this page does not know", event);
    }
  }

  #again(attempt: AbortController, phase: Phase): void {
    if (this.#attempt !== attempt) return;
    attempt.abort();
    this.#attempt = undefined;
    this.#failures += 1;
    if (!this.#stale || phase.name !== "reconnecting") this.#report.phase(phase);
    // A token that is refused does not heal by asking again; a new one starts the stream.
    if (phase.name === "unauthorized") return;
    const wait = waitMs({ failures: this.#failures, spread: Math.random(), askedMs: this.#askedMs });
    this.#timer = setTimeout(() => void this.#open(), wait);
  }
}

class Refused extends Error {
  readonly phase: Phase;
  constructor(phase: Phase, options?: ErrorOptions) {
    super(phase.name, options);
    this.phase = phase;
  }
}

function refusal(status: number): Phase {
  if (status === 401) return { name: "unauthorized" };
  if (status === 403) return { name: "forbidden" };
  if (status === 404) return { name: "missing" };
  if (status === 503 || status === 429) return { name: "full" };
  return { name: "reconnecting", why: `the server answered ${status}` };
}
