// A word from the supervisor: calm, above the card, gone when it was acknowledged or after a minute.

import { html, nothing, type TemplateResult } from "lit";
import type { Whisper } from "../../core/call";
import type { Strings } from "../../core/strings";
import { person } from "../icons";

export interface WhisperProps {
  strings: Strings;
  whisper: Whisper | null;
  onHeed: (whisper: Whisper) => void;
}

export function whisper({ strings, whisper: shown, onHeed }: WhisperProps): TemplateResult {
  // The live region is there before its words, as screen readers demand.
  return html`<div class="whisper ${shown ? "" : "none"}" data-whisper=${shown?.note.id ?? ""}>
    <div class="word" role="status">
      ${shown
        ? html`${person}<span
              ><strong>${strings.whisper}</strong
              >${shown.note.sender ? html`<span class="from">${strings.whisperFrom(shown.note.sender)}</span>` : nothing}<span
                class="what"
                lang="zh-CN"
                >${shown.note.text}</span
              ></span
            >`
        : nothing}
    </div>
    ${shown ? html`<button class="heed" type="button" @click=${() => onHeed(shown)}>${strings.whisperHeed}</button>` : nothing}
  </div>`;
}
