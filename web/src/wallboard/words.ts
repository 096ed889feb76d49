// What the wallboard says, Chinese first. Cards come from the service and are not translated.

import type { Trouble } from "../core/connection";
import type { Language } from "../core/strings";
import type { BlindReason, Mood, Outcome, Severity } from "../core/wire";

export interface Words {
  title: string;
  language: string;
  theme: { label: string; system: string; light: string; dark: string };
  login: { hint: string; credential: string; open: string; refused: string; ended: string };
  offline: string;
  team: string;
  teamHint: string;
  openTeam: string;
  signIn: string;
  state: { connecting: string; live: string; retrying: string; offline: string };
  trouble: Record<Exclude<Trouble, "none">, string>;
  sound: string;
  rates: { heading: string; calls: string; alerts: string; adoption: string; falseAlarms: string };
  ratesHint: { alerts: string; adoption: (taken: number, cards: number) => string; falseAlarms: string };
  calls: (running: number) => string;
  columns: { risk: string; agent: string; time: string; customer: string; stage: string; cards: string; last: string };
  filter: { label: string; all: string; warning: string; violation: string; escalated: string };
  none: string;
  noneHint: string;
  filtered: string;
  level: { low: string; look: string; hand: string };
  mood: Record<Mood, string>;
  severity: Record<Severity, string>;
  outcome: Record<Outcome, string>;
  stageOf: (stage: string | null, next: string | null) => string;
  escalated: string;
  blind: string;
  blindReason: Record<BlindReason, string>;
  ended: string;
  unheeded: (count: number) => string;
  reason: (code: string, count: number, words: string) => string;
  alerts: string;
  noAlerts: string;
  open: (agent: string) => string;
  close: string;
  reasons: string;
  transcript: string;
  cards: string;
  noCards: string;
  say: string;
  waiting: string;
  over: string;
  whisper: { heading: string; hint: string; placeholder: string; send: string; left: (letters: number) => string; lost: string; seen: string };
  whisperState: { sending: string; sent: string; read: string; failed: string };
  notes: readonly string[];
  announce: (agent: string, title: string) => string;
}

const chinese: Words = {
  title: "班组看板",
  language: "English",
  theme: { label: "外观", system: "跟随系统", light: "浅色", dark: "深色" },
  login: {
    hint: "请输入班长令牌，或角色为 supervisor 的 API 密钥。",
    credential: "令牌或密钥",
    open: "打开看板",
    refused: "令牌或密钥无效，或角色不对",
    ended: "登录已失效，请重新登录",
  },
  offline: "连不上服务，请检查网络",
  team: "班组",
  teamHint: "要看哪个班组？填通话接入时使用的班组编号。",
  openTeam: "打开",
  signIn: "换个令牌登录",
  state: { connecting: "连接中", live: "实时", retrying: "重连中", offline: "未连接" },
  trouble: {
    unauthorized: "登录已失效，请重新登录",
    forbidden: "没有权限查看这个班组，请联系管理员",
    origin: "此页面来源未授权，请联系管理员",
    network: "网络不稳，正在重连；下面是断开前的情况",
  },
  sound: "升级提示音",
  rates: { heading: "今日", calls: "通话", alerts: "百句提醒", adoption: "采纳率", falseAlarms: "误报反馈" },
  ratesHint: {
    alerts: "每 100 句坐席话里的提醒和禁用语",
    adoption: (taken, cards) => `${cards} 条建议，采纳或补救 ${taken} 条`,
    falseAlarms: "坐席点了“误报”的次数",
  },
  calls: (running) => `进行中 ${running}`,
  columns: { risk: "风险", agent: "坐席", time: "时长", customer: "客户", stage: "阶段", cards: "提醒", last: "最近一条" },
  filter: { label: "筛选", all: "全部", warning: "有提醒", violation: "有禁用语", escalated: "只看升级" },
  none: "没有进行中的通话",
  noneHint: "坐席接起电话后自动出现",
  filtered: "没有符合筛选的通话",
  level: { low: "平稳", look: "关注", hand: "介入" },
  mood: { calm: "平静", upset: "不满", critical: "激烈" },
  severity: { notice: "建议", warning: "提醒", violation: "禁用语" },
  outcome: { adopted: "已采纳", repaired: "已补救", repeated: "又说了一次" },
  stageOf: (stage, next) => (next ? `${stage ?? ""} → ${next}` : (stage ?? "")),
  escalated: "升级",
  blind: "看不到转写",
  blindReason: {
    "no-transcript": "一直没有收到转写",
    "unknown-speaker": "转写没有标明谁在说话",
    "rejected-frames": "部分转写未被接收",
  },
  ended: "已结束",
  unheeded: (count) => `${count} 条未采纳`,
  reason: (_code, _count, words) => words,
  alerts: "提醒",
  noAlerts: "还没有提醒",
  open: (agent) => `查看${agent}的通话`,
  close: "关闭",
  reasons: "为什么",
  transcript: "通话转写",
  cards: "本通建议",
  noCards: "没有待处理的建议",
  say: "可以说",
  waiting: "正在取通话……",
  over: "通话已结束",
  whisper: {
    heading: "悄悄提醒坐席",
    hint: "只有坐席看得到，客户听不到",
    placeholder: "写一句话，最多 60 字",
    send: "发送",
    left: (letters) => `还可写 ${letters} 字`,
    lost: "服务没有确认收到，坐席可能看不到",
    seen: "知道了",
  },
  whisperState: { sending: "发送中", sent: "已送出", read: "坐席已读", failed: "没有送出" },
  notes: ["先致歉，听客户说完再解释", "语速放慢一点，别急", "需要我接手请示意"],
  announce: (agent, title) => `${agent} 的通话升级：${title}`,
};

