// The one reserved place: a card, or calm.

import { css } from "lit";

export const cardStyles = css`
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
`;
