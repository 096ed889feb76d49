// The page: gets a credential (in demo mode by itself), then shows the reviews.

import { enter } from "../core/entry";
import { languageOf } from "../core/strings";
import { Api } from "./api";
import { Reviews } from "./element";
import { wordsFor } from "./words";

const query = new URLSearchParams(location.search);
const language = languageOf(query.get("lang"), navigator.language);
const words = wordsFor(language);
const main = document.querySelector("main") as HTMLElement;
document.documentElement.lang = language;
document.title = words.title;

void enter(main, { title: words.title, ...words.login, offline: words.offline }, async (credential, renew) => {
  const api = new Api(credential, () => renew((other) => new Api(other).list()));
  const reviews = new Reviews();
  reviews.listing = await api.list();
  reviews.language = language;
  reviews.api = api;
  return reviews;
});
