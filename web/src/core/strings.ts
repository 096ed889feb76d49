// Every word the panel says, Chinese first. Advice itself comes from the service and is not translated.

import type { BlindReason, Outcome, Severity } from "./wire";

export type Language = "zh-CN" | "en";

export interface Strings {
  readonly region: string;
  readonly advice: string;
  readonly transcript: string;
  readonly state: { connecting: string; live: string; retrying: string; offline: string };
  readonly trouble: { unauthorized: string; forbidden: string; origin: string; network: string };
  readonly noToken: string;
  readonly severity: Record<Severity, string>;
  readonly said: string;
  readonly bySound: string;
  readonly copy: string;
  readonly copied: string;
  readonly copyFailed: string;
  readonly useful: string;
  readonly falseAlarm: string;
  readonly snooze: string;
  readonly close: string;
  readonly next: (waiting: number) => string;
  readonly nextShort: (waiting: number) => string;
  readonly outcome: Record<Exclude<Outcome, "repeated">, string>;
  readonly listening: string;
  readonly listeningHint: string;
  readonly waitingForCall: string;
  readonly waitingHint: string;
  readonly ended: string;
  readonly endedHint: (taken: number, given: number) => string;
  readonly endedByTimeout: string;
  readonly whisper: string;
  readonly whisperFrom: (sender: string) => string;
  readonly whisperHeed: string;
  readonly snoozedHint: string;
  readonly falseAlarmHint: string;
  readonly thanks: string;
  readonly lost: string;
  readonly lostHint: string;
  readonly blind: string;
  readonly blindReason: Record<BlindReason, string>;
  readonly degraded: string;
  readonly degradedHint: string;
  readonly latest: string;
  readonly speaker: { agent: string; customer: string; unknown: string };
  readonly floating: string;
  readonly timer: string;
  readonly marked: (severity: string) => string;
  readonly announce: (severity: string, title: string, replacement: string) => string;
}

const chinese: Strings = {
  region: "话术辅导",
  advice: "建议",
  transcript: "通话转写",
  state: { connecting: "连接中", live: "已连接", retrying: "重连中", offline: "未连接" },
  trouble: {
    unauthorized: "登录已失效，正在重新获取",
    forbidden: "没有权限查看该坐席，请联系管理员",
    origin: "此页面来源未授权，请联系管理员",
    network: "网络不稳，正在重连",
  },
  noToken: "没有令牌：请设置 token 或 getToken",
  severity: { notice: "建议", warning: "提醒", violation: "禁用语" },
  said: "刚才说",
  bySound: "按读音识别",
  copy: "复制",
  copied: "已复制",
  copyFailed: "复制失败，请手动选择文字",
  useful: "有用",
  falseAlarm: "误报",
  snooze: "本通静音",
  close: "关闭",
  next: (waiting) => `还有 ${waiting} 条建议，看下一条`,
  nextShort: (waiting) => `还有 ${waiting} 条`,
  outcome: { adopted: "已采用", repaired: "已补救" },
  listening: "正在听",
  listeningHint: "需要时会在这里给您换个说法",
  waitingForCall: "等待来电",
  waitingHint: "通话开始后自动显示",
  ended: "通话结束",
  endedHint: (taken, given) => (given === 0 ? "本通没有需要换的说法" : `建议 ${given} 条，采用或补救 ${taken} 条`),
  endedByTimeout: "长时间没有转写，通话已由系统结束",
  whisper: "班长提醒",
  whisperFrom: (sender) => `来自 ${sender}`,
  whisperHeed: "知道了",
  snoozedHint: "好的，本通不再提示这一条",
  falseAlarmHint: "已记为误报，谢谢",
  thanks: "已记录，谢谢",
  lost: "重连中",
  lostHint: "连上后继续提示，通话不受影响",
  blind: "看不到转写",
  blindReason: {
    "no-transcript": "一直没有收到转写，暂时无法提示，通话照常进行",
    "unknown-speaker": "转写没有标明谁在说话，分清之前不提示",
    "rejected-frames": "部分转写格式不符、未被接收，请告知管理员",
  },
  degraded: "提示可能不全",
  degradedHint: "服务内部连接中断，恢复后自动补齐，通话照常进行",
  latest: "回到最新",
  speaker: { agent: "我", customer: "客户", unknown: "未知" },
  floating: "悬浮窗",
  timer: "通话时长",
  marked: (severity) => `${severity}，查看建议`,
  announce: (severity, title, replacement) => `${severity}：${title}。可以说：${replacement}`,
};

const english: Strings = {
  region: "Call coaching",
  advice: "Advice",
  transcript: "Transcript",
  state: { connecting: "Connecting", live: "Connected", retrying: "Reconnecting", offline: "Offline" },
  trouble: {
    unauthorized: "Session expired, signing in again",
    forbidden: "Not allowed for this agent; ask your administrator",
    origin: "This page's origin is not allowed; ask your administrator",
    network: "Network trouble, reconnecting",
  },
  noToken: "No token: set token or getToken",
  severity: { notice: "Tip", warning: "Reminder", violation: "Do not say" },
  said: "You said",
  bySound: "recognised by sound",
  copy: "Copy",
  copied: "Copied",
  copyFailed: "Could not copy; select the text by hand",
  useful: "Useful",
  falseAlarm: "False alarm",
  snooze: "Mute",
  close: "Close",
  next: (waiting) => `${waiting} more, show the next`,
  nextShort: (waiting) => `${waiting} more`,
  outcome: { adopted: "Adopted", repaired: "Repaired" },
  listening: "Listening",
  listeningHint: "A better wording appears here when it helps",
  waitingForCall: "Waiting for a call",
  waitingHint: "Starts by itself with the call",
  ended: "Call ended",
  endedHint: (taken, given) => (given === 0 ? "No wording to improve" : `${given} suggestions, ${taken} taken up`),
  endedByTimeout: "No transcript for a long time; the call was ended by the system",
  whisper: "From your supervisor",
  whisperFrom: (sender) => `by ${sender}`,
  whisperHeed: "Got it",
  snoozedHint: "Not shown again in this call",
  falseAlarmHint: "Noted as a false alarm, thank you",
  thanks: "Noted, thank you",
  lost: "Reconnecting",
  lostHint: "Advice resumes once connected; your call goes on",
  blind: "Cannot see the transcript",
  blindReason: {
    "no-transcript": "No transcript is arriving, so nothing can be suggested. The call itself goes on.",
    "unknown-speaker": "The transcript does not say who is speaking; no advice until it does.",
    "rejected-frames": "Some of the transcript is malformed and was refused; tell your administrator.",
  },
  degraded: "Advice may be incomplete",
  degradedHint: "The service lost an inner connection and catches up by itself; your call goes on.",
  latest: "Back to latest",
  speaker: { agent: "Me", customer: "Customer", unknown: "Unknown" },
  floating: "Floating window",
  timer: "Call time",
  marked: (severity) => `${severity}, show the advice`,
  announce: (severity, title, replacement) => `${severity}: ${title}. Say: ${replacement}`,
};

/** Chinese unless English is asked for, by the attribute or, without one, by the browser. */
export function languageOf(attribute: string | null | undefined, browser: string): Language {
  return /^en\b/i.test(attribute || browser) ? "en" : "zh-CN";
}

export function stringsFor(language: Language): Strings {
  return language === "en" ? english : chinese;
}
