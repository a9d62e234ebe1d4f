/** What an emitter knows of a node beyond its condition: mistakes that keep it from starting, and a chart that is not there. */

import type { FlowNode } from "../core/contract";
import { clock, duration } from "../core/text";
import { chartProblemOf, mistakesOf } from "../core/trouble";
import { shownTime } from "../state/picture";
import { Glyph } from "./Glyph";
import { Said } from "./Said";

export function Trouble({ node }: { node: FlowNode }) {
  const mistakes = mistakesOf(node);
  const problem = chartProblemOf(node);
  return (
    <>
      {mistakes.length > 0 && (
        <div class="message is-stalled mistakes">
          <b>
            <Glyph look="stalled" /> {mistakes.length === 1 ? "A mistake in what it depends on" : "Mistakes in what it depends on"}
          </b>
          <ul>
            {mistakes.map((sentence) => (
              <li key={sentence}>
                <Said text={sentence} lines />
              </li>
            ))}
          </ul>
        </div>
      )}
      {problem !== undefined && (
        <div class="message is-stalled chart-problem">
          <b>
            <Glyph look="stalled" /> The chart cannot be had
            {problem.reason !== undefined && (
              <>
                : <Said text={problem.reason} />
              </>
            )}
          </b>
          {problem.since !== undefined && (
            <span class="muted" title={clock(problem.since, shownTime.value)}>
              {" "}
              for {duration(shownTime.value - problem.since)}
            </span>
          )}
          {problem.message !== undefined && (
            <p>
              <Said text={problem.message} lines />
            </p>
          )}
        </div>
      )}
    </>
  );
}
