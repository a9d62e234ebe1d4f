/** Views, search, filters, and what else can be done with what is shown. */

import type { ComponentChildren } from "preact";
import { useComputed } from "@preact/signals";
import { LOOKS, type Look, WORDS } from "../core/look";
import { VIEWS, type ViewName } from "../core/urlState";
import { graph, steady } from "../state/picture";
import { clearFilters, families, isFiltering, lanes, looks, query, rows, view } from "../state/view";
import { shown } from "../core/text";

const NAMES: Readonly<Record<ViewName, string>> = { graph: "Graph", timeline: "Timeline", table: "Table" };

export function Toolbar({ children }: { children: ComponentChildren }) {
  return (
    <div class="toolbar">
      <div class="tabs" role="group" aria-label="view">
        {VIEWS.map((name) => (
          <button type="button" key={name} class="tab" aria-pressed={view.value === name} onClick={() => (view.value = name)}>
            {NAMES[name]}
          </button>
        ))}
      </div>
      <input
        id="search"
        type="search"
        placeholder="search   /"
        aria-label="search by name, family, reason"
        value={query.value}
        onInput={(event) => (query.value = event.currentTarget.value)}
      />
      <Choice
        label="status"
        all="any status"
        value={looks}
        options={useComputed(() => LOOKS.map((look) => [look, WORDS[look]] as const)).value}
      />
      <Choice
        label="region"
        all="all regions"
        value={lanes}
        options={useComputed(() => graph.value.lanes.map(({ name }) => [name, name === "" ? "no region" : name] as const)).value}
      />
      <Choice label="family" all="all families" value={families} options={familyOptions()} />
      {isFiltering.value && (
        <button type="button" class="link underlined muted" onClick={clearFilters}>
          {rows.value.length} shown · show all
        </button>
      )}
      <div class="tools">{children}</div>
    </div>
  );
}

/** More are no help in a list: the search finds them. */
const MOST_FAMILIES = 60;

function familyOptions(): readonly (readonly [string, string])[] {
  const found = new Set<string>();
  const { laneOf } = graph.value;
  for (const [key, node] of steady.value.state.nodes) {
    if (node.family !== undefined && laneOf.has(key)) found.add(node.family);
    if (found.size > MOST_FAMILIES) return [];
  }
  return [...found].sort().map((family) => [family, family]);
}

/** One of a list, or all; what was chosen together by other means shows as "several". */
function Choice<T extends string | Look>({
  label,
  all,
  value,
  options,
}: {
  label: string;
  all: string;
  value: { value: ReadonlySet<T> };
  options: readonly (readonly [T, string])[];
}) {
  if (options.length < 2 && value.value.size === 0) return null;
  const chosen = value.value;
  const several = chosen.size > 1;
  const [only] = chosen;
  const current = several ? "several" : only === undefined ? "all" : `=${only}`;
  return (
    <select
      aria-label={label}
      class={chosen.size > 0 ? "chosen" : ""}
      value={current}
      onChange={(event) => {
        const option = event.currentTarget.value;
        const picked = options.find(([key]) => `=${key}` === option)?.[0];
        value.value = picked === undefined ? new Set<T>() : new Set([picked]);
      }}
    >
      <option value="all">{all}</option>
      {several && <option value="several">several</option>}
      {options.map(([key, words]) => (
        <option key={key} value={`=${key}`}>
          {shown(words)}
        </option>
      ))}
    </select>
  );
}
