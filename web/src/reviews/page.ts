// The page: gets a credential (in demo mode by itself), then shows the reviews.

import { languageOf } from "../core/strings";
import { demoSession } from "../demo/session";
import { Api, Refused } from "./api";
import { Reviews } from "./element";
import { wordsFor } from "./words";

const query = new URLSearchParams(location.search);
const language = languageOf(query.get("lang"), navigator.language);
const words = wordsFor(language);
const main = document.querySelector("main") as HTMLElement;
document.documentElement.lang = language;
document.title = words.title;

async function show(api: Api): Promise<void> {
  const listing = await api.list();
  const reviews = new Reviews();
  reviews.language = language;
  reviews.api = api;
  reviews.listing = listing;
  document.body.className = "playground";
  main.replaceChildren(reviews);
}

function askCredential(): void {
  document.body.className = "alone";
  const form = document.createElement("form");
  const title = document.createElement("h1");
  title.textContent = words.title;
  const hint = document.createElement("p");
  hint.textContent = words.login.hint;
  const label = document.createElement("label");
  const input = document.createElement("input");
  Object.assign(input, { type: "password", name: "credential", required: true, autocomplete: "off" });
  label.append(words.login.credential, input);
  const trouble = document.createElement("p");
  trouble.setAttribute("role", "alert");
  const open = document.createElement("button");
  open.textContent = words.login.open;
  form.append(title, hint, label, trouble, open);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await show(new Api(input.value.trim()));
    } catch (error) {
      const reached = error instanceof Refused && error.status > 0;
      trouble.textContent = reached ? words.login.refused : words.offline;
    }
  });
  main.replaceChildren(form);
  input.focus();
}

async function begin(): Promise<void> {
  try {
    await show(new Api((await demoSession()).sidebar_token));
  } catch {
    askCredential();
  }
}

void begin();
