/// <reference types="vitest/config" />
import { defineConfig, type Plugin } from "vite";

/** The page's first script is one of its own, so that it need not wait for the rest: `src/stream/opening.ts`. */
const opening: Plugin = {
  name: "opening",
  transformIndexHtml: {
    order: "post",
    handler: (_, { bundle }) => {
      const chunk = Object.values(bundle ?? {}).find(({ type, name }) => type === "chunk" && name === "opening");
      if (chunk === undefined) return [];
      return [{ tag: "script", attrs: { type: "module", crossorigin: true, src: `./${chunk.fileName}` }, injectTo: "head-prepend" }];
    },
  },
};

export default defineConfig({
  plugins: [opening],
  // Relative, so that the page works below any path prefix.
  base: "./",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "../src/flow_server/canvas",
    emptyOutDir: true,
    license: { fileName: "licenses.md" },
    modulePreload: { polyfill: false },
    // A data: URL would be one more thing for the content security policy to allow.
    assetsInlineLimit: 0,
    target: "es2023",
    rolldownOptions: { input: { index: "index.html", opening: "src/stream/opening.ts" } },
  },
  worker: { format: "es" },
  test: { environment: "node", include: ["src/**/*.test.ts"] },
});
