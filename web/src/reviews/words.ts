// What the page says, Chinese first. Problems come from the service, in Chinese.

import type { Language } from "../core/strings";
import type { Severity } from "../core/wire";
import type { State, Verdict } from "./api";

export interface Words {
  title: string;
  language: string;
  theme: { label: string; system: string; light: string; dark: string };
  playground: string;
  login: { hint: string; credential: string; open: string; refused: string; ended: string };
  offline: string;
  cut: string;
  add: string;
  drop: string;
  choose: string;
  limits: (megabytes: number, files: number, days: number) => string;
  tooLarge: (megabytes: number) => string;
  tooMany: (files: number) => string;
  sending: string;
  stopSending: string;
  folder: string;
  folderHint: string;
  useFolder: string;
  earlier: string;
  none: string;
  pick: string;
  state: Record<State, string>;
  files: (count: number, size: string) => string;
  recognised: string;
  looking: string;
  columns: { file: string; format: string; calls: string; speakers: string };
  formats: Record<string, string>;
  atLeast: (count: number) => string;
  roles: Record<"agent" | "customer" | "unknown", string>;
  rejects: (count: number) => string;
  whoIsAgent: string;
  whoIsAgentHint: string;
  first: string;
  isAgent: (label: string) => string;
  isCustomer: (label: string) => string;
  options: string;
  since: string;
  anonymous: string;
  start: string;
  again: string;
  cancel: string;
  remove: string;
  reallyRemove: string;
  progress: string;
  done: (calls: number, rejects: number) => string;
  speed: (calls: number) => string;
  left: (time: string) => string;
  waiting: string;
  results: string;
  numbers: { calls: string; points: string; passed: string; hits: string; rejects: string };
  open: string;
  download: string;
  outputs: Record<string, string>;
  judge: string;
  judgeHint: string;
  reviewer: string;
  reviewerHint: string;
  needReviewer: string;
  rule: string;
  allRules: string;
  noHits: string;
  right: string;
  wrong: string;
  reason: string;
  reasonHint: string;
  verdict: Record<Verdict, string>;
  decided: (who: string) => string;
  appealed: string;
  settled: string;
  appeal: (who: string, text: string) => string;
  settleHint: string;
  customerSaid: string;
  suggestion: string;
  turn: (number: number) => string;
  severity: Record<Severity, string>;
  more: string;
  judged: (count: number, all: number) => string;
}

