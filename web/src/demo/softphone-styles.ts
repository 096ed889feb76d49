// The softphone's look; calmer than the panel, which is the one to look at.

import { css, unsafeCSS } from "lit";

const dark = unsafeCSS(`
  --surface: #161b22; --raised: #1e252e; --ink: #e9eef4; --quiet: #a2aebc; --line: #2b3440;
  --accent: #93bdff; --accent-tint: #1a2b45; --go: #2f9e62; --stop: #c8453c; --on: #7fd6a2;
`);

export const softphoneStyles = css`
  :host {
    --surface: #ffffff;
    --raised: #f4f6f8;
    --ink: #18202b;
    --quiet: #5a6573;
    --line: #e0e4e9;
    --accent: #1d5fbf;
    --accent-tint: #e8f1fd;
    --go: #1b7a45;
    --stop: #c0392f;
    --on: #1b7340;
    display: block;
    min-block-size: 0;
    color: var(--ink);
  }
  @media (prefers-color-scheme: dark) {
    :host {
      ${dark}
    }
  }
  * {
    box-sizing: border-box;
  }
  .frame {
    display: grid;
    grid-template-columns: minmax(250px, 340px) minmax(0, 1fr);
    block-size: 100%;
    border-radius: 18px;
    overflow: hidden;
    background: var(--surface);
    box-shadow: 0 12px 40px rgb(20 30 45 / 10%);
  }
  button {
    font: inherit;
    color: inherit;
    border: 0;
    background: none;
    cursor: pointer;
  }
  button:disabled {
    opacity: 0.45;
    cursor: default;
  }
  button:focus-visible,
  input:focus-visible {
    outline: 2px solid var(--accent);
    outline-offset: 2px;
  }
  h1,
  h2,
  p,
  ul {
    margin: 0;
    padding: 0;
    list-style: none;
  }

  .list {
    display: flex;
    flex-direction: column;
    min-block-size: 0;
    border-inline-end: 1px solid var(--line);
    background: var(--raised);
  }
  .list header {
    padding: 20px 20px 12px;
  }
  h1 {
    font-size: 18px;
    font-weight: 650;
  }
  .list header p {
    margin-block-start: 4px;
    font-size: 13px;
    color: var(--quiet);
  }
  .list ul {
    flex: 1;
    overflow-y: auto;
    padding: 4px 10px 16px;
    scrollbar-width: thin;
  }
  .row {
    display: grid;
    grid-template-columns: auto minmax(0, 1fr) auto;
    gap: 11px;
    align-items: start;
    inline-size: 100%;
    padding: 10px;
    border-radius: 12px;
    text-align: start;
  }
  .row:hover {
    background: color-mix(in srgb, var(--ink) 5%, transparent);
  }
  .row.chosen {
    background: var(--surface);
    box-shadow: 0 1px 4px rgb(20 30 45 / 10%);
  }
  .disc {
    display: grid;
    place-items: center;
    inline-size: 36px;
    block-size: 36px;
    border-radius: 50%;
    background: var(--accent-tint);
    color: var(--accent);
    font-weight: 600;
  }
  .about strong {
    display: block;
    font-weight: 600;
  }
  .about span {
    display: -webkit-box;
    -webkit-box-orient: vertical;
    -webkit-line-clamp: 2;
    line-clamp: 2;
    overflow: hidden;
    font-size: 12px;
    color: var(--quiet);
  }
  .meta {
    font-size: 12px;
    color: var(--quiet);
    text-align: end;
    font-variant-numeric: tabular-nums;
    line-height: 1.75;
  }

  .desk {
    display: flex;
    flex-direction: column;
    min-block-size: 0;
    overflow-y: auto;
  }
  .phone {
    flex: 1;
    display: flex;
    flex-direction: column;
    align-items: center;
    justify-content: center;
    gap: 8px;
    padding: 28px 20px;
    text-align: center;
  }
  .state {
    padding: 3px 12px;
    border-radius: 12px;
    background: var(--raised);
    color: var(--quiet);
    font-size: 13px;
  }
  .state.on {
    background: color-mix(in srgb, var(--on) 14%, transparent);
    color: var(--on);
    font-weight: 600;
  }
  .name {
    font-size: 22px;
    font-weight: 650;
  }
  .slots {
    display: flex;
    flex-wrap: wrap;
    justify-content: center;
    gap: 4px 14px;
    min-block-size: 21px;
    font-size: 13px;
    color: var(--quiet);
  }
  .time {
    margin-block: 6px 2px;
    font-size: 52px;
    font-weight: 250;
    line-height: 1.15;
    font-variant-numeric: tabular-nums;
  }
  progress {
    appearance: none;
    inline-size: min(320px, 80%);
    block-size: 4px;
    border: 0;
    border-radius: 2px;
    overflow: hidden;
    background: var(--line);
  }
  progress::-webkit-progress-bar {
    background: var(--line);
  }
  progress::-webkit-progress-value {
    background: var(--accent);
  }
  progress::-moz-progress-bar {
    background: var(--accent);
  }
  .keys {
    display: flex;
    align-items: center;
    gap: 22px;
    margin-block: 20px 14px;
  }
  .key {
    display: grid;
    place-items: center;
    inline-size: 52px;
    block-size: 52px;
    border-radius: 50%;
    background: var(--raised);
  }
  .key.pressed {
    background: var(--ink);
    color: var(--surface);
  }
  .key.main {
    inline-size: 68px;
    block-size: 68px;
    background: var(--go);
    color: #fff;
  }
  .key.main svg {
    inline-size: 28px;
    block-size: 28px;
  }
  .key.stop {
    background: var(--stop);
    color: #fff;
  }
  .speeds,
  .sides {
    display: inline-flex;
    padding: 3px;
    border-radius: 10px;
    background: var(--raised);
  }
  .speeds button,
  .sides button {
    min-inline-size: 46px;
    padding: 4px 12px;
    border-radius: 8px;
    font-size: 13px;
    color: var(--quiet);
  }
  .speeds button[aria-pressed="true"],
  .sides button[aria-pressed="true"] {
    background: var(--surface);
    color: var(--ink);
    font-weight: 600;
    box-shadow: 0 1px 3px rgb(20 30 45 / 14%);
  }

  .composer {
    display: grid;
    gap: 12px;
    padding: 18px 22px 16px;
    border-block-start: 1px solid var(--line);
  }
  .line {
    display: flex;
    align-items: center;
    gap: 10px;
  }
  h2 {
    flex: 1;
    font-size: 15px;
    font-weight: 600;
  }
  input {
    flex: 1;
    min-inline-size: 0;
    font: inherit;
    font-size: 15px;
    padding: 11px 14px;
    border-radius: 12px;
    border: 1px solid color-mix(in srgb, var(--quiet) 60%, transparent);
    background: var(--surface);
    color: var(--ink);
  }
  input::placeholder {
    color: var(--quiet);
    opacity: 1;
  }
  .send {
    padding: 11px 18px;
    border-radius: 12px;
    background: var(--accent);
    color: var(--surface);
    font-weight: 600;
    white-space: nowrap;
  }
  .mic {
    display: grid;
    place-items: center;
    inline-size: 44px;
    block-size: 44px;
    border-radius: 50%;
    background: var(--raised);
  }
  .mic.on {
    background: var(--stop);
    color: #fff;
  }
  .tries {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 8px;
    font-size: 13px;
    color: var(--quiet);
  }
  .tries button {
    padding: 5px 12px;
    border-radius: 15px;
    border: 1px solid var(--line);
    color: var(--ink);
    font-size: 13px;
  }
  .tries button:hover {
    background: var(--raised);
  }
  .trouble {
    min-block-size: 20px;
    font-size: 13px;
    color: var(--stop);
  }
  @media (max-width: 1180px) {
    .frame {
      grid-template-columns: 230px minmax(0, 1fr);
    }
    .meta {
      display: none;
    }
  }
  @media (max-width: 640px) {
    .frame {
      grid-template-columns: minmax(0, 1fr);
      block-size: auto;
    }
    .list ul {
      max-block-size: 260px;
    }
  }
`;
