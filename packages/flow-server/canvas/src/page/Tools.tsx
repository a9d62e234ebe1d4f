/** The small buttons at the right: compare, export, notices, theme, help. */

import { useRef } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { CopyButton } from "./CopyButton";
import { isComparing, startComparing, stopComparing } from "./Compare";
import { summaryText } from "./Done";
import { saveCsv, saveJson, saveSvg } from "./exporting";
import { helpOpen } from "./Help";
import { noticesOn, toggleNotices } from "./notices";
import { nextTheme, theme } from "./theme";

export function Tools() {
  return (
    <>
      <button
        type="button"
        class="tool"
        aria-pressed={isComparing.value}
        onClick={() => (isComparing.value ? stopComparing() : startComparing())}
      >
        compare
      </button>
      <Export />
      <button
        type="button"
        class="tool"
        aria-pressed={noticesOn.value}
        title="a notice on failure and at the end, also while this tab is hidden"
        onClick={() => void toggleNotices()}
      >
        notices {noticesOn.value ? "on" : "off"}
      </button>
      <ThemeButton />
      <button type="button" class="tool" aria-label="help" title="help (?)" onClick={() => (helpOpen.value = true)}>
        ?
      </button>
    </>
  );
}

export function ThemeButton() {
  return (
    <button type="button" class="tool" title="dark, light, or as the system says" onClick={nextTheme}>
      <svg viewBox="0 0 12 12" class="icon" aria-hidden="true">
        <path d="M6 1.5a4.5 4.5 0 1 1 0 9a4.5 4.5 0 1 1 0-9" />
        <path class="filled" d="M6 1.5a4.5 4.5 0 0 1 0 9z" />
      </svg>
      {theme.value}
      <span class="offscreen"> theme</span>
    </button>
  );
}

function Export() {
  const open = useSignal(false);
  const menu = useRef<HTMLDivElement>(null);
  const close = (act: () => void) => () => {
    act();
    open.value = false;
  };
  return (
    <div
      class="menu"
      ref={menu}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || !open.value) return;
        event.stopPropagation();
        open.value = false;
        menu.current?.querySelector("button")?.focus();
      }}
      onFocusOut={(event) => {
        if (!(event.relatedTarget instanceof Node) || !menu.current?.contains(event.relatedTarget)) open.value = false;
      }}
    >
      <button type="button" class="tool" aria-expanded={open.value} onClick={() => (open.value = !open.value)}>
        export
      </button>
      {open.value && (
        // A press must not take the focus away before the click arrives.
        <div class="menu-list" onPointerDown={(event) => event.preventDefault()}>
          <button type="button" onClick={close(saveJson)}>
            JSON, the whole state
          </button>
          <button type="button" onClick={close(saveCsv)}>
            CSV, the table as filtered
          </button>
          <button type="button" onClick={close(saveSvg)}>
            SVG, the graph
          </button>
          <CopyButton text={summaryText} what="the summary as Markdown" label="copy summary as Markdown" />
        </div>
      )}
    </div>
  );
}
