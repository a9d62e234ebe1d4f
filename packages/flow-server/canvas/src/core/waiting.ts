/**
 * Why a node waits: who holds it up, and who holds those up, down to the cause; and the other way round, what a node
 * holds up. What the emitter says in `meta.waitingFor` (ids, or names in the same region) is believed; where it
 * says nothing, the relationships tell.
 */

import { type FlowNode, nodeKey, type Time } from "./contract";
import { type Graph, idInKey, type Link, linksBefore, listAt, nameOf, type Nodes } from "./graph";
import { isWaiting, lookOf, wordOf } from "./look";
import { numberIn, textsIn, whyOf } from "./meta";
import { components } from "./reduction";
import { ago, duration, shown } from "./text";
import { isOver } from "./times";

/** Worst first. `ring`: they wait for each other. `missing`: nobody has sent that node. */
export const ROOT_KINDS = ["failed", "ring", "missing", "stalled", "suspended", "other", "running", "pending"] as const;
export type RootKind = (typeof ROOT_KINDS)[number];

export type Waiting = {
  /** Keys from the node that waits to the cause, both included; of a ring, until it closes. */
  readonly chain: readonly string[];
  readonly kind: RootKind;
  /** The node that is the cause; undefined when it is missing. */
  readonly root: FlowNode | undefined;
  /** What is wrong with it, in its emitter's words. */
  readonly why: string | undefined;
  readonly attempts: number | undefined;
  /** When it failed, or began to run. Unix milliseconds. */
  readonly since: Time | undefined;
  /** How many other causes hold the node up. */
  readonly others: number;
  /** A mistake in the dependencies on the way, as a sentence of the emitter; the one nearest to the cause. */
  readonly mistake: string | undefined;
};

export type Waits = {
  /** What a node waits for right now, in the order said or declared; nothing for one that does not wait. */
  readonly blockers: (key: string) => readonly string[];
  /** What the emitter says in `waitingFor`, whether the node still waits or not; ends that are not there, too. */
  readonly said: (key: string) => readonly string[];
  /** Undefined for a node that does not wait. O(what it waits for, over any number of steps). */
  readonly chain: (key: string) => Waiting | undefined;
  /** Everything that cannot start before this node is ready, over any number of steps, itself left out. */
  readonly blocked: (key: string) => ReadonlySet<string>;
};

/** Answers for one picture; each is worked out when it is first asked for, then kept. */
export function waitsIn(graph: Graph, nodes: Nodes): Waits {
  const known = new Map<string, readonly string[]>();
  const named = memo(() => keysByName(graph, nodes));
  const blockers = (key: string): readonly string[] => {
    let list = known.get(key);
    if (list === undefined) known.set(key, (list = blockersOf(graph, nodes, key, named)));
    return list;
  };
  const waiters = memo(() => {
    const map = new Map<string, string[]>();
    for (const key of nodes.keys()) for (const blocker of blockers(key)) listAt(map, blocker).push(key);
    return map;
  });
  const blocked = (key: string): ReadonlySet<string> => {
    const found = new Set([key]);
    for (const at of found) for (const waiter of waiters().get(at) ?? []) found.add(waiter);
    found.delete(key);
    return found;
  };
  const said = (key: string): readonly string[] => saidOf(graph, nodes, key, named);
  return { blockers, said, blocked, chain: (key) => chainOf(nodes, blockers, key) };
}

function memo<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

/** Lane and name -> key; a label counts as a name where no id says otherwise. */
function keysByName(graph: Graph, nodes: Nodes): Map<string, string> {
  const keys = new Map<string, string>();
  for (const by of [nameOf, ({ label }: FlowNode) => label]) {
    for (const [key, node] of nodes) {
      const name = `${graph.laneOf.get(key) ?? ""}\n${by(node)}`;
      if (!keys.has(name)) keys.set(name, key);
    }
  }
  return keys;
}