const chinese: Words = {
  title: "录音质检",
  language: "English",
  theme: { label: "外观", system: "跟随系统", light: "浅色", dark: "深色" },
  playground: "话术试验场",
  login: {
    hint: "上传通话转写，逐通质检、打分，得到报告和 Excel；命中由人复核。",
    credential: "API 密钥",
    open: "打开",
    refused: "密钥无效，或没有质检权限",
    ended: "登录已失效，请重新登录",
  },
  offline: "连不上服务，请检查后再试",
  cut: "与服务的连接断了，正在恢复；进度可能已经往前走了",
  add: "新的质检",
  drop: "把转写文件拖到这里",
  choose: "选择文件",
  limits: (megabytes, files, days) =>
    `JSON、CSV、Excel、文本、字幕或压缩包；一次最多 ${files} 个、共 ${megabytes} MB。质检完即删除原始转写，结果保留 ${days} 天。`,
  tooLarge: (megabytes) => `一次最多 ${megabytes} MB；请压缩成 .zip，或分几次上传`,
  tooMany: (files) => `一次最多 ${files} 个文件；请打成一个 .zip，或分几次上传`,
  sending: "正在上传",
  stopSending: "停止上传",
  folder: "或者：服务器上的文件夹",
  folderHint: "例如 2026-10",
  useFolder: "读取",
  earlier: "以前的质检",
  none: "还没有质检过。",
  pick: "上传文件，或从左边选一次质检。",
  state: {
    received: "待开始",
    queued: "排队中",
    running: "进行中",
    finished: "已完成",
    failed: "没有做完",
    cancelled: "已取消",
  },
  files: (count, size) => `${count} 个文件，${size}`,
  recognised: "识别到的内容",
  looking: "正在看文件……",
  columns: { file: "文件", format: "格式", calls: "通话", speakers: "句数" },
  formats: {
    jsonl: "JSON 行",
    json: "JSON",
    csv: "CSV",
    xlsx: "Excel",
    text: "文本对话",
    vtt: "WebVTT 字幕",
    srt: "SRT 字幕",
    unreadable: "读不了",
  },
  atLeast: (count) => `${count} 通以上`,
  roles: { agent: "坐席", customer: "客户", unknown: "未知" },
  rejects: (count) => `${count} 条读不懂`,
  whoIsAgent: "谁是坐席？",
  whoIsAgentHint: "文件里只有编号，看不出谁是坐席。请勾选；不选的通话会列为读不懂。",
  first: "先开口的是坐席",
  isAgent: (label) => `${label} 是坐席`,
  isCustomer: (label) => `${label} 是客户`,
  options: "选项",
  since: "只看从这天起的通话",
  anonymous: "报告里用代号，不写坐席工号",
  start: "开始质检",
  again: "接着做",
  cancel: "取消质检",
  remove: "删除",
  reallyRemove: "再点一次，连同结果删除",
  progress: "进度",
  done: (calls, rejects) => `已质检 ${calls} 通` + (rejects ? `，读不懂 ${rejects} 条` : ""),
  speed: (calls) => `每秒 ${calls} 通`,
  left: (time) => `还要约 ${time}`,
  waiting: "前面还有质检在进行，轮到就开始。",
  results: "结果",
  numbers: { calls: "通话", points: "平均分", passed: "及格率", hits: "命中", rejects: "读不懂" },
  open: "打开报告",
  download: "下载",
  outputs: {
    "review.xlsx": "Excel",
    "calls.csv": "通话 CSV",
    "hits.csv": "命中 CSV",
    "moments.csv": "时刻 CSV",
    "calls.parquet": "通话 Parquet",
    "hits.parquet": "命中 Parquet",
    "moments.parquet": "时刻 Parquet",
    "results.jsonl": "全部结果 JSON",
    "rejects.jsonl": "读不懂的记录",
    "summary.json": "汇总 JSON",
  },
  judge: "复核命中",
  judgeHint: "J 下一条，K 上一条，Y 判对，N 判错（误报），R 写理由",
  reviewer: "复核人",
  reviewerHint: "您的姓名或工号",
  needReviewer: "请先填写复核人",
  rule: "规则",
  allRules: "全部规则",
  noHits: "没有命中。",
  right: "对",
  wrong: "错",
  reason: "理由",
  reasonHint: "可不填；回车保存",
  verdict: { right: "判对", wrong: "判错：误报" },
  decided: (who) => `复核人 ${who}`,
  appealed: "坐席申诉，待处理",
  settled: "申诉已处理",
  appeal: (who, text) => `${who} 申诉：${text}`,
  settleHint: "处理申诉要写理由",
  customerSaid: "前一句",
  suggestion: "可以说",
  turn: (number) => `第 ${number} 句`,
  severity: { notice: "提示", warning: "提醒", violation: "违规" },
  more: "更多命中",
  judged: (count, all) => `已列出 ${all} 处，复核了 ${count} 处`,
};

