/** Every node as a row: the graph's full equal. Only the rows in sight are in the document. */

import { useLayoutEffect, useRef } from "preact/hooks";
import { computed, useSignal } from "@preact/signals";
import type { FlowNode } from "../core/contract";
import { lookOf, wordOf } from "../core/look";
import { whyOf } from "../core/meta";
import { clock, duration } from "../core/text";
import { graph, picture, shownTime, tallies } from "../state/picture";
import { passes, select, selectedKey } from "../state/view";
import { Glyph } from "./Glyph";
import { Said } from "./Said";

const ROW_PX = 32;
/** Rows above and below the part in sight, so that scrolling shows no gap. */
const SPARE = 12;

type Row = { readonly lane: string } & ({ readonly key: string; readonly node: FlowNode } | { readonly key?: undefined });

const rows = computed<readonly Row[]>(() => {
  const { state } = picture.value;
  const keep = passes.value;
  const list: Row[] = [];
  for (const lane of graph.value.lanes) {
    const members = lane.keys.flatMap((key) => {
      const node = state.nodes.get(key);
      return node !== undefined && keep(key, node) ? [{ lane: lane.name, key, node }] : [];
    });
    if (members.length > 0) list.push({ lane: lane.name }, ...members);
  }
  return list;
});

export function TableView() {
  const list = rows.value;
  const scroller = useRef<HTMLDivElement>(null);
  const top = useSignal(0);
  const height = useSignal(600);
  useLayoutEffect(() => {
    const box = scroller.current;
    if (box === null) return undefined;
    const watch = new ResizeObserver(() => (height.value = box.clientHeight));
    watch.observe(box);
    return () => watch.disconnect();
  }, []);
  const first = Math.max(0, Math.floor(top.value / ROW_PX) - SPARE);
  const last = Math.min(list.length, Math.ceil((top.value + height.value) / ROW_PX) + SPARE);
  return (
    <div class="table" ref={scroller} onScroll={(event) => (top.value = event.currentTarget.scrollTop)} tabIndex={-1}>
      <table aria-rowcount={list.length + 1}>
        <thead>
          <tr aria-rowindex={1}>
            <th scope="col" class="c-status">Status</th>
            <th scope="col" class="c-name">Release</th>
            <th scope="col" class="c-took">Took</th>
            <th scope="col" class="c-start">Started</th>
            <th scope="col" class="c-why">Why</th>
          </tr>
        </thead>
        <tbody>
          {first > 0 && <Spacer rows={first} />}
          {list.slice(first, last).map((row, at) =>
            row.key === undefined ? (
              <LaneRow key={`lane ${row.lane}`} lane={row.lane} index={first + at + 2} />
            ) : (
              <NodeRow key={row.key} nodeKey={row.key} node={row.node} index={first + at + 2} />
            ),
          )}
          {last < list.length && <Spacer rows={list.length - last} />}
        </tbody>
      </table>
      {list.length === 0 && <p class="calm">No release passes the filters.</p>}
    </div>
  );
}

function Spacer({ rows: count }: { rows: number }) {
  return <tr class="spacer" aria-hidden="true" style={{ height: `${count * ROW_PX}px` }} />;
}

function LaneRow({ lane, index }: { lane: string; index: number }) {
  const tally = tallies.value.lanes.get(lane);
  return (
    <tr class="lane-row" aria-rowindex={index}>
      <th scope="rowgroup" colSpan={5}>
        <Said text={lane === "" ? "no region" : lane} />
        {tally !== undefined && (
          <span class="muted">
            {tally.ready} of {tally.total} ready
            {tally.failed > 0 && <b class="is-failed"> · {tally.failed} failed</b>}
          </span>
        )}
      </th>
    </tr>
  );
}

function NodeRow({ nodeKey, node, index }: { nodeKey: string; node: FlowNode; index: number }) {
  const look = lookOf(node);
  const nowMs = shownTime.value;
  const selected = selectedKey.value === nodeKey;
  const why = look === "succeeded" ? undefined : whyOf(node);
  return (
    <tr class={`is-${look}${selected ? " selected" : ""}`} aria-rowindex={index} aria-selected={selected} onClick={() => select(node)}>
      <td class="c-status">
        <Glyph look={look} />
        <Said text={wordOf(node, look)} />
      </td>
      <th scope="row" class="c-name">
        <button type="button" class="link">
          <Said text={node.label} />
        </button>
      </th>
      <td class="c-took">{tookOf(node, nowMs)}</td>
      <td class="c-start">{node.startedAt === undefined ? "" : clock(node.startedAt, nowMs)}</td>
      <td class="c-why">{why !== undefined && <Said text={why} />}</td>
    </tr>
  );
}

function tookOf({ startedAt, endedAt, status }: FlowNode, nowMs: number): string {
  if (startedAt === undefined) return "";
  if (endedAt !== undefined) return duration(endedAt - startedAt);
  return status === "running" ? duration(nowMs - startedAt) : "";
}
