// The call word by word. Text nodes only: whatever was said is shown and never interpreted.

import { html, nothing, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import type { Strings } from "../../core/strings";
import type { Segment, TranscriptMessage } from "../../core/wire";
import { down } from "../icons";

export interface TranscriptProps {
  strings: Strings;
  utterances: readonly TranscriptMessage[];
  following: boolean;
  dim: boolean;
  onScroll: () => void;
  /** The agent's hand is on the transcript: what scrolls now is meant. */
  onHand: () => void;
  onLatest: () => void;
  onMark: (adviceId: string) => void;
}

export function transcript(props: TranscriptProps): TemplateResult {
  const { strings, utterances, following, dim, onScroll, onHand, onLatest, onMark } = props;
  const spoken = utterances.filter((one) => one.segments.some((segment) => segment.text !== ""));
  return html`<div class="wrap">
    <div class="talk ${dim ? "dim" : ""}" role="log" aria-live="off" aria-label=${strings.transcript} tabindex="0"
      @scroll=${onScroll} @wheel=${onHand} @touchmove=${onHand} @pointerdown=${onHand} @keydown=${onHand}>
      ${repeat(
        spoken,
        (one) => one.utterance_id,
        (one, at) => turn(one, spoken[at - 1]?.speaker !== one.speaker, strings, onMark),
      )}
    </div>
    ${following
      ? nothing
      : html`<button class="latest" type="button" @click=${onLatest}>${down}${strings.latest}</button>`}
  </div>`;
}

function turn(
  one: TranscriptMessage,
  first: boolean,
  strings: Strings,
  onMark: (adviceId: string) => void,
): TemplateResult {
  return html`<div class="turn ${one.speaker} ${one.final ? "" : "partial"} ${first ? "first" : ""}"
    data-utterance=${one.utterance_id}>
    ${first ? html`<span class="who">${strings.speaker[one.speaker]}</span>` : nothing}
    <span class="bubble" lang="zh-CN">${one.segments.map((segment) => piece(segment, strings, onMark))}</span>
  </div>`;
}

function piece(segment: Segment, strings: Strings, onMark: (adviceId: string) => void): unknown {
  const { severity, advice_id: adviceId, text } = segment;
  if (!severity) return text;
  if (!adviceId) return html`<mark class=${severity}>${text}</mark>`;
  const open = () => onMark(adviceId);
  const onKey = (event: KeyboardEvent) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    open();
  };
  return html`<mark class=${severity} role="button" tabindex="0" title=${strings.marked(strings.severity[severity])}
    data-advice=${adviceId} @click=${open} @keydown=${onKey}>${text}</mark>`;
}
