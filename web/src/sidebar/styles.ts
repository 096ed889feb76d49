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

export const styles = css`
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

  /* The one reserved place: its height never changes, so nothing moves under the pointer. */
  .place {
    flex: none;
    position: relative;
    block-size: var(--coach-card-height, 320px);
    margin: 0 12px;
  }
  .card {
    display: flex;
    flex-direction: column;
    block-size: 100%;
    border-radius: 14px;
    background: var(--surface);
    box-shadow: var(--shadow);
    border: 1px solid var(--line);
    border-block-start: 4px solid var(--tone);
    overflow: hidden;
    animation: arrive 200ms ease-out;
  }
  /* Not from nothing: a window that is not painted yet must never freeze on an empty card. */
  @keyframes arrive {
    from {
      opacity: 0.3;
    }
  }
  .violation {
    --tone: var(--violation);
    --tint: var(--violation-tint);
  }
  .warning {
    --tone: var(--warning);
    --tint: var(--warning-tint);
  }
  .notice {
    --tone: var(--notice);
    --tint: var(--notice-tint);
  }
  .card.aged {
    --tone: var(--quiet);
    --tint: color-mix(in srgb, var(--quiet) 9%, var(--surface));
    box-shadow: none;
  }
  .card.guarded {
    pointer-events: none;
  }
  .head {
    display: flex;
    align-items: center;
    gap: 6px;
    padding: 9px 8px 0 14px;
  }
  .badge {
    display: inline-flex;
    align-items: center;
    gap: 5px;
    color: var(--tone);
    font-size: 13px;
    font-weight: 600;
    white-space: nowrap;
  }
  .quote {
    position: relative;
    flex: 1;
    min-inline-size: 0;
    padding-inline-start: 2px;
    font-size: 13px;
    color: var(--quiet);
    white-space: nowrap;
    overflow: hidden;
    text-overflow: ellipsis;
  }
  .next {
    block-size: 28px;
    padding-inline: 10px;
    border-radius: 14px;
    background: color-mix(in srgb, var(--ink) 7%, transparent);
    font-size: 12px;
    color: var(--ink);
    white-space: nowrap;
  }
  .next:hover {
    background: color-mix(in srgb, var(--ink) 13%, transparent);
  }
  .close {
    inline-size: 28px;
    block-size: 28px;
    color: var(--quiet);
  }
  .body {
    flex: 1;
    min-block-size: 0;
    overflow: auto;
    padding: 2px 14px 10px;
    display: flex;
    flex-direction: column;
    gap: 8px;
  }
  .title {
    font-size: 15px;
    font-weight: 600;
    line-height: 1.4;
  }
  .phrases {
    display: flex;
    flex-direction: column;
    gap: 6px;
  }
  .phrase {
    display: grid;
    grid-template-columns: 1fr auto;
    align-items: center;
    gap: 2px 10px;
    inline-size: 100%;
    padding: 9px 10px 9px 12px;
    border-radius: 10px;
    background: var(--tint);
    text-align: start;
  }
  .phrase:hover {
    background: color-mix(in srgb, var(--tone) 9%, var(--tint));
  }
  .say {
    font-size: 20px;
    font-weight: 600;
    line-height: 1.38;
    letter-spacing: 0.01em;
    text-wrap: balance;
    overflow-wrap: anywhere;
  }
  .phrase.second .say {
    font-size: 16px;
    font-weight: 500;
  }
  .copy {
    display: inline-flex;
    flex-direction: column;
    align-items: center;
    gap: 1px;
    min-inline-size: 36px;
    font-size: 12px;
    color: var(--quiet);
    white-space: nowrap;
  }
  .copy.done {
    color: var(--good);
    font-weight: 600;
  }
  .why {
    font-size: 13px;
    color: var(--quiet);
    line-height: 1.45;
    display: -webkit-box;
    -webkit-box-orient: vertical;
    -webkit-line-clamp: 2;
    line-clamp: 2;
    overflow: hidden;
    flex: none;
  }
  .acts {
    flex: none;
    display: flex;
    border-block-start: 1px solid var(--line);
  }
  .act {
    flex: 1 1 auto;
    min-inline-size: 0;
    padding-inline: 4px;
    block-size: 40px;
    border-radius: 0;
    font-size: 13px;
    color: var(--quiet);
    white-space: nowrap;
  }
  .act + .act {
    border-inline-start: 1px solid var(--line);
  }
  .act:hover {
    background: color-mix(in srgb, var(--ink) 5%, transparent);
    color: var(--ink);
  }
  .act:focus-visible {
    outline-offset: -3px;
  }
  .act[aria-pressed="true"] {
    color: var(--good);
    font-weight: 600;
  }

  /* The same place with nothing to do in it */
  .calm {
    block-size: 100%;
    display: flex;
    flex-direction: column;
    align-items: center;
    justify-content: center;
    gap: 4px;
    padding: 16px;
    border-radius: 14px;
    border: 1px dashed var(--line);
    color: var(--quiet);
    text-align: center;
    font-size: 13px;
    text-wrap: balance;
  }
  .calm .orb {
    display: grid;
    place-items: center;
    inline-size: 44px;
    block-size: 44px;
    margin-block-end: 8px;
    border-radius: 50%;
    background: color-mix(in srgb, var(--ink) 6%, transparent);
  }
  .calm .orb svg {
    inline-size: 22px;
    block-size: 22px;
  }
  .calm strong {
    font-size: 15px;
    font-weight: 600;
    color: var(--ink);
  }
  .calm.good {
    border: 1px solid transparent;
    background: var(--good-tint);
    animation: arrive 200ms ease-out;
  }
  .calm.good .orb,
  .calm.good strong {
    color: var(--good);
  }
  .calm.good .orb {
    background: var(--surface);
  }
  .calm.lost {
    border-style: solid;
    border-color: transparent;
    background: var(--warning-tint);
  }
  .calm.lost .orb,
  .calm.lost strong {
    color: var(--warning);
  }
  .calm.lost .orb {
    background: var(--surface);
  }

  /* Blind spot */
  .blind {
    flex: none;
    display: flex;
    gap: 9px;
    margin: 10px 12px 0;
    padding: 9px 12px;
    border-radius: 10px;
    background: var(--warning-tint);
    color: var(--ink);
    font-size: 13px;
    line-height: 1.45;
  }
  .blind svg {
    margin-block-start: 1px;
    color: var(--warning);
  }
  .blind strong {
    display: block;
    font-weight: 600;
    color: var(--warning);
  }

  /* Transcript */
  .wrap {
    position: relative;
    flex: 1;
    min-block-size: 0;
    margin-block-start: 12px;
    border-block-start: 1px solid var(--line);
  }
  .talk {
    block-size: 100%;
    overflow-y: auto;
    overscroll-behavior: contain;
    padding: 12px 12px 16px;
    scrollbar-width: thin;
    scrollbar-color: var(--line) transparent;
  }
  .talk.dim {
    opacity: 0.72;
  }
  .turn {
    display: flex;
    flex-direction: column;
    align-items: flex-start;
    margin-block-start: 6px;
  }
  .turn.first {
    margin-block-start: 12px;
  }
  .turn:first-child {
    margin-block-start: 0;
  }
  .turn.agent {
    align-items: flex-end;
  }
  .who {
    padding-inline: 4px;
    margin-block-end: 2px;
    font-size: 12px;
    color: var(--quiet);
  }
  .bubble {
    max-inline-size: 88%;
    padding: 7px 11px;
    border-radius: 4px 12px 12px;
    background: var(--surface);
    border: 1px solid var(--line);
    font-size: 14px;
    line-height: 1.55;
    overflow-wrap: anywhere;
  }
  .agent .bubble {
    border-radius: 12px 4px 12px 12px;
    background: var(--mine);
    border-color: transparent;
  }
  .unknown .bubble {
    border-style: dashed;
  }
  /* Words still in the air: a tail, no blinking. */
  .partial .bubble::after {
    content: "";
    display: inline-block;
    inline-size: 5px;
    block-size: 5px;
    margin-inline-start: 4px;
    border-radius: 50%;
    vertical-align: 2px;
    background: var(--quiet);
  }
  mark {
    padding: 1px 2px;
    border-radius: 4px;
    background: var(--tint);
    color: var(--ink);
    font-weight: 600;
    text-decoration: underline 2px var(--tone);
    text-underline-offset: 3px;
    cursor: pointer;
    -webkit-box-decoration-break: clone;
    box-decoration-break: clone;
  }
  mark.violation {
    text-decoration-style: wavy;
    text-decoration-thickness: 1.5px;
  }
  mark.notice {
    text-decoration-style: dotted;
  }
  .latest {
    position: absolute;
    inset-block-end: 12px;
    inset-inline-start: 50%;
    transform: translateX(-50%);
    block-size: 34px;
    padding-inline: 14px;
    border-radius: 17px;
    background: var(--ink);
    color: var(--surface);
    font-size: 13px;
    box-shadow: var(--shadow);
    white-space: nowrap;
  }

  @container (max-width: 339px) {
    .say {
      font-size: 18px;
    }
    .phrase.second .say {
      font-size: 15px;
    }
    .place,
    .blind {
      margin-inline: 8px;
    }
    .head {
      padding-inline-start: 12px;
    }
    .body {
      padding-inline: 12px;
    }
    .act {
      gap: 4px;
    }
  }
  @container (min-width: 400px) {
    .say {
      font-size: 22px;
    }
  }
  @media (max-height: 560px) {
    .place {
      block-size: 252px;
    }
  }
  @media (prefers-reduced-motion: reduce) {
    .card,
    .calm.good {
      animation: none;
    }
  }
  @media (forced-colors: active) {
    .card,
    .phrase,
    .calm,
    .bubble {
      border: 1px solid CanvasText;
    }
    mark {
      background: Mark;
      color: MarkText;
    }
  }
`;
