/** The table as CSV (RFC 4180), safe to open in a spreadsheet. Pure. */

import type { Row } from "./table";
import { wordOf } from "./look";
import { numberIn, textIn } from "./meta";

const HEAD = ["id", "name", "region", "family", "status", "state", "started", "ended", "seconds", "attempts", "version", "reason", "message"];

/** One cell. Text that a spreadsheet would run as a formula gets an apostrophe in front (OWASP, "CSV Injection"). */
export function cell(value: string | number | undefined): string {
  if (value === undefined) return "";
  if (typeof value === "number") return String(value);
  const safe = /^[\s]*[=+\-@|%\uFF1D\uFF0B\uFF0D\uFF20]|^[\t\r\n]/u.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** RFC 3339 in UTC; a time that no date can hold stays the number that it was. */
export const timeText = (ms: number | undefined): string | number | undefined =>
  ms === undefined || ms > 8.64e15 ? ms : new Date(ms).toISOString();

/** A head and one record for each row, in their order; lines end in CRLF, the last one too. */
export function csvOf(rows: Iterable<Row>): string {
  const lines = [HEAD.join(",")];
  for (const { node, name, lane, look, tookMs } of rows) {
    const values = [
      node.id,
      name,
      lane,
      node.family,
      node.status,
      wordOf(node, look),
      timeText(node.startedAt),
      timeText(node.endedAt),
      tookMs === undefined ? undefined : Math.round(tookMs) / 1000,
      numberIn(node, "attempts"),
      textIn(node, "version"),
      textIn(node, "reason"),
      textIn(node, "message"),
    ];
    lines.push(values.map(cell).join(","));
  }
  return `${lines.join("\r\n")}\r\n`;
}
