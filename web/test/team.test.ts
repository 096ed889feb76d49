import { describe, expect, it } from "vitest";
import { forgetSilent, holds, level, noOrder, noTeam, passes, reduceTeam, reorder, type Team } from "../src/core/team";
import type { AlertMessage, TeamCallMessage } from "../src/core/team-wire";
import { teamsOf } from "../src/wallboard/teams";

const call = (id: string, some: Partial<TeamCallMessage> = {}): TeamCallMessage => ({
  type: "team.call",
  call_id: id,
  agent_id: `a-${id}`,
  agent_name: "",
  started_at: "2026-01-01T08:00:00Z",
  stage: null,
  next: null,
  mood: "calm",
  risk: { score: 0, reasons: [] },
  counts: { notice: 0, warning: 0, violation: 0 },
  unheeded: 0,
  last_card: null,
  blind: [],
  escalated: false,
  ...some,
});

const risky = (id: string, score: number) => call(id, { risk: { score, reasons: [] } });

const alert = (id: string, some: Partial<AlertMessage> = {}): AlertMessage => ({
  type: "alert",
  id,
  call_id: "c1",
  agent_id: "a1",
  agent_name: "",
  severity: "warning",
  rule: "ignorance/bare",
  title: "换个说法",
  quote: "我不知道",
  at: "2026-01-01T08:00:00Z",
  at_ms: 0,
  escalated: false,
  ...some,
});

const heard = (...messages: Parameters<typeof reduceTeam>[1][]): Team =>
  messages.reduce<Team>((team, message) => reduceTeam(team, message, 0), noTeam);

describe("the team", () => {
  it("takes a call told again in place of what it knew", () => {
    const team = heard(risky("c1", 10), risky("c1", 40));
    expect([...team.calls.values()].map(({ message }) => message.risk.score)).toEqual([40]);
  });

  it("keeps calls of other workers that a snapshot does not have", () => {
    const team = heard(call("c1"), { type: "team.calls", team: "t", calls: [call("c2")], alerts: [] });
    expect([...team.calls.keys()]).toEqual(["c1", "c2"]);
  });

  it("holds a call for gone after half a minute of silence", () => {
    const team = heard(call("c1"));
    expect(forgetSilent(team, 29_000)).toBe(team);
    expect(forgetSilent(team, 30_000).calls.get("c1")?.endedAt).toBe(30_000);
  });

  it("brings an alert that escalates to the end and forgets one that was withdrawn", () => {
    const team = heard(alert("one"), alert("two"), alert("one", { escalated: true }));
    expect([...team.alerts.keys()]).toEqual(["two", "one"]);
    expect([...reduceTeam(team, { type: "alert.withdrawn", call_id: "c1", id: "two" }, 0).alerts.keys()]).toEqual(["one"]);
  });

  it("is the same after a message of a newer service", () => {
    const team = heard(call("c1"));
    expect(reduceTeam(team, { type: "weather" } as never, 1)).toBe(team);
  });
});

describe("the rows", () => {
  it("are sorted by risk, among equals the escalated first", () => {
    const team = heard(risky("low", 10), risky("high", 80), call("asks", { escalated: true, risk: { score: 10, reasons: [] } }));
    expect(reorder(noOrder, team, 0, false).order.ids).toEqual(["high", "asks", "low"]);
  });

  it("stay where they are for five seconds, new ones below", () => {
    const first = reorder(noOrder, heard(risky("one", 10), risky("two", 5)), 0, false);
    const later = reduceTeam(reduceTeam(first.team, risky("two", 90), 1), risky("three", 95), 1);
    expect(reorder(first.order, later, 4_900, false).order.ids).toEqual(["one", "two", "three"]);
    expect(reorder(first.order, later, 5_000, false).order.ids).toEqual(["three", "two", "one"]);
  });

  it("never move under a hand, ended ones neither", () => {
    const first = reorder(noOrder, heard(risky("one", 10), risky("two", 5)), 0, false);
    const later = reduceTeam(reduceTeam(first.team, risky("two", 90), 1), { type: "team.call_gone", call_id: "one", reason: "ended" }, 1);
    const held = reorder(first.order, later, 59_000, true);
    expect(held.order.ids).toEqual(["one", "two"]);
    const free = reorder(held.order, held.team, 60_000, false);
    expect([free.order.ids, [...free.team.calls.keys()]]).toEqual([["two"], ["two"]]);
  });

  it("of calls that ended a minute ago go even from under a hand", () => {
    const first = reorder(noOrder, heard(risky("one", 10), risky("two", 5)), 0, false);
    const later = reduceTeam(first.team, { type: "team.call_gone", call_id: "one", reason: "ended" }, 1);
    expect(reorder(first.order, later, 60_000, true).order.ids).toEqual(["one", "two"]);
    const after = reorder(first.order, later, 60_001, true);
    expect([after.order.ids, [...after.team.calls.keys()]]).toEqual([["two"], ["two"]]);
  });

  it("are let go of ten seconds after the last touch", () => {
    expect([holds(1_000, 10_999), holds(1_000, 11_000)]).toEqual([true, false]);
  });
});

describe("filters", () => {
  const warned = { message: call("c1", { counts: { notice: 0, warning: 1, violation: 0 } }), toldAt: 0, endedAt: null };

  it("let through what has at least such a card", () => {
    expect(passes(warned, { severity: "warning", escalated: false })).toBe(true);
    expect(passes(warned, { severity: "violation", escalated: false })).toBe(false);
    expect(passes(warned, { severity: "", escalated: true })).toBe(false);
  });
});

it("a risk of 30 asks for a look, one of 60 for a hand", () => {
  expect([29, 30, 59, 60].map(level)).toEqual(["low", "look", "look", "hand"]);
});

it("the teams of a token are read, of anything else there are none", () => {
  const token = (claims: object) => `h.${btoa(String.fromCharCode(...new TextEncoder().encode(JSON.stringify(claims)))).replaceAll("+", "-").replaceAll("/", "_")}.s`;
  expect(teamsOf(token({ teams: ["一组", "t2"] }))).toEqual(["一组", "t2"]);
  expect(teamsOf(token({ sub: "b" }))).toEqual([]);
  expect(teamsOf("coach_key")).toEqual([]);
  expect(teamsOf("a.!!.c")).toEqual([]);
});
