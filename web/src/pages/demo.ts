// The demo: a softphone that produces a call, and the sidebar that coaches it. They meet only in the service.

import { languageOf } from "../core/strings";
import { Producer } from "../demo/producer";
import type { CallListing } from "../demo/script";
import { demoSession, type DemoSession } from "../core/session";
import { DemoSoftphone } from "../demo/softphone";
import { wordsFor } from "../demo/words";
import { CoachSidebar } from "../sidebar/element";

const query = new URLSearchParams(location.search);
const language = languageOf(query.get("lang"), navigator.language);
const words = wordsFor(language);
const main = document.querySelector("main") as HTMLElement;
document.documentElement.lang = language;
document.title = words.title;

async function begin(): Promise<void> {
  let session: DemoSession;
  try {
    session = await demoSession();
  } catch {
    const apology = document.createElement("p");
    apology.className = "apology";
    apology.textContent = words.notDemo;
    main.replaceChildren(apology);
    return;
  }
  const softphone = new DemoSoftphone();
  softphone.language = language;
  const given = new Map<keyof DemoSession, string>();
  let coming: Promise<void> | null = null;
  /** A token of the session; once it is refused, of a new one, which is another agent's: both sides go on as him. */
  const token = async (which: "sidebar_token" | "producer_token", renew: boolean) => {
    // Both are refused at about the same time: who comes second finds the new session there.
    if (renew && given.get(which) === session[which]) {
      coming ??= demoSession(session)
        .then((next) => {
          session = next;
          producer.become(next.agent_id);
          sidebar.agentId = next.agent_id;
        })
        .finally(() => (coming = null));
      await coming;
    }
    given.set(which, session[which]);
    return session[which];
  };
  const producer = new Producer({
    agentId: session.agent_id,
    team: "demo",
    agentName: words.agentName,
    getToken: ({ renew }) => token("producer_token", renew),
    onTrouble: (text) => (softphone.trouble = text),
  });
  softphone.producer = producer;
  const sidebar = new CoachSidebar();
  sidebar.agentId = session.agent_id;
  sidebar.language = language;
  sidebar.getToken = ({ renew }) => token("sidebar_token", renew);
  const panel = document.createElement("div");
  panel.className = "panel";
  panel.append(sidebar);
  const more = document.createElement("nav");
  for (const [path, chinese, english] of [
    ["/wallboard", "班组看板：看正在进行的通话，提醒坐席", "Wallboard: watch running calls, whisper to the agent"],
    ["/playground", "试验场：试一句话，改一条规则", "Playground: try a sentence, edit a rule"],
    ["/reviews", "录音质检：上传转写，看报告", "Reviews: upload transcripts, read the report"],
  ] as const) {
    const link = document.createElement("a");
    link.href = language === "en" ? `${path}?lang=en` : path;
    link.textContent = language === "en" ? english : chinese;
    more.append(link);
  }
  main.replaceChildren(softphone, panel, more);
  // Removed it hangs up: a page that is closed leaves no call behind on the wallboard.
  addEventListener("pagehide", () => softphone.remove());
  const listing = await fetch(`${import.meta.env.BASE_URL}calls/index.json`);
  if (listing.ok) softphone.calls = (await listing.json()) as CallListing[];
}

void begin();
