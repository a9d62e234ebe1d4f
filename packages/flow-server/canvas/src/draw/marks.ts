/** A mark in the browser's own timeline when a flow is first on the screen: what the benchmark, and a profile, looks for. */

let marked: string | undefined;

export function markDrawn(flowId: string): void {
  if (marked === flowId) return;
  marked = flowId;
  performance.mark("flow drawn");
}
