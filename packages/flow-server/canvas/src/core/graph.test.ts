import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { nodeKey } from "./contract";
import { anyFlow, flowOf, FLOW, inside, key, node, waits } from "./flows.testing";
import { byText, containersOf, idInKey, keyOfId, linksBefore, nameOf } from "./graph";

describe("lanes", () => {
  test("a region is a lane, its own node stands for the lane and is not drawn in it", () => {
    const { graph } = flowOf(
      [node("fsn1", { region: "fsn1" }), node("fsn1/a", { region: "fsn1" }), node("ash/a", { region: "ash" })],
      inside("fsn1", "fsn1/a"),
    );
    expect(graph.lanes).toEqual([
      { name: "ash", keys: [key("ash/a")], containers: [] },
      { name: "fsn1", keys: [key("fsn1/a")], containers: [key("fsn1")] },
    ]);
  });

  test("without regions the outermost containers are the lanes, however deep the tree", () => {
    const { graph } = flowOf(
      ["build", "compile", "cc", "deploy", "push", "loose"].map((id) => node(id)),
      [...inside("build", "compile"), ...inside("compile", "cc"), ...inside("deploy", "push")],
    );
    expect(graph.lanes.map(({ name, keys }) => [name, keys])).toEqual([
      ["", [key("loose")]],
      ["build", [key("cc")]],
      ["deploy", [key("push")]],
    ]);
    expect(containersOf(graph, key("cc"))).toEqual([key("compile"), key("build")]);
  });

  test("a container that takes part in the order is drawn like any other node", () => {
    const { graph } = flowOf([node("a"), node("b"), node("c")], [...inside("b", "c"), ...waits("b", "a")]);
    expect([...graph.laneOf.keys()]).toEqual([key("a"), key("b"), key("c")]);
  });

  test("containers in a ring, or inside themselves, hide nothing", () => {
    const { graph } = flowOf([node("a"), node("b"), node("c")], [...inside("a", "b"), ...inside("b", "a"), ...inside("c", "c")]);
    expect(graph.containers.size).toBe(0);
    expect([...graph.laneOf.keys()]).toEqual([key("a"), key("b"), key("c")]);
  });

  test("every node of any flow is either drawn in exactly one lane or a container", () => {
    fc.assert(
      fc.property(anyFlow, ({ nodes, graph }) => {
        const drawn = graph.lanes.flatMap(({ keys }) => keys);
        expect([...drawn, ...graph.containers].sort(byText)).toEqual([...nodes.keys()].sort(byText));
        expect(graph.lanes.map(({ name }) => name)).toEqual([...new Set(graph.lanes.map(({ name }) => name))].sort(byText));
      }),
    );
  });
});

test("a name leaves out the region in front, and only that", () => {
  expect(nameOf(node("fsn1/bp-cilium", { region: "fsn1" }))).toBe("bp-cilium");
  expect(nameOf(node("fsn1:bp-cilium", { region: "fsn1" }))).toBe("bp-cilium");
  expect(nameOf(node("fsn1/ns/bp-cilium", { region: "fsn1" }))).toBe("ns/bp-cilium");
  expect(nameOf(node("fsn12/bp-cilium", { region: "fsn1" }))).toBe("fsn12/bp-cilium");
  expect(nameOf(node("fsn1", { region: "fsn1" }))).toBe("fsn1");
  expect(nameOf(node("fsn1/", { region: "fsn1" }))).toBe("fsn1/");
  expect(nameOf(node("fsn1/bp-cilium"))).toBe("fsn1/bp-cilium");
});

test("an end that names no flow means a node of the flow at hand, else any node with that id", () => {
  const { graph } = flowOf(
    [node("a"), node("b"), node("x", { flowId: "other" })],
    [...waits("b", "a", "x", "gone"), { fromId: "a", fromFlowId: "third", toId: "b", type: "triggers" }],
  );
  expect(linksBefore(graph, key("b")).map(({ from }) => from)).toEqual([key("a"), "5:other1:x", key("gone"), "5:third1:a"]);
});

test("an id from the URL finds the flow's own node first, then one of another flow, else none", () => {
  const { nodes } = flowOf([node("a", { flowId: "other" }), node("a"), node("b", { flowId: "other" })], []);
  expect(keyOfId(FLOW, nodes, "a")).toBe(key("a"));
  expect(keyOfId(FLOW, nodes, "b")).toBe("5:other1:b");
  expect(keyOfId(FLOW, nodes, "c")).toBeUndefined();
});

test("a key tells the id it was made of", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (flow, id) => {
    expect(idInKey(nodeKey(flow, id))).toBe(id);
  }));
});