const english: Words = {
  title: "Call reviews",
  language: "中文",
  theme: { label: "Appearance", system: "System", light: "Light", dark: "Dark" },
  playground: "Phrase playground",
  login: {
    hint: "Upload transcripts of calls; each is checked and scored, with a report and a workbook. People judge the hits.",
    credential: "API key",
    open: "Open",
    refused: "The key is not valid, or may not review",
    ended: "Session expired; sign in again",
  },
  offline: "The service cannot be reached; check and try again",
  cut: "The line to the service broke and is being mended; the review may be further than shown",
  add: "New review",
  drop: "Drop transcripts here",
  choose: "Choose files",
  limits: (megabytes, files, days) =>
    `JSON, CSV, Excel, text, subtitles or archives; up to ${files} files and ${megabytes} MB at a time. The transcripts are deleted once reviewed, results kept for ${days} days.`,
  tooLarge: (megabytes) => `At most ${megabytes} MB at a time; make it a .zip, or upload in parts`,
  tooMany: (files) => `At most ${files} files at a time; make them one .zip, or upload in parts`,
  sending: "Uploading",
  stopSending: "Stop uploading",
  folder: "Or: a folder on the server",
  folderHint: "For example 2026-10",
  useFolder: "Read",
  earlier: "Earlier reviews",
  none: "No reviews yet.",
  pick: "Upload files, or choose a review on the left.",
  state: {
    received: "To be started",
    queued: "Waiting",
    running: "Running",
    finished: "Finished",
    failed: "Not finished",
    cancelled: "Cancelled",
  },
  files: (count, size) => `${count} ${count === 1 ? "file" : "files"}, ${size}`,
  recognised: "What was recognised",
  looking: "Looking at the files…",
  columns: { file: "File", format: "Format", calls: "Calls", speakers: "Turns" },
  formats: {
    jsonl: "JSON lines",
    json: "JSON",
    csv: "CSV",
    xlsx: "Excel",
    text: "Dialogue",
    vtt: "WebVTT",
    srt: "SRT",
    unreadable: "Unreadable",
  },
  atLeast: (count) => `${count} or more`,
  roles: { agent: "agent", customer: "customer", unknown: "unknown" },
  rejects: (count) => `${count} unreadable`,
  whoIsAgent: "Who is the agent?",
  whoIsAgentHint: "The files only number the speakers. Choose; calls without a choice are listed as unreadable.",
  first: "Whoever speaks first is the agent",
  isAgent: (label) => `${label} is the agent`,
  isCustomer: (label) => `${label} is a customer`,
  options: "Options",
  since: "Only calls from this day on",
  anonymous: "Agents appear under codes in the report",
  start: "Start review",
  again: "Go on",
  cancel: "Cancel review",
  remove: "Delete",
  reallyRemove: "Press again to delete it with its results",
  progress: "Progress",
  done: (calls, rejects) => `${calls} calls reviewed` + (rejects ? `, ${rejects} unreadable` : ""),
  speed: (calls) => `${calls} calls a second`,
  left: (time) => `about ${time} left`,
  waiting: "Another review is running; this one is next.",
  results: "Results",
  numbers: { calls: "Calls", points: "Mean score", passed: "Passed", hits: "Hits", rejects: "Unreadable" },
  open: "Open report",
  download: "Download",
  outputs: {
    "review.xlsx": "Excel",
    "calls.csv": "Calls CSV",
    "hits.csv": "Hits CSV",
    "moments.csv": "Moments CSV",
    "calls.parquet": "Calls Parquet",
    "hits.parquet": "Hits Parquet",
    "moments.parquet": "Moments Parquet",
    "results.jsonl": "All results JSON",
    "rejects.jsonl": "Unreadable records",
    "summary.json": "Summary JSON",
  },
  judge: "Judge the hits",
  judgeHint: "J next, K previous, Y right, N wrong (false alarm), R reason",
  reviewer: "Reviewer",
  reviewerHint: "Your name or number",
  needReviewer: "Fill in the reviewer first",
  rule: "Rule",
  allRules: "All rules",
  noHits: "No hits.",
  right: "Right",
  wrong: "Wrong",
  reason: "Reason",
  reasonHint: "optional; Enter saves",
  verdict: { right: "Right", wrong: "Wrong: false alarm" },
  decided: (who) => `by ${who}`,
  appealed: "The agent appeals; to be settled",
  settled: "Appeal settled",
  appeal: (who, text) => `${who} appeals: ${text}`,
  settleHint: "Settling needs a reason",
  customerSaid: "Before",
  suggestion: "Say instead",
  turn: (number) => `turn ${number}`,
  severity: { notice: "Notice", warning: "Warning", violation: "Violation" },
  more: "More hits",
  judged: (count, all) => `${count} of ${all} listed hits judged`,
};

export function wordsFor(language: Language): Words {
  return language === "en" ? english : chinese;
}

/** Bytes as people read them. */
export function sizeOf(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const [value, unit] = bytes < 1024 ** 2 ? [bytes / 1024, "KB"] : bytes < 1024 ** 3 ? [bytes / 1024 ** 2, "MB"] : [bytes / 1024 ** 3, "GB"];
  return `${value.toFixed(value < 10 ? 1 : 0)} ${unit}`;
}

/** Seconds as minutes and seconds. */
export function timeOf(seconds: number, language: Language): string {
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, Math.round(seconds % 60)];
  const zh = language !== "en";
  if (hours) return zh ? `${hours} 小时 ${minutes} 分` : `${hours} h ${minutes} min`;
  if (minutes) return zh ? `${minutes} 分 ${rest} 秒` : `${minutes} min ${rest} s`;
  return zh ? `${rest} 秒` : `${rest} s`;
}
