/** What keeps a node from ever starting, or its chart from being had, as its emitter says it in `meta`. Pure. */

import type { FlowNode, Json, Time } from "./contract";
import { textsIn } from "./meta";
import { isOver } from "./times";

/** `meta.chartProblem`: at least one of the two texts is there. */
export type ChartProblem = {
  readonly reason: string | undefined;
  readonly message: string | undefined;
  /** Since when. Unix milliseconds. */
  readonly since: Time | undefined;
};

/** `meta.mistakes`: sentences about dependencies that can never be met. */
export const mistakesOf = (node: FlowNode): string[] => textsIn(node, "mistakes").filter((sentence) => sentence.trim() !== "");

export function chartProblemOf(node: FlowNode): ChartProblem | undefined {
  const said = node.meta?.["chartProblem"];
  if (typeof said !== "object" || said === null || Array.isArray(said)) return undefined;
  const text = (value: Json | undefined): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);
  const [reason, message, since] = [text(said["reason"]), text(said["message"]), said["since"]];
  if (reason === undefined && message === undefined) return undefined;
  return { reason, message, since: typeof since === "number" && since >= 0 ? since : undefined };
}

/** What is wrong beyond its own condition, in one line: while it lasts, an operator should look at it. */
export function troubleOf(node: FlowNode): { kind: "mistake" | "chart"; why: string } | undefined {
  if (isOver(node)) return undefined;
  const [mistake] = mistakesOf(node);
  if (mistake !== undefined) return { kind: "mistake", why: mistake };
  const problem = chartProblemOf(node);
  if (problem === undefined) return undefined;
  const said = [problem.reason, problem.message?.split("\n", 1)[0]].filter((part) => part !== undefined);
  return { kind: "chart", why: `no chart: ${said.join(": ")}` };
}
