// What a hint says: what to do, and words for it. Never what was wrong; Chinese first.

import { isSafety } from "./guide";
import type { Language } from "./strings";
import type { MomentMessage, Motive, Mood, Signal, Stage } from "./wire";

export interface Hint {
  readonly title: string;
  /** Words to say, or a word more; "" when the title is enough. */
  readonly say: string;
}

export interface GuideStrings {
  readonly greeting: string;
  readonly greetingHint: string;
  readonly greetingDone: string;
  readonly secondsLeft: (seconds: number) => string;
  readonly said: string;
  readonly part: (part: string) => string;
  readonly strip: string;
  readonly stage: Record<Stage, { name: string; todo: string }>;
  readonly next: string;
  readonly done: string;
  readonly resting: string;
  readonly customer: string;
  readonly mood: Record<Mood, string>;
  readonly signal: Record<Signal, string>;
  readonly motive: Record<Motive, string>;
  readonly intent: (motive: string, settled: boolean) => string;
  readonly plainIntent: Record<Motive, string>;
  readonly commitments: string;
  readonly mustSays: string;
  readonly missed: string;
  readonly vague: string;
  readonly due: string;
  readonly by: (time: string) => string;
  readonly undo: string;
  readonly undoFeedback: string;
  readonly undoSnooze: string;
  readonly undone: string;
  readonly hint: (moment: MomentMessage) => Hint | null;
}

const PARTS: Readonly<Record<string, string>> = {
  问候: "Greeting",
  单位: "Company",
  工号: "ID",
  询问其他需求: "asking for further wishes",
  致谢或道别: "thanks or goodbye",
};

const chinese: GuideStrings = {
  greeting: "开场白",
  greetingHint: "先问好，报单位和工号",
  greetingDone: "开场完整",
  secondsLeft: (seconds) => `还有 ${seconds} 秒`,
  said: "已说",
  part: (part) => part,
  strip: "处理步骤",
  stage: {
    稳: { name: "稳住情绪", todo: "先表达歉意和理解" },
    问: { name: "问清诉求", todo: "复述并确认他想怎么解决" },
    动: { name: "动手解决", todo: "说清怎么办、什么时候办好" },
    传: { name: "传给主管", todo: "需要时请主管出面，说出是谁" },
    换: { name: "换来信任", todo: "感谢客户，留个好印象" },
  },
  next: "下一步",
  done: "五步都做到了",
  resting: "客户平稳，正常服务即可",
  customer: "客户状态",
  mood: { calm: "平稳", upset: "不满", critical: "很激动" },
  signal: { "customer-complaint": "投诉", "churn-risk": "流失风险", "escalation-risk": "升级风险", urgency: "着急" },
  motive: {
    venting: "先听他说",
    compensation: "要赔偿",
    contribution: "提建议",
    retaliation: "请重视",
    "help-seeking": "求解决",
    explicit: "要登记",
  },
  intent: (motive, settled) => `来意${settled ? "" : "（初判）"}：${motive}`,
  plainIntent: {
    venting: "心里有气，先听他说完",
    compensation: "要赔偿，先问清诉求",
    contribution: "提建议，感谢并记录",
    retaliation: "要重视，请尽快升级",
    "help-seeking": "求解决，给步骤和时间",
    explicit: "要投诉，登记并跟进",
  },
  commitments: "本通承诺",
  mustSays: "必说内容",
  missed: "未说",
  vague: "请说明具体时间",
  due: "时间到了",
  by: (time) => `${time} 前`,
  undo: "撤销",
  undoFeedback: "已标误报",
  undoSnooze: "本通已静音",
  undone: "已撤销",
  hint: (moment) => {
    const { kind, details, due } = moment;
    const missing = listed(details["missing"]).join("、");
    if (isSafety(details)) return { title: "客户提到伤害自己，请马上请主管介入", say: "我很担心您，我马上请主管跟您说。" };
    switch (kind) {
      case "missing-greeting":
        return { title: `补报${missing}`, say: "" };
      case "missing-closing":
        return { title: `收尾可以加上：${missing}`, say: "" };
      case "missing-must-say":
        return { title: `还没说：${String(details["part"] ?? "")}`, say: String(details["phrase"] ?? "") };
      case "interruption":
        return { title: "请让客户说完", say: "您请讲，我在听。" };
      case "long-silence":
        return { title: "静默有一会儿了，报一下进度", say: "您久等了，我还在核实。" };
      case "hold-without-notice":
        return details["missing"] === "等待后致谢"
          ? { title: "回来先致谢", say: "感谢您的耐心等待。" }
          : { title: "查询前先打招呼", say: "我查询一下，请您不要挂机。" };
      case "fast-speech":
        return { title: "请放慢语速", say: "关键数字分段说，说完停一下" };
      case "no-empathy-after-complaint":
        return { title: "先表达理解", say: "很抱歉给您带来麻烦，我来帮您处理。" };
      case "repeated-question":
        return details["by"] === "customer"
          ? { title: "客户又说了一遍，先复述", say: "我复述一下您的意思，您看对吗？" }
          : { title: "已问过，请核对记录", say: "我核对一下，您看对吗？" };
      case "dispute-loop":
        return { title: "先不争，解释一次就去查", say: "我先帮您查一下记录，再答复您。" };
      case "churn-risk":
        return { title: "客户想离开，先问原因", say: "方便告诉我原因吗？我看看能做些什么。" };
      case "escalation-risk":
        return { title: "稳住并给时限", say: "您有权反映，我同时为您加急处理。" };
      case "commitment":
        return due === true
          ? { title: "答应客户的时间到了", say: String(details["what"] ?? "") }
          : { title: "请说明具体时间", say: "您看我几点前给您答复合适？" };
      default:
        return null;
    }
  },
};

