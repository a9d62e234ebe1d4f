import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { FlowNode, Relationship } from "./contract";
import { anyFlow, type Flow, flowOf, key, node, waits } from "./flows.testing";
import { idInKey } from "./graph";
import { lookOf } from "./look";
import { ROOT_KINDS, sentenceOf, type Waiting, type Waits, waitsIn } from "./waiting";

const NOW = 1_000_000;

const told = (flow: Flow, id: string): string | undefined => {
  const chain = waitsIn(flow.graph, flow.nodes).chain(key(id));
  return chain && sentenceOf(flow.graph, flow.nodes, chain, NOW);
};
const ids = (keys: Iterable<string>): string[] => [...keys].map(idInKey);

describe("one sentence", () => {
  const failed = node("bp-cnpg", {
    status: "failed",
    endedAt: NOW - 125_000,
    meta: { reason: "InstallFailed", message: "context deadline exceeded", attempts: 3 },
  });

  test("tells the chain to the cause, its reason, attempts and age", () => {
    const flow = flowOf(
      [node("bp-gitea"), node("bp-keycloak"), failed],
      [...waits("bp-gitea", "bp-keycloak"), ...waits("bp-keycloak", "bp-cnpg")],
    );
    expect(told(flow, "bp-gitea")).toBe(
      "bp-gitea waits for bp-keycloak, which waits for bp-cnpg: " +
        "failed 2m ago, InstallFailed: context deadline exceeded (attempt 3).",
    );
    expect(told(flow, "bp-cnpg")).toBeUndefined();
    expect(ids(waitsIn(flow.graph, flow.nodes).blocked(key("bp-cnpg")))).toEqual(["bp-keycloak", "bp-gitea"]);
  });

  test("names the worst of several causes, and how many others there are", () => {
    const flow = flowOf(
      [node("a"), node("b", { status: "running", startedAt: NOW - 60_000 }), failed, node("c")],
      [...waits("a", "b", "c", "gone"), ...waits("c", "bp-cnpg")],
    );
    expect(told(flow, "a")).toMatch(/^a waits for c, which waits for bp-cnpg: failed 2m ago, .* \(and 2 other causes\)\.$/);
  });

  const cases: [string, Partial<FlowNode> | undefined, string][] = [
    ["running", { status: "running", startedAt: NOW - 61_000 }, "a waits for b: running for 1m01s."],
    ["running, clock ahead", { status: "running", startedAt: NOW + 61_000 }, "a waits for b: running for 0s."],
    ["missing", undefined, "a waits for b: nobody has reported it yet."],
    ["suspended", { meta: { suspended: true } }, "a waits for b: suspended, so it does not become ready by itself."],
    ["not started", { meta: { reason: "SourceNotReady" } }, "a waits for b: not started yet, SourceNotReady."],
    ["unknown", { status: "cooking" }, "a waits for b: cooking."],
    ["stalled", { status: "running", meta: { stalled: true } }, "a waits for b: stalled."],
    ["in another region", { status: "failed", region: "fsn1" }, "a waits for b in fsn1: failed."],
  ];
  test.each(cases)("says of a cause that is %s what it is", (_, more, sentence) => {
    expect(told(flowOf([node("a"), ...(more ? [node("b", more)] : [])], waits("a", "b")), "a")).toBe(sentence);
  });

  test("says that a ring is one, and passes on the emitter's word for the mistake", () => {
    const flow = flowOf(
      [node("a"), node("b"), node("c", { meta: { mistakes: ["Its dependencies form a ring."] } })],
      [...waits("a", "b"), ...waits("b", "c"), ...waits("c", "b")],
    );
    expect(told(flow, "a")).toBe(
      "a waits for b, which waits for c, which waits for b: a ring, none of these can ever start. Its dependencies form a ring.",
    );
    expect(told(flowOf([node("a")], waits("a", "a")), "a")).toBe("a waits for a: a ring, none of these can ever start.");
  });

  test("shortens a long way in its middle", () => {
    const names = Array.from({ length: 11 }, (_, at) => `n${at}`);
    const links = names.slice(1).flatMap((name, at) => waits(names[at]!, name));
    expect(told(flowOf(names.map((name) => node(name)), links), "n0")).toBe(
      "n0 waits for n1, which waits for n2, and so on over 6 more to n9, which waits for n10: not started yet.",
    );
  });

  test("shows what hides in a name", () => {
    expect(told(flowOf([node("a\u202Eb")], waits("a\u202Eb", "x")), "a\u202Eb")).toContain("a\uFFFDb waits");
  });
});

