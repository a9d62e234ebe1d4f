/**
 * A flow's past, for a time slider: messages with the time at which the server took them in, and the state at any of
 * these moments. A copy of the state is kept every so many messages, so that a step costs one copy and a few messages
 * folded, however long the past is. Pure but for the history itself, which grows.
 */

import { emptyState, type FlowMessage, type FlowState, type Time } from "./contract";
import { fold } from "./fold";

/** One line of `GET …/events`. */
export type Entry = {
  readonly seq: number;
  /** When the server took it in, Unix milliseconds; absent on the base, which has no single time. */
  readonly at?: Time;
  readonly message: FlowMessage;
};

/** At most so many copies, and none closer together than this. */
const COPIES = 32;
const MIN_STRIDE = 128;

/** The lines of an NDJSON body; what is no entry, such as a line that was cut off, is left out. */
export function entriesOf(body: string): Entry[] {
  return body.split("\n").flatMap((line) => {
    try {
      const entry = JSON.parse(line) as Partial<Entry> | null;
      return typeof entry?.seq === "number" && typeof entry.message?.type === "string" ? [entry as Entry] : [];
    } catch {
      return [];
    }
  });
}

const copyOf = ({ flow, nodes, relationships }: FlowState): FlowState => ({
  ...(flow ? { flow } : {}),
  nodes: new Map(nodes),
  relationships: new Map(relationships),
});

export class History {
  readonly #entries: Entry[] = [];
  /** Entry -> the latest time of it and all before: the server's clock may have gone back. */
  readonly #times: Time[] = [];
  /** Copies of the state before the entry with that index. */
  #copies = new Map<number, FlowState>();
  #stride = MIN_STRIDE;
  #last = emptyState();

  /** The sequence of the last entry, to ask for what came after it; undefined while there is none. */
  get lastSeq(): number | undefined {
    return this.#entries.at(-1)?.seq;
  }

  /** First and last moment; undefined while no message has a time. Before the first one stands the base. */
  get span(): { readonly start: Time; readonly end: Time } | undefined {
    const start = this.#times.find((at) => at > -Infinity);
    return start === undefined ? undefined : { start, end: this.#times.at(-1)! };
  }

  /** How many messages are known, the base among them. */
  get size(): number {
    return this.#entries.length;
  }

  /** The next entries, in order; those known already (a page asked for twice) are passed over. */
  append(entries: Iterable<Entry>): void {
    for (const entry of entries) {
      if (entry.seq <= (this.lastSeq ?? -1)) continue;
      const index = this.#entries.length;
      if (index % this.#stride === 0) this.#keep(index);
      this.#entries.push(entry);
      this.#times.push(Math.max(entry.at ?? -Infinity, this.#times.at(-1) ?? -Infinity));
      fold(this.#last, entry.message);
    }
  }

  #keep(index: number): void {
    if (this.#copies.size >= COPIES) {
      this.#stride *= 2;
      this.#copies = new Map([...this.#copies].filter(([at]) => at % this.#stride === 0));
      if (index % this.#stride !== 0) return;
    }
    this.#copies.set(index, copyOf(this.#last));
  }

  /** The state after everything up to `at`; before the first message the base. A copy: the caller's to keep. */
  stateAt(at: Time): FlowState {
    // The first entry is the base, or the flow's first message: something is always shown.
    let [low, high] = [Math.min(1, this.#times.length), this.#times.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#times[middle]! <= at) low = middle + 1;
      else high = middle;
    }
    return this.#stateBefore(low);
  }

  /** The moments at which something happened, in order, each once: what a slider steps through. */
  moments(): Time[] {
    return this.#times.filter((at, index) => at > -Infinity && at !== this.#times[index - 1]);
  }

  #stateBefore(index: number): FlowState {
    const from = Math.floor(index / this.#stride) * this.#stride;
    const copy = this.#copies.get(from);
    const state = copy ? copyOf(copy) : emptyState();
    for (let at = copy ? from : 0; at < index; at++) fold(state, this.#entries[at]!.message);
    return state;
  }
}
