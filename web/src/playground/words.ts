// What the playground says, Chinese first. Reasons and problems come from the service, in Chinese.

import type { Language } from "../core/strings";
import type { Severity } from "../core/wire";
import type { Stopper } from "./api";

export interface Words {
  title: string;
  demo: string;
  reviews: string;
  language: string;
  theme: { label: string; system: string; light: string; dark: string };
  rules: string;
  login: { title: string; hint: string; credential: string; open: string; refused: string; ended: string };
  offline: string;
  starting: string;
  sentence: string;
  text: string;
  textHint: string;
  customer: string;
  customerHint: string;
  speaker: string;
  speakers: { agent: string; customer: string };
  phase: string;
  phases: Record<string, string>;
  normalized: string;
  tokens: string;
  marked: string;
  nothing: string;
  typeSomething: string;
  withDraft: string;
  withoutDraft: string;
  patterns: string;
  bySound: string;
  softened: (names: string) => string;
  severity: Record<Severity, string>;
  letThrough: (by: string, because: string) => string;
  stoppers: Record<Stopper, string>;
  secondOpinion: string;
  notStable: (status: string) => string;
  card: string;
  signal: string;
  answerCard: string;
  instead: string;
  edit: string;
  fromDraft: string;
  moments: string;
  moment: Record<string, string>;
  editor: string;
  choose: string;
  chooseHint: string;
  noRule: string;
  template: string;
  yaml: string;
  problems: (count: number) => string;
  place: (line: number, column: number) => string;
  examples: (passed: number, all: number) => string;
  hits: string;
  misses: string;
  passed: string;
  failed: string;
  findings: string;
  loads: string;
  downloadRule: string;
  downloadFile: string;
  notWritten: string;
  effect: string;
  effectHint: string;
  lastCalls: string;
  show: string;
  working: string;
  source: { stored: (calls: number, turns: number) => string; sample: (calls: number, turns: number) => string };
  totals: (before: number, after: number) => string;
  appeared: (count: number) => string;
  vanished: (count: number) => string;
  none: string;
  turn: (number: number) => string;
  more: (count: number) => string;
}

const chinese: Words = {
  title: "话术试验场",
  demo: "演示",
  reviews: "录音质检",
  language: "English",
  theme: { label: "外观", system: "跟随系统", light: "浅色", dark: "深色" },
  rules: "规则集",
  login: {
    title: "话术试验场",
    hint: "给主管用：试一句话、改一条规则，看看会怎样。不会改动服务器上的规则。",
    credential: "API 密钥或主管令牌",
    open: "打开",
    refused: "密钥或令牌无效，或者没有权限",
    ended: "登录已失效，请重新登录",
  },
  offline: "连不上服务，请检查后再试",
  starting: "正在准备，第一次要几秒钟……",
  sentence: "试一句话",
  text: "坐席说的话，或整通电话",
  textHint: "例如：这个我不知道。整通电话每行一句：客服：…… 换行 客户：……",
  customer: "客户刚才说",
  customerHint: "可不填",
  speaker: "说话人",
  speakers: { agent: "客服", customer: "客户" },
  phase: "阶段",
  phases: { "": "不限", opening: "开场", identity: "核身", inquiry: "询问", handling: "处理", closing: "结束" },
  normalized: "规整后",
  tokens: "分词",
  marked: "命中",
  nothing: "没有规则命中，坐席看不到提示。",
  typeSomething: "打一句话，边打边看。",
  withDraft: "已按右边的规则判断",
  withoutDraft: "右边的规则有误，这里按服务器上的规则判断",
  patterns: "句式",
  bySound: "按读音命中：识别结果里是同音字",
  softened: (names) => `被修饰减轻：${names}`,
  severity: { notice: "提示", warning: "提醒", violation: "违规" },
  letThrough: (by, because) => `被${by}「${because}」放过`,
  stoppers: { exception: "例外", sentence: "句类", modifier: "修饰", context: "语境", opinion: "第二意见", phase: "阶段" },
  secondOpinion: "没有规则命中，是第二意见看整句得出的",
  notStable: (status) => `规则还在 ${status} 阶段，坐席看不到`,
  card: "坐席看到的卡片",
  signal: "客户信号",
  answerCard: "建议坐席这样应对",
  instead: "可以说",
  edit: "编辑这条规则",
  fromDraft: "右边这条",
  moments: "整通电话",
  moment: {
    "missing-greeting": "开场缺项",
    "missing-closing": "结束语缺失",
    "no-empathy-after-complaint": "抱怨后没有安抚",
    "repeated-question": "客户重复提问",
    commitment: "承诺",
    "customer-complaint": "客户抱怨",
    "churn-risk": "流失风险",
    "escalation-risk": "升级风险",
    adoption: "采纳",
  },
  editor: "改一条规则",
  choose: "规则",
  chooseHint: "选一条规则……",
  noRule: "选一条规则，点左边结果里的“编辑这条规则”，或者从模板新建。",
  template: "从模板新建",
  yaml: "规则（YAML）",
  problems: (count) => `${count} 处有误`,
  place: (line, column) => `第 ${line} 行第 ${column} 列`,
  examples: (passed, all) => `例句 ${passed}/${all} 通过`,
  hits: "应该命中",
  misses: "不该命中",
  passed: "通过",
  failed: "不过",
  findings: "检查（lint）",
  loads: "写法正确",
  downloadRule: "下载这条规则",
  downloadFile: "下载整个文件",
  notWritten: "本页不会改动服务器上的规则：下载后交给管理员放进规则目录。",
  effect: "对通话的影响",
  effectHint: "按现在的规则和右边的规则各查一遍，列出不同。不管规则处在哪个阶段，都按会提示来算。",
  lastCalls: "最近几通",
  show: "看看影响",
  working: "正在计算……",
  source: {
    stored: (calls, turns) => `服务器上最近 ${calls} 通电话，${turns} 句话`,
    sample: (calls, turns) => `服务器上还没有电话，用 ${calls} 通样例，${turns} 句话`,
  },
  totals: (before, after) => `这条规则的命中：${before} → ${after}`,
  appeared: (count) => `新增 ${count} 处`,
  vanished: (count) => `消失 ${count} 处`,
  none: "没有变化。",
  turn: (number) => `第 ${number} 句`,
  more: (count) => `还有 ${count} 处没有列出`,
};

