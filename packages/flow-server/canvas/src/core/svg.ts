/** The graph as one standalone SVG file: no style sheet, no script, no font, nothing from elsewhere. Pure. */

import { BOX_HEIGHT, BOX_WIDTH, type Place } from "./layout";
import { GLYPHS, type Look } from "./look";
import { shown } from "./text";

export type SvgBox = { readonly place: Place; readonly label: string; readonly look: Look; readonly word: string };

/** One region: what stands in it and which edges are drawn, with paths as `Layout` gives them. */
export type SvgTile = {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly boxes: readonly SvgBox[];
  readonly edges: readonly { readonly path: readonly number[]; readonly look: Look }[];
};

/** CSS colours, as the page's style sheet has them. */
export type SvgColours = Readonly<Record<Look, string>> & {
  readonly ground: string;
  readonly surface: string;
  readonly text: string;
  readonly edge: string;
};

const GAP = 24;
const HEAD = 30;
/** Average width of a letter of 13 px; longer labels are cut, an SVG cannot do that by itself. */
const LETTER = 7.4;

/** Text as it may stand in XML: escaped, and without the characters that XML 1.0 does not allow. */
export const xml = (text: string): string =>
  shown(text)
    .replace(/[\uFFFE\uFFFF]/g, "\uFFFD")
    .replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);

/** A path's `d`. */
export function pathData(path: readonly number[]): string {
  const numbers = path.map((value) => String(Math.round(value * 10) / 10));
  let data = `M${numbers[0] ?? 0} ${numbers[1] ?? 0}`;
  for (let at = 2; at + 5 < numbers.length; at += 6) data += `C${numbers.slice(at, at + 6).join(" ")}`;
  return data;
}

/** The tiles in rows, about as wide as high, under a title. */
export function svgOf(title: string, tiles: readonly SvgTile[], colours: SvgColours): string {
  const wide = Math.max(1, Math.round(Math.sqrt(tiles.length)));
  const columns = Array.from({ length: wide }, (_, column) =>
    Math.max(0, ...tiles.filter((_tile, at) => at % wide === column).map(({ width }) => width + 2 * GAP)),
  );
  const lefts = columns.map((_, at) => GAP + columns.slice(0, at).reduce((sum, width) => sum + width + GAP, 0));
  const parts: string[] = [];
  let top = GAP + HEAD;
  for (let at = 0; at < tiles.length; at += wide) {
    const row = tiles.slice(at, at + wide);
    const high = Math.max(...row.map(({ height }) => height)) + GAP + HEAD;
    row.forEach((tile, column) => {
      parts.push(`<g transform="translate(${lefts[column]} ${top})">${tileOf(tile, columns[column]!, high, colours)}</g>`);
    });
    top += high + GAP;
  }
  const width = GAP + columns.reduce((sum, each) => sum + each + GAP, 0);
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${top}" viewBox="0 0 ${width} ${top}" ` +
    `font-family="system-ui, sans-serif" font-size="13" fill="${xml(colours.text)}">` +
    `<title>${xml(title)}</title><rect width="100%" height="100%" fill="${xml(colours.ground)}"/>` +
    `<text x="${GAP}" y="${GAP + 10}" font-size="16" font-weight="600">${xml(title)}</text>${parts.join("")}</svg>\n`
  );
}

function tileOf({ name, boxes, edges }: SvgTile, width: number, height: number, colours: SvgColours): string {
  const lines = edges.map(({ path, look }) => `<path d="${pathData(path)}" stroke="${xml(look === "failed" ? colours.failed : colours.edge)}"/>`);
  return (
    `<rect width="${width}" height="${height}" rx="6" fill="${xml(colours.surface)}"/>` +
    `<text x="${GAP}" y="20" font-weight="600">${xml(name)}</text><g transform="translate(${GAP} ${HEAD})">` +
    `<g fill="none">${lines.join("")}</g>${boxes.map((box) => boxOf(box, colours)).join("")}</g>`
  );
}

function boxOf({ place: { x, y }, label, look, word }: SvgBox, colours: SvgColours): string {
  const letters = [...label];
  const fits = Math.floor((BOX_WIDTH - 34) / LETTER);
  const told = letters.length > fits ? `${letters.slice(0, fits - 1).join("")}…` : label;
  const colour = xml(colours[look]);
  const dashed = look === "waiting" || look === "pending" ? ' stroke-dasharray="4 3"' : "";
  const { line, area } = GLYPHS[look];
  const glyph =
    (line ? `<path d="${line}" fill="none" stroke="${colour}" stroke-width="1.6"/>` : "") + (area ? `<path d="${area}" fill="${colour}"/>` : "");
  return (
    `<g transform="translate(${x} ${y})"><title>${xml(`${label}: ${word}`)}</title>` +
    `<rect x=".5" y=".5" width="${BOX_WIDTH - 1}" height="${BOX_HEIGHT - 1}" rx="6" fill="${xml(colours.surface)}" ` +
    `stroke="${colour}" stroke-width="${look === "failed" ? 2 : 1}"${dashed}/>` +
    `<g transform="translate(8 7)">${glyph}</g><text x="26" y="17.5">${xml(told)}</text></g>`
  );
}