const english: GuideStrings = {
  greeting: "Greeting",
  greetingHint: "Greet, name company and agent number",
  greetingDone: "Greeting complete",
  secondsLeft: (seconds) => `${seconds} s left`,
  said: "said",
  part: (part) => PARTS[part] ?? part,
  strip: "Steps",
  stage: {
    稳: { name: "Calm", todo: "apologise and show understanding" },
    问: { name: "Ask", todo: "repeat and confirm what he wants" },
    动: { name: "Act", todo: "say what you will do and by when" },
    传: { name: "Escalate", todo: "bring in a supervisor by name if needed" },
    换: { name: "Thank", todo: "thank the customer" },
  },
  next: "Next",
  done: "All five steps taken",
  resting: "Customer calm, serve as usual",
  customer: "Customer",
  mood: { calm: "calm", upset: "upset", critical: "very upset" },
  signal: { "customer-complaint": "Complaint", "churn-risk": "May leave", "escalation-risk": "May escalate", urgency: "In a hurry" },
  motive: {
    venting: "listen first",
    compensation: "compensation",
    contribution: "suggestion",
    retaliation: "take seriously",
    "help-seeking": "wants help",
    explicit: "wants it filed",
  },
  intent: (motive, settled) => `Calls because${settled ? "" : " (first guess)"}: ${motive}`,
  plainIntent: {
    venting: "he is upset, hear him out",
    compensation: "wants compensation, ask what exactly",
    contribution: "has a suggestion, thank and note it",
    retaliation: "wants to be taken seriously, escalate",
    "help-seeking": "wants help, give steps and times",
    explicit: "wants to complain, file it",
  },
  commitments: "Promises",
  mustSays: "To be said",
  missed: "not said",
  vague: "Say a definite time",
  due: "Due now",
  by: (time) => `by ${time}`,
  undo: "Undo",
  undoFeedback: "Marked as false alarm",
  undoSnooze: "Muted for this call",
  undone: "Undone",
  hint: (moment) => {
    const { kind, details, due } = moment;
    const missing = listed(details["missing"]).map((part) => PARTS[part] ?? part).join(", ");
    if (isSafety(details)) return { title: "Talk of self-harm: bring in a supervisor now", say: "我很担心您，我马上请主管跟您说。" };
    switch (kind) {
      case "missing-greeting":
        return { title: `Still to say: ${missing}`, say: "" };
      case "missing-closing":
        return { title: `The closing could have: ${missing}`, say: "" };
      case "missing-must-say":
        return { title: `Not said: ${String(details["part"] ?? "")}`, say: String(details["phrase"] ?? "") };
      case "interruption":
        return { title: "Let the customer finish", say: "您请讲，我在听。" };
      case "long-silence":
        return { title: "A long silence: say how it is going", say: "您久等了，我还在核实。" };
      case "hold-without-notice":
        return details["missing"] === "等待后致谢"
          ? { title: "Thank for the wait", say: "感谢您的耐心等待。" }
          : { title: "Say so before a look-up", say: "我查询一下，请您不要挂机。" };
      case "fast-speech":
        return { title: "Speak more slowly", say: "" };
      case "no-empathy-after-complaint":
        return { title: "Show understanding first", say: "很抱歉给您带来麻烦，我来帮您处理。" };
      case "repeated-question":
        return details["by"] === "customer"
          ? { title: "He said it twice: repeat it back", say: "我复述一下您的意思，您看对吗？" }
          : { title: "Asked before: check the record", say: "我核对一下，您看对吗？" };
      case "dispute-loop":
        return { title: "Do not argue: explain once, then look it up", say: "我先帮您查一下记录，再答复您。" };
      case "churn-risk":
        return { title: "He may leave: ask why first", say: "方便告诉我原因吗？我看看能做些什么。" };
      case "escalation-risk":
        return { title: "Stay calm, give a time", say: "您有权反映，我同时为您加急处理。" };
      case "commitment":
        return due === true
          ? { title: "A promise is due now", say: String(details["what"] ?? "") }
          : { title: "Say a definite time", say: "您看我几点前给您答复合适？" };
      default:
        return null;
    }
  },
};

export function guideStringsFor(language: Language): GuideStrings {
  return language === "en" ? english : chinese;
}

function listed(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