const english: Words = {
  title: "Phrase playground",
  demo: "Demo",
  reviews: "Call reviews",
  language: "中文",
  theme: { label: "Appearance", system: "System", light: "Light", dark: "Dark" },
  rules: "Rule set",
  login: {
    title: "Phrase playground",
    hint: "For supervisors: try a sentence, edit a rule, see what would happen. The server's rules are not changed.",
    credential: "API key or supervisor's token",
    open: "Open",
    refused: "The key or token is not valid, or not allowed",
    ended: "Session expired; sign in again",
  },
  offline: "The service cannot be reached; check and try again",
  starting: "Getting ready; the first time takes some seconds…",
  sentence: "Try a sentence",
  text: "What the agent says, or a whole call",
  textHint: "For example: 这个我不知道. A whole call is one line per turn: 客服：… and 客户：…",
  customer: "The customer said before",
  customerHint: "optional",
  speaker: "Speaker",
  speakers: { agent: "Agent", customer: "Customer" },
  phase: "Phase",
  phases: { "": "Any", opening: "Opening", identity: "Identity", inquiry: "Inquiry", handling: "Handling", closing: "Closing" },
  normalized: "Normalised",
  tokens: "Words",
  marked: "Hits",
  nothing: "No rule matches; the agent sees nothing.",
  typeSomething: "Type a sentence and watch.",
  withDraft: "Judged with the rule on the right",
  withoutDraft: "The rule on the right has errors; judged with the rules on the server",
  patterns: "Patterns",
  bySound: "Found by sound: the recogniser wrote homophones",
  softened: (names) => `Softened by ${names}`,
  severity: { notice: "Notice", warning: "Warning", violation: "Violation" },
  letThrough: (by, because) => `Let through by ${by}: “${because}”`,
  stoppers: { exception: "an exception", sentence: "the sentence type", modifier: "a modifier", context: "the context", opinion: "the second opinion", phase: "the phase" },
  secondOpinion: "No rule found it: the second opinion judged the whole sentence",
  notStable: (status) => `The rule is still ${status}; agents do not see it`,
  card: "The card the agent sees",
  signal: "Customer signal",
  answerCard: "Suggested answer",
  instead: "Say instead",
  edit: "Edit this rule",
  fromDraft: "the one on the right",
  moments: "The whole call",
  moment: {
    "missing-greeting": "Greeting incomplete",
    "missing-closing": "No closing",
    "no-empathy-after-complaint": "No empathy after a complaint",
    "repeated-question": "Customer asks again",
    commitment: "Commitment",
    "customer-complaint": "Complaint",
    "churn-risk": "Churn risk",
    "escalation-risk": "Escalation risk",
    adoption: "Adopted",
  },
  editor: "Edit a rule",
  choose: "Rule",
  chooseHint: "Choose a rule…",
  noRule: "Choose a rule, press “Edit this rule” on the left, or begin with the template.",
  template: "New from template",
  yaml: "Rule (YAML)",
  problems: (count) => `${count} ${count === 1 ? "error" : "errors"}`,
  place: (line, column) => `Line ${line}, column ${column}`,
  examples: (passed, all) => `${passed} of ${all} examples pass`,
  hits: "Must hit",
  misses: "Must not hit",
  passed: "passes",
  failed: "fails",
  findings: "Lint",
  loads: "No errors",
  downloadRule: "Download this rule",
  downloadFile: "Download the whole file",
  notWritten: "This page never changes the server's rules: download, and have an administrator put the file into the rules folder.",
  effect: "Effect on calls",
  effectHint: "Checked once with the rules in force and once with the rule above; the differences are listed, whatever the rule's status.",
  lastCalls: "Last calls",
  show: "Show the effect",
  working: "Working…",
  source: {
    stored: (calls, turns) => `The last ${calls} calls on the server, ${turns} turns`,
    sample: (calls, turns) => `No calls on the server yet; ${calls} sample calls, ${turns} turns`,
  },
  totals: (before, after) => `Hits of this rule: ${before} → ${after}`,
  appeared: (count) => `${count} new`,
  vanished: (count) => `${count} gone`,
  none: "No change.",
  turn: (number) => `turn ${number}`,
  more: (count) => `${count} more are not listed`,
};

export function wordsFor(language: Language): Words {
  return language === "en" ? english : chinese;
}
