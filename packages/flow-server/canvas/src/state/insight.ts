/** What follows from the picture: who blocks whom. */

import { computed } from "@preact/signals";
import { linksAfter } from "../core/graph";
import { graph, picture } from "./picture";

/** How many nodes cannot get ready before this one does. */
export const blockedBy = computed<(key: string) => number>(() => {
  const { state } = picture.value;
  const links = graph.value;
  return (key) => {
    const seen = new Set([key]);
    const open = [key];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      for (const { to } of linksAfter(links, at)) {
        const node = state.nodes.get(to);
        if (node === undefined || node.status === "succeeded" || seen.has(to)) continue;
        seen.add(to);
        open.push(to);
      }
    }
    return seen.size - 1;
  };
});
