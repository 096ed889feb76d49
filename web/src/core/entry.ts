// How a page begins: in demo mode by itself, otherwise with a form that asks for a credential.

import { Refused } from "./http";
import { demoSession, type DemoSession } from "./session";

export interface EntryWords {
  title: string;
  hint: string;
  credential: string;
  open: string;
  refused: string;
  offline: string;
}

/**
 * Show the page with a credential; `show` returns what fills `main`, or throws `Refused`.
 * In demo mode the visitor's `token` is taken.
 */
export async function enter(
  main: HTMLElement,
  words: EntryWords,
  show: (credential: string) => Promise<HTMLElement>,
  token: (session: DemoSession) => string = (session) => session.sidebar_token,
): Promise<void> {
  const open = async (credential: string) => {
    const page = await show(credential);
    document.body.className = "playground";
    main.replaceChildren(page);
  };
  try {
    await open(token(await demoSession()));
  } catch {
    document.body.className = "alone";
    const form = entryForm(words, open);
    main.replaceChildren(form);
    form.querySelector("input")?.focus();
  }
}

function entryForm(words: EntryWords, open: (credential: string) => Promise<void>): HTMLFormElement {
  const form = document.createElement("form");
  const title = document.createElement("h1");
  title.textContent = words.title;
  const hint = document.createElement("p");
  hint.textContent = words.hint;
  const label = document.createElement("label");
  const input = document.createElement("input");
  Object.assign(input, { type: "password", name: "credential", required: true, autocomplete: "off" });
  label.append(words.credential, input);
  const trouble = document.createElement("p");
  trouble.setAttribute("role", "alert");
  const button = document.createElement("button");
  button.textContent = words.open;
  form.append(title, hint, label, trouble, button);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await open(input.value.trim());
    } catch (error) {
      const reached = error instanceof Refused && error.status > 0;
      trouble.textContent = reached ? words.refused : words.offline;
    }
  });
  return form;
}
