// A visitor's session of the demo. The service offers it only when it was started with --demo.

import { baseUrl } from "./socket";

export interface DemoSession {
  agent_id: string;
  sidebar_token: string;
  producer_token: string;
  /** Of a supervisor of the team that all demo calls belong to. */
  supervisor_token: string;
}

/**
 * Ask for a new session; throws with the HTTP status when the service is not in demo mode. The calls of the `former`
 * one, whose tokens have ended, are ended by the service.
 */
export async function demoSession(former?: DemoSession): Promise<DemoSession> {
  const headers: HeadersInit = former ? { Authorization: `Bearer ${former.producer_token}` } : {};
  const answer = await fetch(new URL("/demo/session", baseUrl("")), { method: "POST", headers });
  if (!answer.ok) throw new Error(`POST /demo/session: HTTP ${answer.status}`);
  return (await answer.json()) as DemoSession;
}
