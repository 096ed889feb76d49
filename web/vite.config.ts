// Two outputs in one folder: the pages, and with `--mode embed` the single script a softphone page loads.
import { readFile } from "node:fs/promises";
import { defineConfig, type Plugin } from "vite";

// The oldest browsers seen on agent desktops that have what we use (container queries, constructed sheets).
const target = ["chrome105", "edge105", "firefox115", "safari16.4"];

const SERVICE = "http://127.0.0.1:8600";

// What ends up in the bundles and asks for its licence to travel along.
const BUNDLED = [
  "lit",
  "lit-html",
  "lit-element",
  "@lit/reactive-element",
  // The rule editor of the playground, and what it is made of.
  ...["autocomplete", "commands", "lang-yaml", "language", "lint", "state", "streamparser", "view"].map((name) => `@codemirror/${name}`),
  ...["common", "highlight", "lr", "yaml"].map((name) => `@lezer/${name}`),
  ...["@marijn/find-cluster-break", "crelt", "style-mod", "w3c-keyname"],
];

const licences: Plugin = {
  name: "licences",
  async generateBundle() {
    const texts = await Promise.all(
      BUNDLED.map(async (name) => `${name}\n\n${await readFile(`node_modules/${name}/LICENSE`, "utf8")}`),
    );
    this.emitFile({ type: "asset", fileName: "licences.txt", source: texts.join("\n\n") });
  },
};

export default defineConfig(({ mode }) => {
  const embed = mode === "embed";
  return {
    base: "/static/",
    plugins: embed ? [] : [licences],
    publicDir: embed ? false : "public",
    // `npm run dev` beside a running `coach serve --demo`.
    server: { proxy: { "/v1": { target: SERVICE, ws: true }, "/demo/session": SERVICE, "/healthz": SERVICE } },
    build: {
      target,
      outDir: "dist",
      emptyOutDir: !embed,
      modulePreload: { polyfill: false },
      // A data: style or script would need a wider Content-Security-Policy.
      assetsInlineLimit: 0,
      ...(embed
        ? {
            lib: {
              entry: "src/sidebar/element.ts",
              name: "CoachSidebar",
              formats: ["iife" as const],
              fileName: () => "coach-sidebar.js",
            },
          }
        : { rollupOptions: { input: ["sidebar.html", "demo.html", "playground.html", "reviews.html", "wallboard.html"] } }),
    },
  };
});
