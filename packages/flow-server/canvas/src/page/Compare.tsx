/** Two flows, or two regions of one, beside each other: what is missing, what got slower. */

import { useEffect } from "preact/hooks";
import { computed, effect, signal } from "@preact/signals";
import { compare, isDifferent } from "../core/compare";
import type { FlowState } from "../core/contract";
import { graphOf } from "../core/graph";
import { wordOf } from "../core/look";
import { type Row, rowsOf } from "../core/table";
import { duration, shown } from "../core/text";
import { graph, shownTime } from "../state/picture";
import { snapshotOfFlow } from "../state/timing";
import { get } from "../state/token";
import { allRows, compareFlow, compareLane, flowId, openLane, select } from "../state/view";
import { Glyph } from "./Glyph";
import { Said } from "./Said";

const MOST_ROWS = 1000;

const others = signal<readonly string[]>([]);
const other = signal<{ id: string; state: FlowState } | "reading" | "away">("reading");
const onlyDifferent = signal(true);

export const isComparing = computed(() => compareFlow.value !== undefined || compareLane.value !== undefined);

/** The region that the other one is compared with. */
const ownLane = computed(() => {
  const against = compareLane.value;
  if (openLane.value !== undefined && openLane.value !== against) return openLane.value;
  return graph.value.lanes.find(({ name }) => name !== against)?.name;
});

effect(() => {
  const id = compareFlow.value;
  if (id === undefined) return undefined;
  other.value = "reading";
  const end = new AbortController();
  snapshotOfFlow(id, end.signal).then(
    (state) => (other.value = state === undefined ? "away" : { id, state }),
    () => {
      if (!end.signal.aborted) other.value = "away";
    },
  );
  return () => end.abort();
});

const sides = computed<{ before: readonly Row[]; after: readonly Row[] } | undefined>(() => {
  const lane = compareLane.value;
  if (lane !== undefined) {
    const of = (name: string | undefined) => allRows.value.filter((row) => row.lane === name);
    return { before: of(lane), after: of(ownLane.value) };
  }
  const found = other.value;
  if (typeof found === "string") return undefined;
  const { id, state } = found;
  const links = graphOf(id, state.nodes, state.relationships.values());
  return { before: rowsOf(state.nodes, links, shownTime.peek()), after: allRows.value };
});

export function startComparing(): void {
  const lanes = graph.value.lanes;
  // Regions are at hand; other flows are read when one is chosen.
  if (lanes.length > 1) compareLane.value = lanes.find(({ name }) => name !== (openLane.value ?? lanes[0]?.name))?.name;
  else compareFlow.value = "";
}

export function stopComparing(): void {
  compareFlow.value = undefined;
  compareLane.value = undefined;
}

export function Compare() {
  useEffect(() => {
    const end = new AbortController();
    get("v1/flows", { signal: end.signal })
      .then(async (answer) => {
        const { flows } = (await answer.json()) as { flows: { id: string }[] };
        others.value = flows.map(({ id }) => id).filter((id) => id !== flowId.value);
      })
      .catch(() => undefined); // The regions can be compared without the list.
    return () => end.abort();
  }, []);
  const lanes = graph.value.lanes;
  const byLane = compareLane.value !== undefined;
  const choose = (value: string) => {
    const [kind, name] = [value.slice(0, 1), value.slice(1)];
    compareLane.value = kind === "r" ? name : undefined;
    compareFlow.value = kind === "f" ? name : undefined;
  };
  return (
    <section class="compare" aria-label="compare">
      <div class="compare-head">
        <label>
          Compare{" "}
          {byLane && lanes.length > 1 ? (
            <select aria-label="this region" value={ownLane.value} onChange={(event) => (openLane.value = event.currentTarget.value)}>
              {lanes.map(({ name }) => (
                <option key={name} value={name}>
                  {shown(name)}
                </option>
              ))}
            </select>
          ) : (
            <b>
              <Said text={flowId.value ?? ""} />
            </b>
          )}
        </label>
        <label>
          with{" "}
          <select
            aria-label="compare with"
            value={byLane ? `r${compareLane.value}` : `f${compareFlow.value ?? ""}`}
            onChange={(event) => choose(event.currentTarget.value)}
          >
            {!byLane && compareFlow.value === "" && <option value="f">choose…</option>}
            {lanes.length > 1 && (
              <optgroup label="another region">
                {lanes.map(({ name }) => (
                  <option key={name} value={`r${name}`}>
                    {shown(name)}
                  </option>
                ))}
              </optgroup>
            )}
            {(others.value.length > 0 || (compareFlow.value ?? "") !== "") && (
              <optgroup label="another flow">
                {[...new Set([...others.value, ...(compareFlow.value ? [compareFlow.value] : [])])].map((id) => (
                  <option key={id} value={`f${id}`}>
                    {shown(id)}
                  </option>
                ))}
              </optgroup>
            )}
          </select>
        </label>
        <label>
          <input type="checkbox" checked={onlyDifferent.value} onChange={(event) => (onlyDifferent.value = event.currentTarget.checked)} />{" "}
          only what differs
        </label>
        <button type="button" class="close" aria-label="stop comparing" onClick={stopComparing}>
          ×
        </button>
      </div>
      <Differences />
    </section>
  );
}

