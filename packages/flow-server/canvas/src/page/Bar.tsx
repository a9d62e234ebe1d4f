/** How far a flow or a region is, as one bar: failed, ready, running, and room for what waits. */

import type { Tally } from "../core/tally";

export function Bar({ tally, label }: { tally: Tally; label: string }) {
  const { total, ready, running, failed } = tally;
  const part = (count: number) => ({ width: `${total === 0 ? 0 : (100 * count) / total}%` });
  return (
    <div class="bar" role="progressbar" aria-label={label} aria-valuemin={0} aria-valuemax={total} aria-valuenow={ready}>
      <i class="failed" data-some={failed > 0 ? true : undefined} style={part(failed)} />
      <i class="succeeded" style={part(ready)} />
      <i class="running" style={part(running)} />
    </div>
  );
}
