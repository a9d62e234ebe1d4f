/** What can be taken away: the state as JSON, the table as CSV, the graph as SVG. */

import { csvOf } from "../core/csv";
import { snapshotOf } from "../core/fold";
import { lookOf, wordOf } from "../core/look";
import { svgOf, type SvgTile } from "../core/svg";
import { palette } from "../draw/palette";
import { serverNow } from "../state/clock";
import { picture } from "../state/picture";
import { scenes } from "../state/scene";
import { flowId, openLane, rows } from "../state/view";

function save(text: string, type: string, ending: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  link.href = url;
  // What a file system may refuse in a name becomes a dash.
  link.download = `${(flowId.peek() ?? "flow").replace(/[^\p{L}\p{N}._-]+/gu, "-").slice(0, 80)}.${ending}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

export function saveJson(): void {
  const { flowId: id, state, at } = picture.peek();
  save(JSON.stringify(snapshotOf(state, { flowId: id, at: at ?? serverNow() }), null, 2), "application/json", "json");
}

/** What passes the filters, in the table's order. */
export function saveCsv(): void {
  save(csvOf(rows.peek()), "text/csv", "csv");
}

/** The opened region, or all of them. */
export function saveSvg(): void {
  const { nodes } = picture.peek().state;
  const wanted = openLane.peek();
  const tiles = scenes
    .peek()
    .filter(({ name }) => wanted === undefined || name === wanted)
    .map(({ name, layout, nameOf, edges }): SvgTile => ({
      name,
      width: layout.width,
      height: layout.height,
      boxes: [...nameOf].flatMap(([key, named]) => {
        const [node, place] = [nodes.get(key), layout.places.get(named)];
        if (node === undefined || place === undefined) return [];
        const look = lookOf(node);
        return [{ place, label: node.label, look, word: wordOf(node, look) }];
      }),
      edges: edges.map(({ from, to, path }) => {
        const failing = nodes.get(from)?.status === "failed" && nodes.get(to)?.status !== "succeeded";
        return { path, look: failing ? ("failed" as const) : ("succeeded" as const) };
      }),
    }));
  save(svgOf(flowId.peek() ?? "", tiles, palette.peek()), "image/svg+xml", "svg");
}
