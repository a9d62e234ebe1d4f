/** What one tells a colleague about a flow: total time, the slowest five, the critical path; also as Markdown. Pure. */

import type { CriticalPath } from "./criticalPath";
import type { Nodes } from "./graph";
import { idInKey } from "./graph";
import type { Row } from "./table";
import { duration, plural, shown } from "./text";

export type Summary = {
  readonly title: string;
  /** Ready, and all that count: as the header has them. */
  readonly ready: number;
  readonly total: number;
  readonly failed: number;
  readonly suspended: number;
  /** From begin to end, or to now. */
  readonly totalMs: number;
  readonly over: boolean;
  readonly slowest: readonly Row[];
  readonly path: CriticalPath;
};

/** The rows that took longest, longest first. */
export const slowest = (rows: Iterable<Row>, count = 5): Row[] =>
  [...rows]
    .filter(({ tookMs }) => tookMs !== undefined)
    .sort((a, b) => b.tookMs! - a.tookMs!)
    .slice(0, count);

/** Text from outside in Markdown: nothing in it is markup, a line feed does not end the line. */
export const plain = (text: string): string => shown(text).replace(/[\\`*_{}[\]<>()#+\-.!|~&@:]/g, "\\$&");

export function markdownOf({ title, ready, total, failed, suspended, totalMs, over, slowest: slow, path }: Summary, nodes: Nodes): string {
  const counts = [`${ready} of ${total} ready`, ...(failed ? [`${failed} failed`] : []), ...(suspended ? [`${suspended} suspended`] : [])];
  const lines = [`## ${plain(title)}`, "", `${counts.join(", ")}, ${over ? "in" : "running for"} **${duration(totalMs)}**.`];
  if (slow.length > 0) {
    lines.push("", `### Slowest ${plural(slow.length, "release")}`, "", "| release | region | time |", "| --- | --- | ---: |");
    for (const { node, lane, tookMs } of slow) lines.push(`| ${plain(node.label)} | ${plain(lane)} | ${duration(tookMs ?? 0)} |`);
  }
  if (path.steps.length > 0) {
    lines.push("", `### Critical path, ${duration(path.totalMs)}`, "");
    path.steps.forEach(({ key, tookMs, waitedMs, endedAt }, at) => {
      const name = plain(nodes.get(key)?.label ?? idInKey(key));
      const waited = waitedMs >= 1000 ? `, after a wait of ${duration(waitedMs)}` : "";
      lines.push(`${at + 1}. ${name}: ${duration(tookMs)}${endedAt === undefined ? " so far" : ""}${waited}`);
    });
  }
  return `${lines.join("\n")}\n`;
}