function Differences() {
  const both = sides.value;
  if (compareLane.value === undefined && compareFlow.value === "") return <p class="calm stage-note">Choose what to compare with.</p>;
  if (both === undefined) {
    return <p class="calm stage-note">{other.value === "away" ? "That flow cannot be read." : "Reading…"}</p>;
  }
  const all = compare(both.before, both.after);
  const list = onlyDifferent.value ? all.filter(isDifferent) : all;
  const scale = Math.max(1, ...list.map(({ slowerMs }) => Math.abs(slowerMs ?? 0)));
  const named = compareLane.value ?? compareFlow.value ?? "";
  const byFlow = compareLane.value === undefined;
  return (
    <div class="table">
      <table>
        <caption class="offscreen">differences by release</caption>
        <thead>
          <tr>
            <th scope="col" class="c-name">Name</th>
            {byFlow && (
              <th scope="col" class="c-region">
                Region
              </th>
            )}
            <th scope="col" class="c-side">
              <Said text={named} />
            </th>
            <th scope="col" class="c-side">
              <Said text={compareLane.value === undefined ? "this flow" : (ownLane.value ?? "")} />
            </th>
            <th scope="col" class="c-difference">Difference</th>
          </tr>
        </thead>
        <tbody>
          {list.slice(0, MOST_ROWS).map(({ name, lane, before, after, slowerMs, otherStatus }) => (
            <tr key={`${lane} ${name}`} onClick={() => after !== undefined && select(after.node)}>
              <th scope="row" class="c-name">
                <button type="button" class="link" disabled={after === undefined}>
                  <Said text={name} />
                </button>
              </th>
              {byFlow && <td class="c-region">{lane !== "" && <Said text={lane} />}</td>}
              <Side row={before} />
              <Side row={after} />
              <td>
                {before === undefined || after === undefined ? (
                  <b class="outlier">{before === undefined ? "new here" : "missing here"}</b>
                ) : (
                  <span class="difference">
                    <i
                      class={(slowerMs ?? 0) > 0 ? "slower" : "faster"}
                      style={{ width: `${(80 * Math.abs(slowerMs ?? 0)) / scale}px` }}
                    />
                    {slowerMs === undefined || slowerMs === 0
                      ? otherStatus
                        ? "other status"
                        : ""
                      : `${duration(Math.abs(slowerMs))} ${slowerMs > 0 ? "slower" : "faster"}`}
                  </span>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {list.length === 0 && <p class="calm stage-note">No difference worth a word.</p>}
      {list.length > MOST_ROWS && <p class="calm stage-note">and {list.length - MOST_ROWS} more</p>}
    </div>
  );
}

function Side({ row }: { row: Row | undefined }) {
  return (
    <td class="c-side">
      {row === undefined ? (
        <span class="muted">–</span>
      ) : (
        <span class={`outcome is-${row.look}`}>
          <Glyph look={row.look} name={wordOf(row.node, row.look)} />
          {row.tookMs === undefined ? "" : duration(row.tookMs)}
        </span>
      )}
    </td>
  );
}
