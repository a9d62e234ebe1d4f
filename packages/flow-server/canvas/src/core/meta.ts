/** Reading `meta`, which is free-form: every known key may be absent or of another type. Pure. */

import type { FlowNode, Json } from "./contract";
import { isWaiting } from "./look";

export const textIn = (node: FlowNode, key: string): string | undefined => {
  const value = node.meta?.[key];
  return typeof value === "string" && value !== "" ? value : undefined;
};

export const numberIn = (node: FlowNode, key: string): number | undefined => {
  const value = node.meta?.[key];
  return typeof value === "number" ? value : undefined;
};

export const isTrue = (node: FlowNode, key: string): boolean => node.meta?.[key] === true;

/** The texts of a list; anything else in it is left out. */
export const textsIn = (node: FlowNode, key: string): string[] => {
  const value = node.meta?.[key];
  return Array.isArray(value) ? value.filter((entry): entry is string => typeof entry === "string") : [];
};

/** What it waits for; else the first line of the message, with the reason before it when it does not begin with it. */
export function whyOf(node: FlowNode): string | undefined {
  const awaited = isWaiting(node) ? textsIn(node, "waitingFor") : [];
  if (awaited.length > 0) return `waits for ${awaited.join(", ")}`;
  const reason = textIn(node, "reason");
  const message = textIn(node, "message")?.split("\n", 1)[0];
  if (message === undefined) return reason;
  return reason === undefined || message.startsWith(reason) ? message : `${reason}: ${message}`;
}

/** A value as one line of text, for keys that nobody knows. */
export const oneLine = (value: Json): string => (typeof value === "string" ? value : JSON.stringify(value));
