import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { criticalPath } from "./criticalPath";
import { cell, csvOf } from "./csv";
import { anyFlow, flowOf, node, waits } from "./flows.testing";
import { edgePath } from "./layout";
import { LOOKS } from "./look";
import { markdownOf, plain, slowest } from "./summary";
import { pathData, type SvgColours, svgOf, xml } from "./svg";
import { rowsOf } from "./table";

/** A reader of RFC 4180, apart from the writer. */
function records(csv: string): string[][] {
  const all: string[][] = [];
  for (let at = 0, record: string[] = []; at < csv.length; ) {
    let value = "";
    if (csv[at] === '"') {
      for (at++; csv[at] !== '"' || csv[at + 1] === '"'; at++) {
        if (csv[at] === '"') at++;
        value += csv[at];
      }
      at++;
    } else for (; !",\r".includes(csv[at]!); at++) value += csv[at];
    record.push(value);
    if (csv[at] === ",") at++;
    else {
      expect(csv.slice(at, at + 2)).toBe("\r\n");
      at += 2;
      all.push(record);
      record = [];
    }
  }
  return all;
}

describe("CSV", () => {
  test("gives back every text, and none of it begins like a formula", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.stringMatching(/^[\s=+\-@",\r\n']{0,5}$/)), (text) => {
        const [[value]] = records(`${cell(text)},\r\n`) as [[string]];
        expect([text, `'${text}`]).toContain(value);
        expect(value).not.toMatch(/^\s*[=+\-@]/);
      }),
    );
  });

  test("has one record for each row, of any flow, all as long as the head", () => {
    fc.assert(
      fc.property(anyFlow, ({ nodes, graph }) => {
        const all = records(csvOf(rowsOf(nodes, graph, 0)));
        expect(all).toHaveLength(graph.laneOf.size + 1);
        for (const record of all) expect(record).toHaveLength(all[0]!.length);
      }),
    );
  });

  test("writes times for people and programs alike", () => {
    const { nodes, graph } = flowOf([node("fsn1/a", { region: "fsn1", status: "succeeded", startedAt: 0, endedAt: 1500, meta: { attempts: -2 } })], []);
    expect(csvOf(rowsOf(nodes, graph, 0)).split("\r\n")[1]).toBe(
      "fsn1/a,a,fsn1,,succeeded,ready,1970-01-01T00:00:00.000Z,1970-01-01T00:00:01.500Z,1.5,-2,,,",
    );
    expect(csvOf(rowsOf(flowOf([node("a", { startedAt: 2 ** 53 - 1 })], []).nodes, flowOf([node("a")], []).graph, 0))).toContain("9007199254740991");
  });
});

const colours = Object.fromEntries([...LOOKS, "ground", "surface", "text", "edge"].map((name) => [name, "#123456"])) as SvgColours;

describe("SVG", () => {
  test("lets no text become markup, however it is written", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("<script>", "]]>", "&lt;", "\u0000\uFFFE", "a\"b'c")), (text) => {
        expect(xml(text)).not.toMatch(/[<>"']|&(?!#\d+;)/);
        // What XML 1.0 does not allow.
        expect(xml(text)).not.toMatch(/[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/);
        const box = { place: { x: 0, y: 0 }, label: text, look: "failed" as const, word: text };
        const edges = [{ path: edgePath({ x: 0, y: 0 }, { x: 220, y: 36 }), look: "failed" as const }];
        const svg = svgOf(text, [{ name: text, width: 370, height: 62, boxes: [box], edges }], colours);
        const tags = [...svg.matchAll(/<\/?([^\s/>]+)/g)].map(([, tag]) => tag);
        expect(new Set(tags)).toEqual(new Set(["svg", "title", "rect", "text", "g", "path"]));
      }),
    );
  });

  test("stands alone: nothing in it is fetched", () => {
    const svg = svgOf("a flow", [], colours);
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" /);
    expect(svg).not.toMatch(/href|url\(|style=|@import/);
  });

  test("draws the path of the layout", () => {
    expect(pathData([0, 1, 2, 3, 4, 5, 6.25, 7])).toBe("M0 1C2 3 4 5 6.3 7");
  });
});

describe("Markdown", () => {
  const flow = flowOf(
    [
      node("a", { status: "succeeded", startedAt: 0, endedAt: 60_000 }),
      node("b|*", { status: "running", startedAt: 90_000 }),
      node("c"),
    ],
    waits("b|*", "a"),
  );
  const rows = rowsOf(flow.nodes, flow.graph, 100_000);

  test("tells total time, the slowest, and the critical path", () => {
    const path = criticalPath(flow.graph, flow.nodes, 100_000);
    const text = markdownOf(
      { title: "omantel", ready: 1, total: 3, failed: 0, suspended: 2, totalMs: 100_000, over: false, slowest: slowest(rows), path },
      flow.nodes,
    );
    expect(text).toBe(`## omantel

1 of 3 ready, 2 suspended, running for **1m40s**.

### Slowest 2 releases

| release | region | time |
| --- | --- | ---: |
| a |  | 1m00s |
| b\\|\\* |  | 10s |

### Critical path, 1m40s

1. a: 1m00s
2. b\\|\\*: 10s so far, after a wait of 30s
`);
  });

  test("of a flow without times is its counts alone", () => {
    const none = flowOf([node("x")], []);
    const path = criticalPath(none.graph, none.nodes, 0);
    expect(markdownOf({ title: "x", ready: 0, total: 1, failed: 1, suspended: 0, totalMs: 0, over: true, slowest: [], path }, none.nodes)).toBe(
      "## x\n\n0 of 1 ready, 1 failed, in **0s**.\n",
    );
  });

  test("leaves no character of a text with a meaning, and no second line", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(plain(text).replace(/\\[\\`*_{}[\]<>()#+\-.!|~&@:]/g, "")).not.toMatch(/[\n\r`*_[\]<>|#]/);
      }),
    );
  });
});
