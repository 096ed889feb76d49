// One review: what was recognised and who is the agent, how far it is, what came of it.

import { html, nothing, type TemplateResult } from "lit";
import type { Language } from "../../core/strings";
import type { Label, Look, Options, Review } from "../api";
import { sizeOf, timeOf, type Words } from "../words";

export interface ReviewView {
  words: Words;
  language: Language;
  review: Review;
  /** Somebody has pressed "delete" once. */
  sure: boolean;
  trouble: string;
  onStart: (options: Options | null) => void;
  onRemove: () => void;
  onOpen: () => void;
  onDownload: (file: string) => void;
}

const SHOWN_FILES = 50;

export function reviewView(view: ReviewView): TemplateResult {
  const { words, review } = view;
  const unfinished = review.state === "queued" || review.state === "running";
  return html`
    <div class="head">
      <h2 id="review">${review.title}</h2>
      <span class="state">${words.state[review.state]}</span>
      <span class="quiet">${words.files(review.file_count, sizeOf(review.size))}</span>
    </div>
    <p class="trouble" role="alert">${view.trouble}</p>
    ${review.problem ? html`<p class="bad message">${review.problem}</p>` : nothing}
    ${unfinished ? progressView(view) : nothing} ${review.state === "received" ? setupView(view) : nothing}
    ${review.state === "finished" ? resultView(view) : nothing}
    <div class="row">
      ${review.state === "failed" || review.state === "cancelled"
        ? html`<button type="button" class="primary" @click=${() => view.onStart(null)}>${words.again}</button>`
        : nothing}
      <button type="button" class="remove" @click=${view.onRemove}>
        ${unfinished ? words.cancel : view.sure ? words.reallyRemove : words.remove}
      </button>
    </div>
  `;
}

function progressView({ words, language, review }: ReviewView): TemplateResult {
  const progress = review.progress;
  if (!progress) return html`<p>${review.state === "queued" ? words.waiting : nothing}</p>
    <progress aria-label=${words.progress}></progress>`;
  const facts = [
    `${Math.floor(progress.done * 100)} %`,
    words.done(progress.calls, progress.rejects),
    ...(progress.calls_per_second ? [words.speed(Math.round(progress.calls_per_second))] : []),
    ...(progress.seconds_left !== null ? [words.left(timeOf(progress.seconds_left, language))] : []),
  ];
  return html`<progress max="1" .value=${progress.done} aria-label=${words.progress}></progress>
    <p class="facts">${facts.join(" · ")}</p>`;
}

function setupView(view: ReviewView): TemplateResult {
  const { words, review } = view;
  if (review.look === null) return html`<p>${words.looking}</p>`;
  // The same speakers are in many files; whoever said something first is shown.
  const labels = new Map<string, Label>();
  for (const each of review.look.flatMap((look) => look.labels)) if (!labels.has(each.label)) labels.set(each.label, each);
  const submitted = (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.target as HTMLFormElement);
    view.onStart({
      agent_is: form.getAll("agent") as string[],
      customer_is: form.getAll("customer") as string[],
      since: (form.get("since") as string) ?? "",
      anonymous: form.has("anonymous"),
      lang: view.language === "en" ? "en" : "zh",
    });
  };
  return html`
    <h3>${words.recognised}</h3>
    <div class="scroll" tabindex="0" role="group" aria-label=${words.recognised}>
      <table>
        <thead>
          <tr>
            <th scope="col">${words.columns.file}</th>
            <th scope="col">${words.columns.format}</th>
            <th scope="col">${words.columns.calls}</th>
            <th scope="col">${words.columns.speakers}</th>
          </tr>
        </thead>
        <tbody>
          ${review.look.slice(0, SHOWN_FILES).map((look) => lookView(words, look))}
        </tbody>
      </table>
    </div>
    <form class="ask" @submit=${submitted}>
      ${labels.size
        ? html`<fieldset>
            <legend>${words.whoIsAgent}</legend>
            <p class="quiet">${words.whoIsAgentHint}</p>
            ${[...labels.values()].map((label) => labelView(words, label))}
            <label class="check"><input type="checkbox" name="agent" value="first" />${words.first}</label>
          </fieldset>`
        : nothing}
      <fieldset>
        <legend>${words.options}</legend>
        <label class="check"><input type="checkbox" name="anonymous" .checked=${review.options.anonymous} />${words.anonymous}</label>
        <label class="check">${words.since}<input type="date" name="since" .value=${review.options.since} /></label>
      </fieldset>
      <div class="row"><button class="primary">${words.start}</button></div>
    </form>
  `;
}

function lookView(words: Words, look: Look): TemplateResult {
  const speakers = (["agent", "customer", "unknown"] as const)
    .filter((role) => look.speakers[role])
    .map((role) => `${words.roles[role]} ${look.speakers[role]}`);
  const encoding = ["xlsx", "unreadable"].includes(look.format) ? "" : `，${look.encoding.toUpperCase()}`;
  return html`<tr>
    <td>${look.file}</td>
    <td>${words.formats[look.format] ?? look.format}${encoding}</td>
    <td>
      ${look.partly ? words.atLeast(look.calls) : look.calls}
      ${look.rejects ? html`<details><summary class="bad">${words.rejects(look.rejects)}</summary>${look.problems.map((problem) => html`<p>${problem}</p>`)}</details>` : nothing}
    </td>
    <td>${speakers.join("，")}</td>
  </tr>`;
}

function labelView(words: Words, label: Label): TemplateResult {
  const customer = label.asks === "customer";
  return html`<label class="check">
    <input type="checkbox" name=${label.asks} value=${label.label} ?checked=${customer} />
    ${customer ? words.isCustomer(label.label) : words.isAgent(label.label)}
    <span class="quiet">${label.says.map((said) => `“${said}”`).join(" ")}</span>
  </label>`;
}

function resultView(view: ReviewView): TemplateResult {
  const { words, review } = view;
  const summary = review.summary;
  const hits = Object.values(summary?.severities ?? {}).reduce((sum, count) => sum + count, 0);
  const shares = summary && [
    [words.numbers.calls, summary.calls.toLocaleString()],
    [words.numbers.points, summary.mean_points === null ? "-" : summary.mean_points.toFixed(1)],
    [words.numbers.passed, summary.calls ? `${Math.round((100 * summary.passed) / summary.calls)}%` : "-"],
    [words.numbers.hits, hits.toLocaleString()],
    [words.numbers.rejects, summary.rejects.toLocaleString()],
  ];
  return html`
    <h3>${words.results}</h3>
    ${shares
      ? html`<dl class="numbers">
          ${shares.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}
        </dl>`
      : nothing}
    <div class="row">
      <button type="button" class="primary" @click=${view.onOpen}>${words.open}</button>
      ${review.downloads
        .filter((file) => file in words.outputs)
        .map(
          (file) => html`<button type="button" title=${file} @click=${() => view.onDownload(file)}>${words.outputs[file]}</button>`,
        )}
    </div>
  `;
}
