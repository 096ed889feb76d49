// The softphone's icons.

import { svg, type SVGTemplateResult } from "lit";

const icon = (body: SVGTemplateResult): SVGTemplateResult =>
  svg`<svg viewBox="0 0 20 20" width="20" height="20" fill="none" stroke="currentColor" stroke-width="1.8"
    stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">${body}</svg>`;

export const playIcon = icon(svg`<path fill="currentColor" d="M6.5 4v12l9.5-6Z"/>`);
export const pauseIcon = icon(svg`<path d="M7 4.5v11M13 4.5v11" stroke-width="2.6"/>`);
export const hangUpIcon = icon(svg`<path fill="currentColor" stroke="none" d="M10 6.6c3.6 0 6.7 1.3 8.3 3.6.5.8.4 1.8-.2 2.5l-1 1c-.4.4-1 .4-1.4.1l-2.2-1.5a1 1 0 0 1-.4-1V9.9A10 10 0 0 0 10 9.5c-1.1 0-2.2.1-3.1.4v1.4c0 .4-.1.7-.4 1l-2.2 1.5c-.4.3-1 .3-1.4-.1l-1-1a2 2 0 0 1-.2-2.5C3.3 7.9 6.4 6.6 10 6.6Z"/>`);
export const microphoneIcon = icon(svg`<rect x="7.4" y="2.5" width="5.2" height="9.5" rx="2.6"/><path d="M4.5 9.5a5.5 5.5 0 0 0 11 0M10 15v2.6"/>`);
export const mutedIcon = icon(svg`<path d="M12.6 8V5.1a2.6 2.6 0 0 0-5.1-.6M7.4 8v1.4a2.6 2.6 0 0 0 4 2.2M4.5 9.5a5.5 5.5 0 0 0 9 4.2M10 15v2.6M3 3l14 14"/>`);
export const penIcon = icon(svg`<path d="m4 16 .8-3.4L13.6 3.8l2.6 2.6-8.8 8.8Z"/>`);
