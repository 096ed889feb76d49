// Where files come in: dropped, chosen, or a folder on the server.

import { html, nothing, type TemplateResult } from "lit";
import type { Limits } from "../api";
import type { Words } from "../words";

export interface IntakeView {
  words: Words;
  limits: Limits;
  over: boolean;
  /** 0 to 1 while files go up, null otherwise. */
  sent: number | null;
  trouble: string;
  onOver: (over: boolean) => void;
  onFiles: (files: File[]) => void;
  onStop: () => void;
  onFolder: (folder: string) => void;
}

export function intakeView(view: IntakeView): TemplateResult {
  const { words, limits } = view;
  const dropped = (event: DragEvent) => {
    event.preventDefault();
    view.onOver(false);
    view.onFiles([...(event.dataTransfer?.files ?? [])]);
  };
  const chosen = (event: Event) => {
    const input = event.target as HTMLInputElement;
    view.onFiles([...(input.files ?? [])]);
    // The same file may be chosen once more.
    input.value = "";
  };
  return html`
    <div
      class="drop ${view.over ? "over" : ""}"
      @dragover=${(event: DragEvent) => {
        event.preventDefault();
        view.onOver(true);
      }}
      @dragleave=${() => view.onOver(false)}
      @drop=${dropped}
    >
      ${view.sent === null
        ? html`<p>${words.drop}</p>
            <label>${words.choose}<input type="file" multiple @change=${chosen} /></label>
            <p class="quiet">${words.limits(Math.floor(limits.upload_bytes / 2 ** 20), limits.upload_files, limits.keep_days)}</p>`
        : html`<p>${words.sending}</p>
            <progress max="1" .value=${view.sent} aria-label=${words.sending}></progress>
            <button type="button" @click=${view.onStop}>${words.stopSending}</button>`}
    </div>
    <p class="trouble" role="alert">${view.trouble}</p>
    ${limits.folder
      ? html`<form
          class="row"
          @submit=${(event: SubmitEvent) => {
            event.preventDefault();
            view.onFolder(new FormData(event.target as HTMLFormElement).get("folder") as string);
          }}
        >
          <label class="grow">${words.folder}<input name="folder" required placeholder=${words.folderHint} /></label>
          <button>${words.useFolder}</button>
        </form>`
      : nothing}
  `;
}