const english: Words = {
  title: "Team wallboard",
  language: "中文",
  theme: { label: "Theme", system: "System", light: "Light", dark: "Dark" },
  login: {
    hint: "Enter a supervisor's token, or an API key of the role supervisor.",
    credential: "Token or key",
    open: "Open the wallboard",
    refused: "The token or key is not valid, or of another role",
    ended: "Session expired; sign in again",
  },
  offline: "The service cannot be reached; check the network",
  team: "Team",
  teamHint: "Which team? Enter its id as the calls have it.",
  openTeam: "Open",
  signIn: "Sign in with another token",
  state: { connecting: "Connecting", live: "Live", retrying: "Reconnecting", offline: "Offline" },
  trouble: {
    unauthorized: "Session expired; sign in again",
    forbidden: "Not allowed for this team; ask your administrator",
    origin: "This page's origin is not allowed; ask your administrator",
    network: "Network trouble, reconnecting; below is how it was before",
  },
  sound: "Sound on escalation",
  rates: { heading: "Today", calls: "Calls", alerts: "Alerts / 100", adoption: "Adoption", falseAlarms: "False alarms" },
  ratesHint: {
    alerts: "Reminders and forbidden words in 100 utterances of the agents",
    adoption: (taken, cards) => `${cards} suggestions, ${taken} adopted or made up for`,
    falseAlarms: "How often agents said “false alarm”",
  },
  calls: (running) => `${running} running`,
  columns: { risk: "Risk", agent: "Agent", time: "Time", customer: "Customer", stage: "Stage", cards: "Cards", last: "Latest" },
  filter: { label: "Filter", all: "All", warning: "Reminders", violation: "Forbidden", escalated: "Escalated only" },
  none: "No running calls",
  noneHint: "They appear by themselves",
  filtered: "No call passes the filter",
  level: { low: "steady", look: "look", hand: "step in" },
  mood: { calm: "calm", upset: "upset", critical: "angry" },
  severity: { notice: "Tip", warning: "Reminder", violation: "Do not say" },
  outcome: { adopted: "adopted", repaired: "made up for", repeated: "said again" },
  stageOf: (stage, next) => (next ? `${stage ?? ""} → ${next}` : (stage ?? "")),
  escalated: "Escalated",
  blind: "No transcript",
  blindReason: {
    "no-transcript": "No transcript is arriving",
    "unknown-speaker": "The transcript does not say who speaks",
    "rejected-frames": "Some of the transcript was refused",
  },
  ended: "Ended",
  unheeded: (count) => `${count} ignored`,
  reason: (code, count, words) => REASONS[code]?.(count) ?? words,
  alerts: "Alerts",
  noAlerts: "No alerts yet",
  open: (agent) => `Open the call of ${agent}`,
  close: "Close",
  reasons: "Why",
  transcript: "Transcript",
  cards: "Suggestions of this call",
  noCards: "No open suggestions",
  say: "Say",
  waiting: "Fetching the call…",
  over: "The call is over",
  whisper: {
    heading: "Whisper to the agent",
    hint: "Only the agent sees it, the customer hears nothing",
    placeholder: "One sentence, at most 60 characters",
    send: "Send",
    left: (letters) => `${letters} left`,
    lost: "The service did not confirm it; the agent may not see it",
    seen: "Got it",
  },
  whisperState: { sending: "sending", sent: "sent", read: "read by the agent", failed: "not sent" },
  notes: ["先致歉，听客户说完再解释", "语速放慢一点，别急", "需要我接手请示意"],
  announce: (agent, title) => `The call of ${agent} needs you: ${title}`,
};

const REASONS: Record<string, (count: number) => string> = {
  "customer-critical": () => "customer is angry",
  "customer-upset": () => "customer is upset",
  "escalation-risk": () => "customer demands escalation",
  "churn-risk": () => "customer may leave",
  violations: (count) => `${count} forbidden`,
  "violations-made-up": (count) => `${count} forbidden, made up for`,
  unheeded: (count) => `${count} ignored`,
  blind: () => "transcript incomplete",
};

export function wordsFor(language: Language): Words {
  return language === "en" ? english : chinese;
}