describe("who holds a node up", () => {
  test("is what the emitter says, by id or by name in the same region, before what is declared", () => {
    const flow = flowOf(
      [
        node("r0/a", { region: "r0", status: "running", meta: { waitingFor: ["r0/b", "c", "r0/gone", 7] } }),
        node("r0/b", { region: "r0" }),
        node("r0/c", { region: "r0" }),
        node("r1/c", { region: "r1" }),
        node("r0/d", { region: "r0" }),
      ],
      waits("r0/a", "r0/d"),
    );
    expect(ids(waitsIn(flow.graph, flow.nodes).blockers(key("r0/a")))).toEqual(["r0/b", "r0/c", "r0/gone"]);
    expect(told(flow, "r0/a")).toBe("a waits for gone: nobody has reported it yet (and 2 other causes).");
  });

  const link = (type: Relationship["type"], condition?: Relationship["condition"]): Relationship => ({
    fromId: "b",
    toId: "a",
    type,
    ...(condition ? { condition } : {}),
  });
  const rules: [Relationship, string[]][] = [
    [link("finish-to-start"), ["pending", "running", "failed"]],
    [link("finish-to-start", "on-success"), ["pending", "running", "failed"]],
    [link("finish-to-start", "always"), ["pending", "running"]],
    [link("finish-to-start", "on-failure"), ["pending", "running"]],
    [link("triggers"), ["pending", "running", "failed"]],
    [link("start-to-start"), ["pending"]],
    [link("finish-to-finish"), []],
    [link("start-to-finish"), []],
    [link("contains"), []],
  ];
  test.each(rules)("by %o", (relationship, holding) => {
    const seen = ["pending", "running", "failed", "succeeded"].filter((status) => {
      const { graph, nodes } = flowOf([node("a"), node("b", { status })], [relationship]);
      return waitsIn(graph, nodes).blockers(key("a")).length > 0;
    });
    expect(seen).toEqual(holding);
  });

  test("is nobody, for what runs, is over, suspended or unknown", () => {
    for (const more of [{ status: "running" }, { status: "failed" }, { status: "succeeded" }, { meta: { suspended: true } }]) {
      expect(told(flowOf([node("a", more), node("b")], waits("a", "b")), "a")).toBeUndefined();
    }
    expect(told(flowOf([], []), "nowhere")).toBeUndefined();
  });
});

/** Every simple way from `start`, by brute force: only for small graphs. */
function* ways(waits_: Waits, start: string, path: string[] = [start]): Generator<string[]> {
  const next = waits_.blockers(path.at(-1)!);
  if (next.length === 0) yield path;
  for (const blocker of next) {
    if (path.includes(blocker)) yield [...path, blocker];
    else yield* ways(waits_, start, [...path, blocker]);
  }
}

/** A flow of at most six nodes in any state, whose relationships all hold starts back. */
const smallFlow = fc
  .tuple(
    fc.array(fc.constantFrom("pending", "pending", "pending", "running", "failed", "succeeded", "suspended"), { minLength: 1, maxLength: 6 }),
    fc.array(fc.tuple(fc.nat(6), fc.nat(6)), { maxLength: 14 }),
  )
  .map(([states, pairs]) =>
    flowOf(
      states.map((state, at) => node(`n${at}`, state === "suspended" ? { meta: { suspended: true } } : { status: state })),
      pairs.map(([from, to]): Relationship => ({ fromId: `n${from}`, toId: `n${to}`, type: "finish-to-start" })),
    ),
  );

test("the chain is a shortest way to a worst cause, as a search of all ways finds it", () => {
  fc.assert(
    fc.property(smallFlow, ({ graph, nodes }) => {
      const all = waitsIn(graph, nodes);
      const kindAt = (path: string[]): Waiting["kind"] => {
        const end = nodes.get(path.at(-1)!);
        if (path.indexOf(path.at(-1)!) < path.length - 1) return "ring";
        return end === undefined ? "missing" : (lookOf(end) as Waiting["kind"]);
      };
      const rank = (path: string[]): number => ROOT_KINDS.indexOf(kindAt(path));
      for (const start of nodes.keys()) {
        const every = [...ways(all, start)].filter((path) => path.length > 1);
        const chain = all.chain(start);
        if (every.length === 0) {
          expect(chain).toBeUndefined();
          continue;
        }
        const worst = Math.min(...every.map(rank));
        const best = every.filter((path) => rank(path) === worst);
        expect(chain!.kind).toBe(ROOT_KINDS[worst]);
        chain!.chain.slice(1).forEach((each, at) => expect(all.blockers(chain!.chain[at]!)).toContain(each));
        if (chain!.kind === "ring") expect(chain!.chain.indexOf(chain!.chain.at(-1)!)).toBeLessThan(chain!.chain.length - 1);
        else {
          expect(chain!.chain).toHaveLength(Math.min(...best.map((path) => path.length)));
          const causes = new Set(every.filter((path) => kindAt(path) !== "ring").map((path) => path.at(-1)));
          expect(chain!.others).toBeGreaterThanOrEqual(causes.size - 1);
        }
      }
    }),
    { numRuns: 500 },
  );
});

test("a node blocks exactly those that come to it by waiting, over any number of steps", () => {
  fc.assert(
    fc.property(fc.oneof(anyFlow, smallFlow), ({ graph, nodes }) => {
      const all = waitsIn(graph, nodes);
      const reaches = (from: string, to: string, seen = new Set([from])): boolean =>
        all.blockers(from).some((next) => next === to || (!seen.has(next) && reaches(next, to, seen.add(next))));
      for (const each of nodes.keys()) {
        const expected = [...nodes.keys()].filter((other) => other !== each && reaches(other, each));
        expect([...all.blocked(each)].sort()).toEqual(expected.sort());
      }
    }),
  );
});

test("nothing throws and every sentence is one, whatever the graph", () => {
  fc.assert(
    fc.property(anyFlow, ({ graph, nodes }) => {
      const all = waitsIn(graph, nodes);
      for (const each of nodes.keys()) {
        const chain = all.chain(each);
        if (chain) expect(sentenceOf(graph, nodes, chain, NOW)).toMatch(/^[^]* waits for [^]*\.$/);
      }
    }),
  );
});

test("a path of 20,000 ends well", () => {
  const names = Array.from({ length: 20_000 }, (_, at) => `n${at}`);
  const flow = flowOf(names.map((name) => node(name)), names.slice(1).flatMap((name, at) => waits(names[at]!, name)));
  const all = waitsIn(flow.graph, flow.nodes);
  expect(all.chain(key("n0"))?.chain).toHaveLength(20_000);
  expect(all.blocked(key("n19999")).size).toBe(19_999);
});
