/** All is ready: how long it took, what was slowest, what decided it. */

import { computed } from "@preact/signals";
import { markdownOf, slowest, type Summary } from "../core/summary";
import { isDone } from "../core/tally";
import { duration } from "../core/text";
import { shownTime, span, steady, tallies } from "../state/picture";
import { critical } from "../state/timing";
import { allRows, flowId, select } from "../state/view";
import { CopyButton } from "./CopyButton";
import { Said } from "./Said";

export const summary = computed<Summary>(() => {
  const { all } = tallies.value;
  const { start, end } = span.value;
  return {
    title: flowId.value ?? "",
    ready: all.ready,
    total: all.total,
    failed: all.failed,
    suspended: all.suspended,
    totalMs: Math.max(0, (end ?? shownTime.peek()) - start),
    over: end !== undefined,
    slowest: slowest(allRows.value),
    path: critical.value,
  };
});

export const summaryText = (): string => markdownOf(summary.value, steady.value.state.nodes);

export function Done() {
  if (!isDone(tallies.value.all)) return null;
  const { totalMs, slowest: slow, path } = summary.value;
  return (
    <section class="done" aria-labelledby="done-title">
      <h2 id="done-title">All done in {duration(totalMs)}</h2>
      {slow.length > 0 && (
        <>
          <h3>Slowest</h3>
          <ul>
            {slow.map(({ key, node, lane, tookMs }) => (
              <li key={key}>
                <button type="button" class="node-line" onClick={() => select(node)}>
                  <Said text={node.label} />
                  {lane !== "" && <Said text={lane} class="lane" />}
                  <span class="note">{duration(tookMs ?? 0)}</span>
                </button>
              </li>
            ))}
          </ul>
        </>
      )}
      {path.steps.length > 1 && (
        <>
          <h3>Critical path, {duration(path.totalMs)}</h3>
          <ul>
            {path.steps.map(({ key, tookMs }) => {
              const node = steady.value.state.nodes.get(key);
              return node === undefined ? null : (
                <li key={key}>
                  <button type="button" class="node-line" onClick={() => select(node)}>
                    <Said text={node.label} />
                    <span class="note">{duration(tookMs)}</span>
                  </button>
                </li>
              );
            })}
          </ul>
        </>
      )}
      <CopyButton text={summaryText} what="the summary as Markdown" label="copy as Markdown" />
    </section>
  );
}
