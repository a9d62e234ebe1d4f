/** What follows from the picture, worked out when a view asks for it. */

import { computed } from "@preact/signals";
import { concernsOf } from "../core/attention";
import { waitsIn } from "../core/waiting";
import { graph, steady } from "./picture";

/** Who waits for whom, right now. */
export const waits = computed(() => waitsIn(graph.value, steady.value.state.nodes));

/** What needs attention, the most urgent first. */
export const concerns = computed(() => {
  const { state } = steady.value;
  return concernsOf(state.nodes, graph.value, (key) => waits.value.blocked(key).size);
});
