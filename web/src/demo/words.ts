// What the demo page says, Chinese first.

import type { Language } from "../core/strings";

export interface Words {
  title: string;
  subtitle: string;
  agentName: string;
  calls: string;
  freeCall: string;
  freeSummary: string;
  play: string;
  pause: string;
  resume: string;
  hangUp: string;
  mute: string;
  unmute: string;
  speed: string;
  idle: string;
  ringing: string;
  talking: string;
  paused: string;
  ended: string;
  say: string;
  placeholder: Record<"agent" | "customer", string>;
  send: string;
  speakAs: string;
  agent: string;
  customer: string;
  microphone: string;
  microphoneFailed: (reason: string) => string;
  tryThese: string;
  industry: Record<string, string>;
  slots: Record<string, string>;
  notDemo: string;
}

const chinese: Words = {
  title: "话术辅导演示",
  subtitle: "左边是一部模拟软电话，右边是坐席看到的侧栏。播放的是我们写的样例通话，实时走完整条链路。",
  agentName: "演示坐席",
  calls: "样例通话",
  freeCall: "自由通话",
  freeSummary: "不播放样例，自己打字或说话试试。",
  play: "播放",
  pause: "暂停",
  resume: "继续",
  hangUp: "挂断",
  mute: "静音",
  unmute: "取消静音",
  speed: "播放速度",
  idle: "待机",
  ringing: "等待播放",
  talking: "通话中",
  paused: "已暂停",
  ended: "已挂断",
  say: "自己说一句",
  placeholder: { agent: "以客服身份打字，边打边检查，回车结束这句", customer: "以客户身份打字，回车结束这句" },
  send: "说完",
  speakAs: "说话人",
  agent: "客服",
  customer: "客户",
  microphone: "用麦克风说",
  microphoneFailed: (reason) => `语音识别不可用：${reason}`,
  tryThese: "试试这些",
  industry: {
    telecom: "电信",
    bank: "银行",
    securities: "证券",
    insurance: "保险",
    "e-commerce": "电商",
    express: "快递",
    travel: "出行",
    internal: "内部",
  },
  slots: { org: "单位", agent_number: "工号", customer_name: "客户", department: "部门", deadline: "时限" },
  notDemo: "服务没有以演示模式启动。请用 coach serve --demo 启动后再打开本页。",
};

const english: Words = {
  title: "Call coaching demo",
  subtitle: "On the left a simulated softphone, on the right what the agent sees. The sample calls are our own and take the whole live path.",
  agentName: "Demo agent",
  calls: "Sample calls",
  freeCall: "Free call",
  freeSummary: "No sample: type or speak yourself.",
  play: "Play",
  pause: "Pause",
  resume: "Resume",
  hangUp: "Hang up",
  mute: "Mute",
  unmute: "Unmute",
  speed: "Speed",
  idle: "Idle",
  ringing: "Ready",
  talking: "In call",
  paused: "Paused",
  ended: "Ended",
  say: "Say something",
  placeholder: {
    agent: "Type as the agent; checked while you type, Enter ends the sentence",
    customer: "Type as the customer; Enter ends the sentence",
  },
  send: "Done",
  speakAs: "Speaker",
  agent: "Agent",
  customer: "Customer",
  microphone: "Use the microphone",
  microphoneFailed: (reason) => `Speech recognition failed: ${reason}`,
  tryThese: "Try these",
  industry: {
    telecom: "Telecom",
    bank: "Bank",
    securities: "Securities",
    insurance: "Insurance",
    "e-commerce": "E-commerce",
    express: "Express",
    travel: "Travel",
    internal: "Internal",
  },
  slots: { org: "Company", agent_number: "Agent no.", customer_name: "Customer", department: "Department", deadline: "Deadline" },
  notDemo: "The service was not started in demo mode. Start it with coach serve --demo and open this page again.",
};

export function wordsFor(language: Language): Words {
  return language === "en" ? english : chinese;
}
