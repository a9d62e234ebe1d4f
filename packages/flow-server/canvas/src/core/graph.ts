/**
 * The structure of a flow: who comes before whom, who contains whom, who stands in which region.
 *
 * Built once whenever the *set* of nodes or relationships changes; a change of status needs no new `Graph`.
 * Nothing here looks at a status. Whatever the relationships are (cycles, ends that are not there, parents
 * of themselves), everything terminates and nothing throws.
 */

import { nodeKey, type FlowNode, type Relationship, type RelationshipType } from "./contract";

/** One relationship that orders two nodes: all types but `contains`. An end may be a key that no node has. */
export type Link = {
  readonly from: string;
  readonly to: string;
  readonly type: RelationshipType;
  readonly condition?: Relationship["condition"];
  /** Seconds. */
  readonly lag: number;
};

/** Nodes by `nodeKey`, as `FlowState` holds them. */
export type Nodes = ReadonlyMap<string, FlowNode>;

/** Nodes that are drawn together: those of one region, or of one root container when nobody names regions. */
export type Lane = {
  /** The region; without one the label of the outermost container; "" when there is neither. */
  readonly name: string;
  /** What is drawn in it, by first appearance. Containers that only group are left out. */
  readonly keys: readonly string[];
  /** The nodes that contain everything here: of the Flux adapter, the region's own node. */
  readonly containers: readonly string[];
};

export type Graph = {
  readonly flowId: string;
  /** The ordering relationships that end at a node, as declared, its own self references included. */
  readonly before: ReadonlyMap<string, readonly Link[]>;
  /** The ordering relationships that begin at a node. */
  readonly after: ReadonlyMap<string, readonly Link[]>;
  /** Child -> its parent (of several, the first one declared). */
  readonly parent: ReadonlyMap<string, string>;
  /** Nodes that contain others and only group them: never drawn as a box, never counted. */
  readonly containers: ReadonlySet<string>;
  /** Ends of `contains` that contain another or themselves, drawn or not, reported or not: what no count takes in. */
  readonly holding: ReadonlySet<string>;
  /** In order of name (by code point). */
  readonly lanes: readonly Lane[];
  /** Every drawn node -> its lane's name. */
  readonly laneOf: ReadonlyMap<string, string>;
};

const NONE: readonly never[] = [];

/** Code point order: the same in every browser and language. */
export const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** `map.get(key)`, made when it is not there. */
export const listAt = <K, V>(map: Map<K, V[]>, key: K): V[] => {
  let list = map.get(key);
  if (!list) map.set(key, (list = []));
  return list;
};

/** The links into a node, none for a stranger. */
export const linksBefore = (graph: Graph, key: string): readonly Link[] => graph.before.get(key) ?? NONE;
/** The links out of a node, none for a stranger. */
export const linksAfter = (graph: Graph, key: string): readonly Link[] => graph.after.get(key) ?? NONE;

/**
 * The name a node has in every region: its id without the region in front.
 * `fsn1/bp-cilium` and `fsn1:bp-cilium` of region `fsn1` are both `bp-cilium`; other ids stay as they are.
 */
export const nameOf = (node: FlowNode): string => {
  const { id, region } = node;
  const rest = region && id.startsWith(region) ? id.slice(region.length) : "";
  return rest.length > 1 && (rest[0] === "/" || rest[0] === ":") ? rest.slice(1) : id;
};

/** Container, its container, and so on outwards; a ring of containers ends where it closes. */
export const containersOf = (graph: Pick<Graph, "parent">, key: string): string[] => {
  const path: string[] = [];
  const seen = new Set([key]);
  for (let at = graph.parent.get(key); at !== undefined && !seen.has(at); at = graph.parent.get(at)) {
    seen.add(at);
    path.push(at);
  }
  return path;
};

