// Two outputs in one folder: the pages, and with `--mode embed` the single script a softphone page loads.
import { defineConfig } from "vite";

// The oldest browsers seen on agent desktops that have what we use (container queries, constructed sheets).
const target = ["chrome105", "edge105", "firefox115", "safari16.4"];

export default defineConfig(({ mode }) => {
  const embed = mode === "embed";
  return {
    base: "/static/",
    publicDir: embed ? false : "public",
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
        : { rollupOptions: { input: ["sidebar.html", "demo.html"] } }),
    },
  };
});
