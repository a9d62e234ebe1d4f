import fc from "fast-check";
import { expect, test } from "vitest";
import { LOOKS } from "./look";
import { COLUMNS } from "./table";
import { FIRST_VIEW, readUrl, type Seen, THEMES, VIEWS, type ViewState, writeUrl } from "./urlState";

const anyText = fc.string({ unit: "binary", minLength: 1, maxLength: 8 });
const maybe = <T>(values: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(values, { nil: undefined });
const setOf = <T>(values: fc.Arbitrary<T>): fc.Arbitrary<Set<T>> => fc.array(values, { maxLength: 3 }).map((list) => new Set(list));

const place = fc.integer({ min: -9_999_999, max: 9_999_999 });
const anySeen: fc.Arbitrary<Seen> = fc.record({
  x: place,
  y: place,
  zoom: fc.integer({ min: 1, max: 9999 }).map((thousandths) => thousandths / 1000),
  tall: fc.oneof(fc.constant(1), fc.integer({ min: 100, max: 999 }).map((hundredths) => hundredths / 100)),
});

const anyView: fc.Arbitrary<ViewState> = fc.record({
  flow: maybe(anyText),
  view: fc.constantFrom(...VIEWS),
  region: maybe(fc.oneof(anyText, fc.constant(""))),
  seen: maybe(anySeen),
  node: maybe(anyText),
  search: fc.oneof(anyText, fc.constant("")),
  looks: setOf(fc.constantFrom(...LOOKS)),
  regions: setOf(fc.oneof(anyText, fc.constant(""))),
  families: setOf(anyText),
  sort: fc.record({ column: fc.constantFrom(...COLUMNS), descending: fc.boolean() }),
  at: maybe(fc.maxSafeNat()),
  compareFlow: maybe(anyText),
  compareRegion: maybe(anyText),
  theme: fc.constantFrom(...THEMES),
  embed: fc.boolean(),
});

test("any view survives the way through a URL, whatever the ids are made of", () => {
  fc.assert(
    fc.property(anyView, (state) => {
      const query = writeUrl(state);
      expect(readUrl(query)).toEqual(state);
      expect(readUrl(new URL(`http://127.0.0.1/prefix/?${query}`).search)).toEqual(state);
      expect(writeUrl(readUrl(query))).toBe(query);
    }),
  );
});

test("the first view is an empty query, and only what differs from it is named", () => {
  expect(writeUrl(FIRST_VIEW)).toBe("");
  expect(readUrl("")).toEqual(FIRST_VIEW);
  expect(writeUrl({ ...FIRST_VIEW, flow: "omantel/bootstrap", view: "table" })).toBe("flow=omantel%2Fbootstrap&view=table");
});

test("no query breaks it, and what it does not know it does not keep", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (query) => void writeUrl(readUrl(query))));
  expect(readUrl("?view=nope&sort=evil&status=odd&at=-5&theme=pink&embed=yes&at=99999999999999999")).toEqual(FIRST_VIEW);
  expect(writeUrl(readUrl("flow=a&token=secret&access_token=secret&lastEventId=7"))).toBe("flow=a");
});

test("where one looks is a few digits, and nothing else is taken for it", () => {
  const at = (look: string) => readUrl(`look=${encodeURIComponent(look)}`).seen;
  expect(writeUrl({ ...FIRST_VIEW, seen: { x: 1234, y: -56, zoom: 0.45, tall: 1 } })).toBe("look=1234_-56_450");
  expect(writeUrl({ ...FIRST_VIEW, seen: { x: 0, y: 8, zoom: 1, tall: 1.75 } })).toBe("look=0_8_1000_175");
  expect(at("-0_-0_450_100")).toEqual({ x: 0, y: 0, zoom: 0.45, tall: 1 });
  for (const odd of ["", "1_2", "1_2_0", "1_2_-3", "1_2_3_4", "1.5_2_3", "1e3_2_3", "12345678_0_1", "1_2_3_100_1", " 1_2_3", "NaN_0_1"]) {
    expect(at(odd), odd).toBeUndefined();
  }
});