/** O(nodes + relationships), containment paths at most as long as the deepest nesting. */
export const graphOf = (
  flowId: string,
  nodes: Nodes,
  relationships: Iterable<Relationship>,
): Graph => {
  const before = new Map<string, Link[]>();
  const after = new Map<string, Link[]>();
  const parent = new Map<string, string>();
  const grouping = new Set<string>();
  const holding = new Set<string>();
  // By id, since most ends name no flow: a key made for each end is most of the work at five thousand nodes. A node of
  // another flow may be meant without saying so: any node with that id is better than none.
  const byId = new Map<string, string>();
  for (const [key, node] of nodes) if (node.flowId === flowId || !byId.has(node.id)) byId.set(node.id, key);
  const endOf = (flow: string | undefined, id: string): string =>
    flow === undefined ? (byId.get(id) ?? nodeKey(flowId, id)) : nodeKey(flow, id);
  for (const relationship of relationships) {
    const from = endOf(relationship.fromFlowId, relationship.fromId);
    const to = endOf(relationship.toFlowId, relationship.toId);
    if (relationship.type === "contains") {
      holding.add(to);
      if (from !== to && nodes.has(from) && nodes.has(to)) {
        if (!parent.has(from)) parent.set(from, to);
        grouping.add(to);
      }
    } else {
      const link: Link = {
        from,
        to,
        type: relationship.type,
        condition: relationship.condition,
        lag: relationship.lag ?? 0,
      };
      listAt(before, to).push(link);
      listAt(after, from).push(link);
    }
  }
  const containers = new Set<string>();
  for (const key of grouping) {
    // One that takes part in the order is work of its own, and one inside itself would hide all of its ring.
    if (!before.has(key) && !after.has(key) && !isInsideItself(parent, key)) containers.add(key);
  }
  return { flowId, before, after, parent, containers, holding, ...lanesOf(nodes, parent, containers) };
};

const isInsideItself = (parent: ReadonlyMap<string, string>, key: string): boolean => {
  const path = containersOf({ parent }, key);
  return parent.get(path.at(-1) ?? key) === key;
};

const lanesOf = (
  nodes: Nodes,
  parent: ReadonlyMap<string, string>,
  containers: ReadonlySet<string>,
): Pick<Graph, "lanes" | "laneOf"> => {
  const laneOf = new Map<string, string>();
  const keys = new Map<string, string[]>();
  const holders = new Map<string, string[]>();
  // The outermost container of a container, so that a deep tree is climbed once.
  const outermost = new Map<string, string>();
  const rootOf = (key: string): string | undefined => {
    const above = parent.get(key);
    if (above === undefined) return undefined;
    let root = outermost.get(above);
    if (root === undefined) outermost.set(above, (root = containersOf({ parent }, above).at(-1) ?? above));
    return root;
  };
  for (const [key, node] of nodes) {
    const root = rootOf(key);
    const holder = root !== undefined && containers.has(root) ? nodes.get(root) : undefined;
    const name = node.region ?? holder?.region ?? holder?.label ?? "";
    if (containers.has(key)) {
      // The outermost one names the lane; those inside only group.
      if (root === undefined) listAt(holders, node.region ?? node.label).push(key);
    } else {
      laneOf.set(key, name);
      listAt(keys, name).push(key);
    }
  }
  for (const name of holders.keys()) listAt(keys, name);
  const lanes = [...keys]
    .map(([name, members]): Lane => ({ name, keys: members, containers: holders.get(name) ?? [] }))
    .sort((a, b) => byText(a.name, b.name));
  return { laneOf, lanes };
};

/** The key of a node of this flow by its id, as the URL names it; a node of another flow by its id alone. */
export const keyOfId = (flowId: string, nodes: Nodes, id: string): string | undefined => {
  const key = nodeKey(flowId, id);
  if (nodes.has(key)) return key;
  for (const [other, node] of nodes) if (node.id === id) return other;
  return undefined;
};

/** The id in a key made by `nodeKey`: of an end that is not there, all that is known. */
export const idInKey = (key: string): string => {
  const colon = key.indexOf(":");
  const rest = key.slice(colon + 1 + Number(key.slice(0, colon)));
  return rest.slice(rest.indexOf(":") + 1);
};