function blockersOf(graph: Graph, nodes: Nodes, key: string, named: () => ReadonlyMap<string, string>): readonly string[] {
  const node = nodes.get(key);
  if (node === undefined || isOver(node)) return [];
  const look = lookOf(node);
  if (look !== "waiting" && look !== "pending") return [];
  const said = saidOf(graph, nodes, key, named);
  if (said.length > 0) return said;
  const links = linksBefore(graph, key).filter((link) => holds(link, nodes.get(link.from)));
  return [...new Set(links.map(({ from }) => from))];
}

/** Ids as they are; what is no id may be a name in the same region. */
function saidOf(graph: Graph, nodes: Nodes, key: string, named: () => ReadonlyMap<string, string>): readonly string[] {
  const node = nodes.get(key);
  if (node === undefined) return [];
  const keys = textsIn(node, "waitingFor")
    .filter((text) => text !== "")
    .map((text) => {
      const own = nodeKey(node.flowId, text);
      return nodes.has(own) ? own : (named().get(`${graph.laneOf.get(key) ?? ""}\n${text}`) ?? own);
    });
  return [...new Set(keys)];
}

/** Whether a link still keeps the node at its end from starting. Source: the contract's table of types. */
function holds({ type, condition }: Link, from: FlowNode | undefined): boolean {
  // These two order ends, not starts.
  if (type === "finish-to-finish" || type === "start-to-finish") return false;
  if (from === undefined) return true;
  if (type === "start-to-start") return !isOver(from) && (from.status === "pending" || isWaiting(from));
  if (condition === "always") return !isOver(from);
  // After a success, what was to run on failure never runs: it waits for nothing.
  return condition === "on-failure" ? !isOver(from) : from.status !== "succeeded";
}

function kindOf(node: FlowNode | undefined): RootKind {
  if (node === undefined) return "missing";
  const look = lookOf(node);
  // A `succeeded` one that somebody still waits for: Flux has not looked again yet.
  return look === "waiting" || look === "succeeded" ? "pending" : look;
}

/** Breadth first, so that the way to the worst cause is the shortest there is; at equal length, as declared. */
function chainOf(nodes: Nodes, blockers: (key: string) => readonly string[], start: string): Waiting | undefined {
  if (blockers(start).length === 0) return undefined;
  const cameFrom = search(blockers, start);
  const keys = [...cameFrom.keys()];
  const number = new Map(keys.map((key, at) => [key, at]));
  const out = keys.map((key) => blockers(key).map((blocker) => number.get(blocker)!));
  const ring = components(out);
  const members = new Map<number, number>();
  for (const at of ring) members.set(at, (members.get(at) ?? 0) + 1);

  const causes = new Map<string | number, { key: string; kind: RootKind }>();
  keys.forEach((key, at) => {
    if (out[at]!.length === 0) causes.set(key, { key, kind: kindOf(nodes.get(key)) });
    else if (members.get(ring[at]!)! > 1 || out[at]!.includes(at)) {
      if (!causes.has(ring[at]!)) causes.set(ring[at]!, { key, kind: "ring" });
    }
  });
  // Every search ends in a node that waits for nothing or closes a ring, so there is a cause.
  const { key, kind } = [...causes.values()].reduce((worst, cause) =>
    ROOT_KINDS.indexOf(cause.kind) < ROOT_KINDS.indexOf(worst.kind) ? cause : worst,
  );
  const way = pathTo(cameFrom, key);
  if (kind === "ring") way.push(...aroundFrom(blockers, key));
  return waiting(nodes, way, kind, causes.size - 1);
}

/** What is reached from `start`, nearest first -> from where it was first reached. */
function search(blockers: (key: string) => readonly string[], start: string): Map<string, string | undefined> {
  const cameFrom = new Map<string, string | undefined>([[start, undefined]]);
  for (const key of cameFrom.keys()) {
    for (const blocker of blockers(key)) if (!cameFrom.has(blocker)) cameFrom.set(blocker, key);
  }
  return cameFrom;
}

