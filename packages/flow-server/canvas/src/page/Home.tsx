/** All flows, failing ones first; the only one is opened at once. */

import { useEffect } from "preact/hooks";
import { batch, computed, signal } from "@preact/signals";
import type { Look } from "../core/look";
import { ago, plural } from "../core/text";
import { emptyTally, type Tally } from "../core/tally";
import { learnServerTime, now } from "../state/clock";
import { get, token } from "../state/token";
import { query } from "../state/view";
import { Bar } from "./Bar";
import { Glyph } from "./Glyph";
import { hrefOf, onPlainClick, openFlow } from "./route";
import { Said } from "./Said";
import { TokenForm } from "./TokenForm";
import { ThemeButton } from "./Tools";
import { Waiting } from "./Nothing";

type Listed = {
  readonly id: string;
  readonly status: string;
  readonly counts: Readonly<Record<string, number>>;
  readonly startedAt: number;
  readonly changedAt: number;
};

type Answer = "asking" | "ok" | "unauthorized" | "away";

const ASK_EVERY_MS = 4000;
const flows = signal<readonly Listed[]>([]);
const answer = signal<Answer>("asking");

const ORDER: readonly Look[] = ["failed", "running", "pending", "succeeded"];
const lookOfStatus = (status: string): Look =>
  ORDER.includes(status as Look) ? (status as Look) : "running";

const sorted = computed(() => {
  const wanted = query.value.trim().toLowerCase();
  return flows.value
    .filter(({ id }) => id.toLowerCase().includes(wanted))
    .sort(
      (a, b) =>
        ORDER.indexOf(lookOfStatus(a.status)) - ORDER.indexOf(lookOfStatus(b.status)) ||
        b.startedAt - a.startedAt ||
        (a.id < b.id ? -1 : 1),
    );
});

const tallyOf = (counts: Listed["counts"]): Tally => {
  const tally = emptyTally();
  for (const [status, count] of Object.entries(counts)) {
    tally.total += count;
    if (status === "succeeded") tally.ready += count;
    else if (status === "failed") tally.failed += count;
    else if (status === "pending") tally.waiting += count;
    else tally.running += count;
  }
  return tally;
};

async function ask(openTheOnlyOne: boolean): Promise<void> {
  try {
    const response = await get("v1/flows");
    const date = Date.parse(response.headers.get("Date") ?? "");
    if (!Number.isNaN(date)) learnServerTime(date);
    if (response.status === 401) {
      answer.value = "unauthorized";
      return;
    }
    if (!response.ok) throw new Error(`the list of flows was answered ${response.status}`);
    const { flows: list } = (await response.json()) as { flows: Listed[] };
    batch(() => {
      flows.value = list;
      answer.value = "ok";
    });
    const [only] = list;
    if (openTheOnlyOne && list.length === 1 && only !== undefined) openFlow(only.id, { instead: true });
  } catch {
    answer.value = "away";
  }
}

export function Home({ openTheOnlyOne }: { openTheOnlyOne: boolean }) {
  useEffect(() => {
    void ask(openTheOnlyOne);
    const timer = setInterval(() => {
      if (document.visibilityState === "visible") void ask(openTheOnlyOne);
    }, ASK_EVERY_MS);
    return () => clearInterval(timer);
  }, [token.value]);
  if (answer.value === "unauthorized") return <TokenForm />;
  const list = sorted.value;
  return (
    <main class="flows">
      <div class="flows-head">
        <h1>Flows</h1>
        <span class="muted">
          {answer.value === "away" ? "the server does not answer; trying again" : plural(flows.value.length, "flow")}
        </span>
        {flows.value.length > 6 && (
          <input
            id="search"
            type="search"
            placeholder="search"
            aria-label="search flows"
            value={query.value}
            onInput={(event) => (query.value = event.currentTarget.value)}
          />
        )}
        <span class="tools">
          <ThemeButton />
        </span>
      </div>
      {answer.value === "ok" && flows.value.length === 0 && <Waiting flowId={undefined} />}
      <ul>
        {list.map((flow) => (
          <li key={flow.id}>
            <FlowCard flow={flow} />
          </li>
        ))}
      </ul>
    </main>
  );
}

function FlowCard({ flow }: { flow: Listed }) {
  const tally = tallyOf(flow.counts);
  const look = lookOfStatus(flow.status);
  return (
    <a class={`flow-card is-${look}`} href={hrefOf({ flow: flow.id })} onClick={(event) => onPlainClick(event, () => openFlow(flow.id))}>
      <span class="flow-name">
        <Glyph look={look} name={flow.status} />
        <Said text={flow.id} />
      </span>
      <span class="flow-count">
        {tally.ready} of {tally.total} ready
        {tally.failed > 0 && <b class="is-failed"> · {tally.failed} failed</b>}
        <span class="dim"> · changed {ago(now.value - flow.changedAt)}</span>
      </span>
      <Bar tally={tally} label={`${tally.ready} of ${tally.total} ready`} />
    </a>
  );
}
