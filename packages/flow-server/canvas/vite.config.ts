/// <reference types="vitest/config" />
import { defineConfig } from "vite";

export default defineConfig({
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
  },
  worker: { format: "es" },
  test: { environment: "node", include: ["src/**/*.test.ts"] },
});
