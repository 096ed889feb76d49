// The playground's look: two columns of plain controls, colours by variables, light and dark.

import { css, unsafeCSS } from "lit";

const dark = unsafeCSS(`
  --surface: #161b22; --raised: #1e252e; --ink: #e9eef4; --quiet: #a9b4c1; --line: #343e4b; --field: #66748a;
  --accent: #93bdff; --on-accent: #0c1a30; --active: #1b222c; --selected: #2c4a75;
  --key: #93bdff; --string: #9fdcb4;
  --violation: #ff9c92; --violation-tint: #3a1e1d; --warning: #f3c264; --warning-tint: #352912;
  --notice: #93bdff; --notice-tint: #192b45; --good: #7fd6a2; --good-tint: #14301f; --stopped-tint: #29313c;
  color-scheme: dark;
`);

export const styles = css`
  :host {
    --surface: #ffffff;
    --raised: #f4f6f8;
    --ink: #18202b;
    --quiet: #566170;
    --line: #dde2e8;
    --field: #8793a1;
    --accent: #1d5fbf;
    --on-accent: #ffffff;
    --active: #f2f6fc;
    --selected: #cfe0f8;
    --key: #1d5fbf;
    --string: #22663c;
    --violation: #b3261e;
    --violation-tint: #fdeceb;
    --warning: #855200;
    --warning-tint: #fff3db;
    --notice: #1d5fbf;
    --notice-tint: #e8f1fd;
    --good: #1b7340;
    --good-tint: #e6f5ec;
    --stopped-tint: #e9edf1;
    color-scheme: light;
    display: block;
    min-block-size: 100dvh;
    background: var(--surface);
    color: var(--ink);
  }
  @media (prefers-color-scheme: dark) {
    :host(:not([theme="light"])) {
      ${dark}
    }
  }
  :host([theme="dark"]) {
    ${dark}
  }
  * {
    box-sizing: border-box;
  }
  h1,
  h2,
  h3,
  p,
  ul,
  ol,
  dl,
  dd,
  pre {
    margin: 0;
    padding: 0;
  }
  ul,
  ol {
    list-style: none;
  }
  h1 {
    font-size: 18px;
  }
  h2 {
    font-size: 16px;
  }
  h3 {
    font-size: 14px;
    margin-block: 10px 4px;
  }
  a,
  .link {
    color: var(--accent);
    text-decoration: underline;
  }
  code {
    font: 13px/1.5 ui-monospace, Consolas, "Noto Sans Mono CJK SC", monospace;
    overflow-wrap: anywhere;
  }
  .quiet,
  .digest,
  .label {
    color: var(--quiet);
    font-size: 13px;
  }
  .bar {
    display: flex;
    align-items: center;
    gap: 16px;
    padding: 12px 20px;
    border-block-end: 1px solid var(--line);
    background: var(--raised);
  }
  .room {
    flex: 1;
  }
  .columns {
    display: grid;
    grid-template-columns: minmax(0, 5fr) minmax(0, 6fr);
    max-inline-size: 1600px;
    min-block-size: calc(100dvh - 60px);
    margin: 0 auto;
  }
  .columns > section {
    display: flex;
    flex-direction: column;
    gap: 12px;
    padding: 18px 20px 40px;
  }
  /* The sentence stays in sight while one goes through the examples. */
  .columns > section:first-child {
    position: sticky;
    inset-block-start: 0;
    align-self: start;
    max-block-size: 100dvh;
    overflow-y: auto;
  }
  .columns > section + section {
    border-inline-start: 1px solid var(--line);
  }
  .row {
    display: flex;
    flex-wrap: wrap;
    align-items: end;
    gap: 10px;
  }
  .grow {
    flex: 1 1 160px;
    min-inline-size: 0;
  }
  .ask {
    display: grid;
    gap: 10px;
  }
  label {
    display: grid;
    gap: 4px;
    font-size: 13px;
    color: var(--quiet);
  }
  label.small {
    display: flex;
    align-items: center;
  }
  textarea,
  input,
  select,
  button {
    font: inherit;
    font-size: 14px;
    color: var(--ink);
  }
  textarea,
  input,
  select,
  button:not(.link) {
    padding: 7px 10px;
    border: 1px solid var(--field);
    border-radius: 8px;
    background: var(--surface);
  }
  /* Left to the fonts, they would differ by a pixel or three where they stand side by side. */
  .row input,
  .row select,
  .row button:not(.link) {
    block-size: 38px;
  }
  select {
    max-inline-size: 100%;
  }
  .choose {
    inline-size: 100%;
  }
  textarea {
    inline-size: 100%;
    font-size: 16px;
    line-height: 1.6;
    resize: vertical;
    field-sizing: content;
    min-block-size: 92px;
    max-block-size: 320px;
  }
  ::placeholder {
    color: var(--quiet);
    opacity: 1;
  }
  button {
    cursor: pointer;
  }
  button:disabled {
    opacity: 0.5;
    cursor: default;
  }
  button.primary {
    border-color: transparent;
    background: var(--accent);
    color: var(--on-accent);
    font-weight: 600;
  }
  .link {
    padding: 0;
    border: 0;
    background: none;
    text-align: start;
    overflow-wrap: anywhere;
  }
  :focus-visible {
    outline: 2px solid var(--accent);
    outline-offset: 2px;
  }
  .trouble:empty,
  .editor[hidden] {
    display: none;
  }
  .trouble,
  .bad {
    color: var(--violation);
  }
  .good {
    color: var(--good);
  }
  .basis {
    font-size: 13px;
  }
  .answer {
    display: grid;
    gap: 10px;
  }
  .turn {
    display: grid;
    gap: 10px;
    padding: 12px 14px;
    border: 1px solid var(--line);
    border-radius: 12px;
  }
  .turn.customer {
    background: var(--raised);
  }
  .said {
    font-size: 17px;
    line-height: 1.7;
    overflow-wrap: anywhere;
  }
  .who {
    margin-inline-end: 6px;
    font-size: 13px;
    color: var(--quiet);
  }
  mark {
    padding: 1px 2px;
    border-radius: 4px;
    color: inherit;
    background: var(--notice-tint);
    box-shadow: inset 0 -2px var(--notice);
  }
  mark.warning {
    background: var(--warning-tint);
    box-shadow: inset 0 -2px var(--warning);
  }
  mark.violation {
    background: var(--violation-tint);
    box-shadow: inset 0 -2px var(--violation);
  }
  mark.stopped {
    background: var(--stopped-tint);
    box-shadow: inset 0 -1px var(--quiet);
  }
  dl {
    display: grid;
    grid-template-columns: max-content minmax(0, 1fr);
    gap: 6px 12px;
    align-items: baseline;
  }
  dt {
    color: var(--quiet);
    font-size: 13px;
  }
  .tokens,
  .moments {
    display: flex;
    flex-wrap: wrap;
    gap: 5px;
    align-items: center;
  }
  .chip {
    padding: 1px 8px;
    border-radius: 6px;
    background: var(--stopped-tint);
    font-size: 14px;
  }
  .chip.own {
    background: var(--notice-tint);
    font-size: 12px;
  }
  .found {
    display: grid;
    gap: 8px;
    padding: 10px 12px;
    border-radius: 10px;
    background: var(--raised);
    border-inline-start: 4px solid var(--quiet);
  }
  .found.notice {
    border-color: var(--notice);
  }
  .found.warning {
    border-color: var(--warning);
  }
  .found.violation {
    border-color: var(--violation);
  }
  .head {
    display: flex;
    flex-wrap: wrap;
    gap: 4px 10px;
    align-items: baseline;
  }
  .notice .state {
    color: var(--notice);
  }
  .warning .state {
    color: var(--warning);
  }
  .violation .state {
    color: var(--violation);
  }
  .pattern {
    display: block;
  }
  .card {
    display: grid;
    gap: 4px;
    padding: 12px 14px;
    border: 1px solid var(--line);
    border-radius: 12px;
    background: var(--surface);
  }
  .card .title {
    font-weight: 650;
  }
  .say {
    font-size: 16px;
    font-weight: 600;
  }
  .say + .say {
    margin-block-start: 4px;
  }
  .editor {
    block-size: 380px;
    border: 1px solid var(--field);
    border-radius: 8px;
    overflow: hidden;
  }
  .problems li,
  .changes li {
    padding: 6px 0;
    border-block-end: 1px solid var(--line);
  }
  .message,
  pre {
    white-space: pre-wrap;
    font: 13px/1.6 ui-monospace, Consolas, "Noto Sans Mono CJK SC", monospace;
  }
  .message {
    display: block;
  }
  .example {
    padding: 3px 8px;
    border-radius: 6px;
    margin-block-end: 3px;
  }
  .example .link {
    color: var(--ink);
    text-decoration: none;
  }
  .example .link:hover {
    text-decoration: underline;
  }
  .passed {
    background: var(--good-tint);
  }
  .passed .sign {
    color: var(--good);
  }
  .failed {
    background: var(--violation-tint);
  }
  .failed .sign {
    color: var(--violation);
  }
  .findings summary {
    cursor: pointer;
    color: var(--quiet);
  }
  .findings li {
    font-size: 13px;
    padding-block: 2px;
  }
  .effect {
    display: grid;
    gap: 10px;
    padding-block-start: 16px;
    border-block-start: 1px solid var(--line);
  }
  h3.appeared {
    color: var(--warning);
  }
  h3.vanished {
    color: var(--good);
  }
  @media (max-width: 860px) {
    .columns {
      grid-template-columns: minmax(0, 1fr);
    }
    .columns > section:first-child {
      position: static;
      max-block-size: none;
    }
  }
`;
