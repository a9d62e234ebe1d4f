/** Lines to paste into a shell, for what a node stands for. Pure. */

import type { FlowNode } from "./contract";

export type Command = { readonly title: string; readonly line: string };

/** A Kubernetes name needs no quotes; anything else is one single-quoted word, so that no text becomes a command. */
export function word(text: string): string {
  return /^[A-Za-z0-9][A-Za-z0-9._/-]*$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** What Flux and kubectl say about a release; nothing for nodes that no Flux adapter sent, or with unfit names. */
export function commandsFor(node: FlowNode): Command[] {
  const namespace = node.meta?.["namespace"];
  if (node.meta?.["source"] !== "flux" || typeof namespace !== "string") return [];
  const unfit = /[\p{C}\p{Zl}\p{Zp}]/u;
  if (unfit.test(node.label) || unfit.test(namespace)) return [];
  const [name, space] = [word(node.label), word(namespace)];
  const lines: Command[] = [
    { title: "status", line: `flux -n ${space} get hr ${name}` },
    { title: "events and conditions", line: `kubectl -n ${space} describe helmrelease ${name}` },
    { title: "controller's log", line: `flux -n ${space} logs --kind=HelmRelease --name=${name}` },
  ];
  const target = node.meta["targetNamespace"];
  if (typeof target === "string" && !unfit.test(target)) {
    lines.push({ title: "its pods", line: `kubectl -n ${word(target)} get pods` });
  }
  if (node.meta["suspended"] === true) lines.push({ title: "resume", line: `flux -n ${space} resume hr ${name}` });
  else if (node.status !== "succeeded") {
    lines.push({ title: "try again", line: `flux -n ${space} reconcile hr ${name} --force --reset` });
  }
  return lines;
}
