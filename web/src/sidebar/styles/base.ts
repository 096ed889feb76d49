// The panel's look. Sizes are px: a host page's font size must not reach in. `--coach-*` is the theming interface.

import { css, unsafeCSS } from "lit";

const light = unsafeCSS(`
  --bg: var(--coach-bg, #f4f5f7);
  --surface: var(--coach-surface, #ffffff);
  --ink: var(--coach-ink, #18202b);
  --quiet: var(--coach-quiet, #5a6573);
  --line: var(--coach-line, #dfe3e8);
  --accent: var(--coach-accent, #1d5fbf);
  --mine: var(--coach-mine, #e3edfb);
  --violation: var(--coach-violation, #b3261e);
  --violation-tint: var(--coach-violation-tint, #fdeceb);
  --warning: var(--coach-warning, #8a5600);
  --warning-tint: var(--coach-warning-tint, #fff3db);
  --notice: var(--coach-notice, #1d5fbf);
  --notice-tint: var(--coach-notice-tint, #e8f1fd);
  --good: var(--coach-good, #1b7340);
  --good-tint: var(--coach-good-tint, #e6f5ec);
  --shadow: 0 1px 2px rgb(20 30 45 / 6%), 0 6px 20px rgb(20 30 45 / 7%);
  color-scheme: light;
`);

const dark = unsafeCSS(`
  --bg: var(--coach-bg, #11151b);
  --surface: var(--coach-surface, #1a2029);
  --ink: var(--coach-ink, #e9eef4);
  --quiet: var(--coach-quiet, #a2aebc);
  --line: var(--coach-line, #2c3541);
  --accent: var(--coach-accent, #93bdff);
  --mine: var(--coach-mine, #1f3350);
  --violation: var(--coach-violation, #ff9c92);
  --violation-tint: var(--coach-violation-tint, #3a1e1d);
  --warning: var(--coach-warning, #f3c264);
  --warning-tint: var(--coach-warning-tint, #352912);
  --notice: var(--coach-notice, #93bdff);
  --notice-tint: var(--coach-notice-tint, #192b45);
  --good: var(--coach-good, #7fd6a2);
  --good-tint: var(--coach-good-tint, #14301f);
  --shadow: 0 1px 2px rgb(0 0 0 / 40%), 0 8px 24px rgb(0 0 0 / 30%);
  color-scheme: dark;
`);

export const baseStyles = css`
  /* Important declarations inside a shadow tree win over the host page's, so it cannot hide the panel by accident. */
  :host {
    display: block !important;
    visibility: visible !important;
    opacity: 1 !important;
    block-size: 100%;
    max-block-size: 100dvh;
    min-inline-size: 260px;
  }
  :host([hidden]) {
    display: none !important;
  }

  .w {
    all: initial;
    ${light}
    container-type: inline-size;
    display: flex;
    flex-direction: column;
    box-sizing: border-box;
    block-size: 100%;
    min-block-size: 420px;
    background: var(--bg);
    color: var(--ink);
    font: 14px/1.5 system-ui, -apple-system, "PingFang SC", "HarmonyOS Sans SC", "Microsoft YaHei UI", "Microsoft YaHei",
      "Noto Sans CJK SC", "Noto Sans SC", sans-serif;
    -webkit-font-smoothing: antialiased;
    overflow: hidden;
    outline: none;
  }
  :host([theme="dark"]) .w {
    ${dark}
  }
  @media (prefers-color-scheme: dark) {
    :host(:not([theme="light"])) .w {
      ${dark}
    }
  }

  * {
    box-sizing: border-box;
  }
  button {
    all: unset;
    box-sizing: border-box;
    display: inline-flex;
    align-items: center;
    justify-content: center;
    gap: 5px;
    cursor: pointer;
    border-radius: 8px;
    color: inherit;
    -webkit-tap-highlight-color: transparent;
  }
  button:focus-visible,
  mark:focus-visible,
  .talk:focus-visible {
    outline: 2px solid var(--accent);
    outline-offset: 2px;
  }
  svg {
    flex: none;
    display: block;
  }
  h2,
  p,
  ol {
    margin: 0;
    padding: 0;
    list-style: none;
    font: inherit;
  }
  .sr {
    position: absolute;
    inline-size: 1px;
    block-size: 1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }

  /* Top bar: link state, time, floating window */
  .bar {
    display: grid;
    grid-template-columns: 1fr auto 1fr;
    align-items: center;
    flex: none;
    block-size: 44px;
    padding-inline: 14px 8px;
  }
  .link {
    display: inline-flex;
    align-items: center;
    gap: 7px;
    font-size: 13px;
    color: var(--quiet);
    white-space: nowrap;
  }
  .dot {
    inline-size: 9px;
    block-size: 9px;
    border-radius: 50%;
    background: var(--good);
  }
  /* Shape tells the state too: full disc, half ring, square. */
  .link.busy .dot {
    background: transparent;
    border: 2px solid var(--warning);
    border-inline-end-color: transparent;
    inline-size: 11px;
    block-size: 11px;
  }
  .link.off .dot {
    background: var(--violation);
    border-radius: 2px;
  }
  .timer {
    font-size: 15px;
    font-weight: 600;
    font-variant-numeric: tabular-nums;
    letter-spacing: 0.02em;
  }
  .timer.still {
    color: var(--quiet);
    font-weight: 500;
  }
  .tools {
    display: flex;
    justify-content: flex-end;
    gap: 2px;
  }
  .tool {
    inline-size: 32px;
    block-size: 32px;
    color: var(--quiet);
  }
  .tool:hover,
  .close:hover {
    background: color-mix(in srgb, var(--ink) 8%, transparent);
    color: var(--ink);
  }
  .tally {
    display: inline-flex;
    align-items: center;
    gap: 3px;
    padding-inline: 4px;
    color: var(--good);
    font-size: 13px;
    font-weight: 600;
    font-variant-numeric: tabular-nums;
  }
`;