function pathTo(cameFrom: ReadonlyMap<string, string | undefined>, key: string): string[] {
  const path: string[] = [];
  for (let at: string | undefined = key; at !== undefined; at = cameFrom.get(at)) path.push(at);
  return path.reverse();
}

/** The shortest way from a member of a ring back to itself, without its beginning. */
function aroundFrom(blockers: (key: string) => readonly string[], key: string): string[] {
  const cameFrom = search(blockers, key);
  const last = [...cameFrom.keys()].find((each) => blockers(each).includes(key)) ?? key;
  return [...pathTo(cameFrom, last).slice(1), key];
}

function waiting(nodes: Nodes, chain: readonly string[], kind: RootKind, others: number): Waiting {
  const root = nodes.get(chain.at(-1)!);
  const causes = kind !== "ring" && root !== undefined;
  return {
    chain,
    kind,
    root,
    why: causes ? whyOf(root) : undefined,
    attempts: causes ? numberIn(root, "attempts") : undefined,
    since: causes ? (kind === "failed" ? (root.endedAt ?? root.startedAt) : root.startedAt) : undefined,
    others,
    mistake: chain
      .toReversed()
      .flatMap((key) => nodes.get(key) ?? [])
      .flatMap((node) => textsIn(node, "mistakes"))[0],
  };
}

/** More steps than these are told by their first and last ones. */
const TOLD = 6;
const WHY_LIMIT = 200;

/**
 * The chain as one plain sentence, with the emitter's mistake as a second one, e.g. "bp-gitea waits for bp-keycloak,
 * which waits for bp-cnpg: failed 2m ago, InstallFailed: context deadline exceeded (attempt 3)."
 */
export function sentenceOf(graph: Graph, nodes: Nodes, waiting: Waiting, nowMs: Time): string {
  const { chain, mistake, others } = waiting;
  const lane = graph.laneOf.get(chain[0]!);
  const names = chain.map((key) => {
    const node = nodes.get(key);
    const own = graph.laneOf.get(key);
    const id = idInKey(key);
    const label = node?.label ?? (lane && id.startsWith(`${lane}/`) ? id.slice(lane.length + 1) : id);
    return shown(label) + (own && own !== lane ? ` in ${shown(own)}` : "");
  });
  const told = names.length <= TOLD ? names : [...names.slice(0, 3), ...names.slice(-2)];
  const words = told.map((name, at) => {
    if (at === 0) return name;
    if (at === 1) return ` waits for ${name}`;
    if (told !== names && at === 3) return `, and so on over ${names.length - TOLD + 1} more to ${name}`;
    return `, which waits for ${name}`;
  });
  const more = others > 0 ? ` (and ${others} other ${others === 1 ? "cause" : "causes"})` : "";
  return `${words.join("")}: ${causeOf(waiting, nowMs)}${more}.${mistake ? ` ${shown(mistake)}` : ""}`;
}

function causeOf({ kind, root, why, attempts, since }: Waiting, nowMs: Time): string {
  const told = why && why.length > WHY_LIMIT ? `${why.slice(0, WHY_LIMIT).replace(/[\uD800-\uDBFF]$/, "")}…` : why;
  const because = told ? `, ${shown(told).replace(/\.$/, "")}` : "";
  const tries = attempts !== undefined && attempts > 1 ? ` (attempt ${attempts})` : "";
  const lasting = since === undefined ? "" : ` for ${duration(nowMs - since)}`;
  switch (kind) {
    case "ring":
      return "a ring, none of these can ever start";
    case "missing":
      return "nobody has reported it yet";
    case "suspended":
      return "suspended, so it does not become ready by itself";
    case "pending":
      return `not started yet${because}`;
    case "failed":
      return `failed${since === undefined ? "" : ` ${ago(nowMs - since)}`}${because}${tries}`;
    default:
      return `${root ? shown(wordOf(root)) : kind}${lasting}${because}${tries}`;
  }
}
