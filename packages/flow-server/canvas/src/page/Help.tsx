/** The keys, on a page of their own. */

import { useLayoutEffect, useRef } from "preact/hooks";
import { signal } from "@preact/signals";

export const helpOpen = signal(false);

const KEYS: readonly (readonly [string, string])[] = [
  ["/", "search"],
  ["j  k", "next, previous: what fails first"],
  ["← → ↑ ↓", "in the graph: along dependencies, and within a column"],
  ["Enter", "open the region of the selected one in the graph"],
  ["w", "go to the cause that the selected one waits for"],
  ["g t", "timeline"],
  ["g l", "list, as a table"],
  ["g b", "graph"],
  ["g h", "all flows"],
  ["+  −  0", "in the graph: nearer, further, all of it"],
  ["[  ]", "one happening back, forward in time"],
  ["n", "back to now"],
  ["x", "clear the filters"],
  ["Esc", "close, or go one step back"],
  ["?", "this"],
];

export function Help() {
  const dialog = useRef<HTMLDialogElement>(null);
  const open = helpOpen.value;
  useLayoutEffect(() => {
    if (open && dialog.current?.open === false) dialog.current.showModal();
    else if (!open) dialog.current?.close();
  }, [open]);
  return (
    <dialog
      ref={dialog}
      class="help"
      aria-labelledby="help-title"
      onClose={() => (helpOpen.value = false)}
      onClick={(event) => {
        if (event.target === dialog.current) helpOpen.value = false;
      }}
    >
      <h2 id="help-title">Keys</h2>
      <dl>
        {KEYS.map(([key, meaning]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
      <p class="muted">
        Add <code>&amp;embed=1</code> to the address for a wall screen. The address always says what you see: send it to a
        colleague.
      </p>
      <button type="button" class="primary" onClick={() => (helpOpen.value = false)}>
        Close
      </button>
    </dialog>
  );
}
