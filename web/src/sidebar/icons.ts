// Small line icons. Shape carries the meaning together with colour and word, never colour alone.

import { svg, type SVGTemplateResult } from "lit";
import type { Severity } from "../core/wire";

const icon = (body: SVGTemplateResult): SVGTemplateResult =>
  svg`<svg viewBox="0 0 20 20" width="18" height="18" fill="none" stroke="currentColor" stroke-width="1.8"
    stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">${body}</svg>`;

export const severityIcon: Record<Severity, SVGTemplateResult> = {
  violation: icon(svg`<path d="M6.6 2h6.8L18 6.6v6.8L13.4 18H6.6L2 13.4V6.6Z"/><path d="m7.2 7.2 5.6 5.6m0-5.6-5.6 5.6"/>`),
  warning: icon(svg`<path d="M10 2.6 18.4 17H1.6Z"/><path d="M10 7.8v4M10 14.4v.1"/>`),
  notice: icon(svg`<circle cx="10" cy="10" r="7.6"/><path d="M10 9.2v4.4M10 6.4v.1"/>`),
};
export const tick = icon(svg`<path d="m4 10.6 4 4 8-9"/>`);
export const cross = icon(svg`<path d="m5 5 10 10M15 5 5 15"/>`);
export const copy = icon(svg`<rect x="7" y="7" width="10" height="10" rx="2"/><path d="M13 4.6A1.6 1.6 0 0 0 11.4 3H4.6A1.6 1.6 0 0 0 3 4.6v6.8A1.6 1.6 0 0 0 4.6 13"/>`);
export const bell = icon(svg`<path d="M5 8.5a5 5 0 0 1 8-4M15 9c0 4 1.6 5 1.6 5H7.5M3.4 14S5 13 5 9M8.6 17h2.8M3 3l14 14"/>`);
export const thumb = icon(svg`<path d="M7 9v8H3.6V9Zm0 .4 3-6.4c1.4 0 2.2 1 2 2.4L11.6 8h3.6c1.2 0 2 1 1.8 2.2l-.9 5.2c-.2 1-1 1.6-2 1.6H7"/>`);
export const flag = icon(svg`<path d="M5 18V3M5 3.6h9.4l-2 3.4 2 3.4H5"/>`);
export const popOut = icon(svg`<rect x="2.5" y="4" width="15" height="12" rx="2"/><rect x="10" y="9.5" width="5.4" height="4" rx=".8" fill="currentColor" stroke="none"/>`);
export const down = icon(svg`<path d="M10 4v11m-4.4-4.2L10 15.2l4.4-4.4"/>`);
export const ear = icon(svg`<path d="M2.5 10h2l1.6-4.4 3 9.4 2.6-11 2.4 8 1.2-2h2.2"/>`);
export const eyeOff = icon(svg`<path d="M3 3l14 14M8.4 5A8 8 0 0 1 10 4.8c4.6 0 7.5 5.2 7.5 5.2a13 13 0 0 1-2 2.6M5.6 6.6A12.6 12.6 0 0 0 2.5 10S5.4 15.2 10 15.2a7.6 7.6 0 0 0 3.6-.9"/>`);
export const phone = icon(svg`<path d="M4.2 3.2h2.9l1.4 3.6-1.8 1.3a9.4 9.4 0 0 0 5.2 5.2l1.3-1.8 3.6 1.4v2.9c0 .7-.6 1.2-1.3 1.2A12.6 12.6 0 0 1 3 4.5c0-.7.5-1.3 1.2-1.3Z"/>`);
export const clockFace = icon(svg`<circle cx="10" cy="10" r="7.6"/><path d="M10 5.6V10l3 2"/>`);
export const speech = icon(svg`<path d="M3 4h14v9.6H9.4L5.6 17v-3.4H3Z"/><path d="M6.6 8.8h6.8"/>`);
export const person = icon(svg`<circle cx="10" cy="6.4" r="3.4"/><path d="M3.6 17c.6-3.6 3.2-5.4 6.4-5.4s5.8 1.8 6.4 5.4"/>`);
