/** Every node as a row: the graph's full equal. Only the rows in sight are in the document. */

import { useLayoutEffect, useRef } from "preact/hooks";
import { computed, useSignal } from "@preact/signals";
import { wordOf } from "../core/look";
import { numberIn, textIn, whyOf } from "../core/meta";
import { clock, duration, shown } from "../core/text";
import { type Column, type Row, sortedBy } from "../core/table";
import { isOver, tookMs } from "../core/times";
import { graph, shownTime, tallies } from "../state/picture";
import { clearFilters, isFiltering, rows, select, selectedKey, sort } from "../state/view";
import { Glyph } from "./Glyph";
import { Said } from "./Said";

const ROW_PX = 32;
/** Rows above and below the part in sight, so that scrolling shows no gap. */
const SPARE = 12;

type Head = { readonly column: Column; readonly title: string };

const HEADS: readonly Head[] = [
  { column: "status", title: "Status" },
  { column: "name", title: "Name" },
  { column: "region", title: "Region" },
  { column: "took", title: "Took" },
  { column: "started", title: "Started" },
  { column: "attempts", title: "Tries" },
  { column: "version", title: "Version" },
  { column: "why", title: "Why" },
];

/** Then only the first four columns are there: a cell that spans more would make room for those that are not. */
const NARROW = matchMedia("(max-width: 700px)");

/** Sorted by region, the table is one part for each of them, with its own count. */
type Line = { readonly lane: string } | Row;
const isRow = (line: Line): line is Row => "key" in line;

const lines = computed<readonly Line[]>(() => {
  if (sort.value.column !== "region" || graph.value.lanes.length < 2) return rows.value;
  const list: Line[] = [];
  let lane: string | undefined;
  for (const row of rows.value) {
    if (row.lane !== lane) {
      lane = row.lane;
      list.push({ lane });
    }
    list.push(row);
  }
  return list;
});

const MOST_LANE_CH = 24;
const longestLane = computed(() => Math.min(MOST_LANE_CH, Math.max(...graph.value.lanes.map(({ name }) => name.length), 8)));

export function TableView() {
  const list = lines.value;
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
  const selected = selectedKey.value;
  useLayoutEffect(() => {
    // A selection made elsewhere, or by keys, is brought into sight.
    const at = selected === undefined ? -1 : list.findIndex((line) => isRow(line) && line.key === selected);
    const box = scroller.current;
    if (at === -1 || box === null) return;
    const y = at * ROW_PX;
    if (y < box.scrollTop) box.scrollTop = Math.max(0, y - 2 * ROW_PX);
    else if (y + 3 * ROW_PX > box.scrollTop + box.clientHeight) box.scrollTop = y + 4 * ROW_PX - box.clientHeight;
  }, [selected]);
  const first = Math.max(0, Math.floor(top.value / ROW_PX) - SPARE);
  const last = Math.min(list.length, Math.ceil((top.value + height.value) / ROW_PX) + SPARE);
  return (
    <div class="table" ref={scroller} onScroll={(event) => (top.value = event.currentTarget.scrollTop)}>
      <table aria-rowcount={list.length + 1} style={{ "--lane": `${longestLane.value + 3}ch` }}>
        <thead>
          <tr aria-rowindex={1}>
            {HEADS.map((head) => (
              <HeadCell key={head.column} head={head} />
            ))}
          </tr>
        </thead>
        <tbody>
          {first > 0 && <Spacer count={first} />}
          {list.slice(first, last).map((line, at) =>
            isRow(line) ? (
              <NodeRow key={line.key} row={line} index={first + at + 2} selected={line.key === selected} />
            ) : (
              <LaneRow key={`lane ${line.lane}`} lane={line.lane} index={first + at + 2} />
            ),
          )}
          {last < list.length && <Spacer count={list.length - last} />}
        </tbody>
      </table>
      {list.length === 0 && isFiltering.value && (
        <p class="calm stage-note">
          Nothing passes the filters.{" "}
          <button type="button" class="link underlined" onClick={clearFilters}>
            Show all
          </button>
        </p>
      )}
    </div>
  );
}

function HeadCell({ head: { column, title } }: { head: Head }) {
  const { column: by, descending } = sort.value;
  const here = by === column;
  return (
    <th scope="col" class={`c-${column}`} aria-sort={here ? (descending ? "descending" : "ascending") : "none"}>
      <button type="button" onClick={() => (sort.value = sortedBy(sort.value, column))}>
        {title}
        <span class="way" aria-hidden="true">
          {here ? (descending ? " ↓" : " ↑") : ""}
        </span>
      </button>
    </th>
  );
}

function Spacer({ count }: { count: number }) {
  return (
    <tr class="spacer" aria-hidden="true" style={{ height: `${count * ROW_PX}px` }}>
      <td />
    </tr>
  );
}

function LaneRow({ lane, index }: { lane: string; index: number }) {
  const tally = tallies.value.lanes.get(lane);
  return (
    <tr class="lane-row" aria-rowindex={index}>
      <th scope="rowgroup" colSpan={NARROW.matches ? 4 : HEADS.length}>
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

function NodeRow({ row, index, selected }: { row: Row; index: number; selected: boolean }) {
  const { node, look, lane } = row;
  const nowMs = isOver(node) ? 0 : shownTime.value;
  const took = tookMs(node, nowMs);
  const why = look === "succeeded" ? undefined : whyOf(node);
  return (
    <tr class={`is-${look}${selected ? " selected" : ""}`} aria-rowindex={index} onClick={() => select(node)}>
      <td class="c-status">
        <Glyph look={look} />
        <Said text={wordOf(node, look)} />
      </td>
      <th scope="row" class="c-name">
        <button type="button" class="link" aria-pressed={selected}>
          <Said text={node.label} />
        </button>
      </th>
      <td class="c-region">{lane !== "" && <Said text={lane} />}</td>
      <td class="c-took">{took === undefined ? "" : duration(took)}</td>
      <td class="c-started">{node.startedAt === undefined ? "" : clock(node.startedAt, shownTime.peek())}</td>
      <td class="c-attempts">{numberIn(node, "attempts") ?? ""}</td>
      <td class="c-version">
        <Said text={textIn(node, "version") ?? ""} />
      </td>
      <td class="c-why" title={why && shown(why)}>{why !== undefined && <Said text={why} />}</td>
    </tr>
  );
}
