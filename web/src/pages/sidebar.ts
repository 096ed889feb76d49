// The stand-alone panel: in a popup, in a frame of an agent desktop, or in a tab of its own.
// The token comes from the window that opened or embeds this one (see floating.ts), or from a form.

import { languageOf, stringsFor } from "../core/strings";
import { CoachSidebar } from "../sidebar/element";

const HOST_ANSWERS_WITHIN_MS = 1_500;
const MIRRORED = ["ready", "advice", "moment", "feedback", "undo", "adopted", "dismiss", "error"].map((name) => `coach-${name}`);

interface HostSession {
  coach: 1;
  type: "session";
  agent_id: string;
  token: string;
  lang?: string;
}

const query = new URLSearchParams(location.search);
const language = languageOf(query.get("lang"), navigator.language);
const main = document.querySelector("main") as HTMLElement;
document.documentElement.lang = language;

function isSession(value: unknown): value is HostSession {
  const session = value as Partial<HostSession> | null;
  return (
    session?.coach === 1 &&
    session.type === "session" &&
    typeof session.agent_id === "string" &&
    typeof session.token === "string"
  );
}

/** Ask the window around or behind us for a session; null when there is none or it stays silent. */
function askHost(renew: boolean): Promise<{ session: HostSession; origin: string } | null> {
  const host = hostWindow();
  if (!host) return Promise.resolve(null);
  return new Promise((resolve) => {
    const finish = (answer: { session: HostSession; origin: string } | null) => {
      removeEventListener("message", hear);
      clearTimeout(patience);
      resolve(answer);
    };
    const hear = ({ source, data, origin }: MessageEvent) => {
      if (source === host && isSession(data)) finish({ session: data, origin });
    };
    const patience = setTimeout(() => finish(null), HOST_ANSWERS_WITHIN_MS);
    addEventListener("message", hear);
    // Carries no secret, so any listener may read it; the answer is what matters.
    host.postMessage({ coach: 1, type: "session?", renew }, "*");
  });
}

function hostWindow(): Window | null {
  return window.parent !== window ? window.parent : (window.opener as Window | null);
}

function show(agentId: string, lang: string, getToken: (options: { renew: boolean }) => Promise<string>): CoachSidebar {
  const panel = new CoachSidebar();
  panel.agentId = agentId;
  panel.language = lang;
  panel.shortcuts = "window";
  panel.getToken = getToken;
  panel.theme = query.get("theme") ?? "";
  main.replaceChildren(panel);
  return panel;
}

function askAgent(): void {
  const words =
    language === "en"
      ? { agent: "Agent id", token: "Sidebar token", open: "Open" }
      : { agent: "坐席编号", token: "侧栏令牌", open: "打开" };
  const form = document.createElement("form");
  const title = document.createElement("h1");
  title.textContent = stringsFor(language).region;
  form.append(title);
  const field = (name: string, label: string, value: string, type: string) => {
    const input = document.createElement("input");
    Object.assign(input, { name, value, type, required: true, autocomplete: "off" });
    const wrapper = document.createElement("label");
    wrapper.append(label, input);
    form.append(wrapper);
    return input;
  };
  const agent = field("agent", words.agent, query.get("agent_id") ?? "", "text");
  const token = field("token", words.token, "", "password");
  const open = document.createElement("button");
  open.textContent = words.open;
  form.append(open);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const given = token.value;
    show(agent.value, language, async () => given);
  });
  main.replaceChildren(form);
}

async function begin(): Promise<void> {
  const answer = await askHost(false);
  if (answer) {
    const { session, origin } = answer;
    let ready: string | null = session.token;
    const panel = show(session.agent_id, session.lang ?? language, async ({ renew }) => {
      if (ready !== null && !renew) {
        const token = ready;
        ready = null;
        return token;
      }
      const again = await askHost(renew);
      if (!again) throw new Error("the host page gave no token");
      return again.session.token;
    });
    for (const name of MIRRORED) {
      panel.addEventListener(name, (event) => {
        const { detail } = event as CustomEvent<unknown>;
        hostWindow()?.postMessage({ coach: 1, type: name, detail }, origin);
      });
    }
    return;
  }
  askAgent();
}

void begin();
