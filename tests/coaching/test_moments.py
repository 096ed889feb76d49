"""The kinds of moments, each with calls that hold it and calls that only look like it."""

from __future__ import annotations

from datetime import datetime

import pytest

from coach.coaching.call import Call
from coach.coaching.checker import Checker
from coach.coaching.moment import MomentSettings
from coach.coaching.moments import Moments
from coach.coaching.review_call import CallReviewer, RecordedTurn
from tests.coaching.talk import CLOSING, GREETING, book, finder, found, moments_of, spoken


@pytest.mark.parametrize(
    ("words", "missing"),
    [
        ("您好，晨光银行客服，工号8602，请问有什么可以帮您？", []),
        ("早上好，这里是远岫通信，八六零二号为您服务。", []),
        ("您好白鹭快运工号七三零五很高兴为您服务", []),
        ("欢迎致电云汉证券，您好，我的工号是A1023。", []),
        ("您好，安渡人寿，公号六二一五，很高兴为您服务。", []),
        ("喂，你好。", ["单位", "工号"]),
        ("三三一六号，请讲。", ["问候", "单位"]),
        ("您好，我是客服小王，请问有什么可以帮您？", ["单位", "工号"]),
        ("您好，工号1024很高兴为您服务。", ["单位"]),
        ("您好，橘屿商城，请讲。", ["工号"]),
        ("您好，请问是咨询宽带业务吗？", ["单位", "工号"]),
        ("喂，找谁？", ["问候", "单位", "工号"]),
    ],
)
def test_greeting_says_which_part_is_missing(words, missing):
    """Greeting, unit and agent number are looked for one by one."""
    moments = found([f"坐席：{words}", "客户：我想查一下余额", CLOSING], "missing-greeting")
    assert [moment.details["missing"] for moment in moments] == ([missing] if missing else [])
    assert [moment.turn for moment in moments] == [0] * len(moments)


def test_greeting_may_be_completed_until_it_is_due():
    """What the agent begins to say within eight seconds still belongs to the greeting."""
    script = ["坐席：您好。", "客户：喂，你好。", "坐席：这里是晨光银行，工号8602，请问什么事？", CLOSING]
    assert found(script, "missing-greeting") == []


def test_greeting_after_it_is_due_is_too_late():
    """A number named half a minute later does not mend the greeting."""
    script = ["坐席：您好。", "客户：我的卡不能用了 /25", "坐席：晨光银行工号8602，我来看看", CLOSING]
    assert found(script, "missing-greeting")[0].details["missing"] == ["单位", "工号"]


def test_greeting_counts_the_name_of_the_firm():
    """A firm whose name says nothing about it is known from the call's slots."""
    script = ["坐席：您好，大鹅，工号1001。", "客户：你好", CLOSING]
    assert found(script, "missing-greeting")[0].details["missing"] == ["单位"]
    assert found(script, "missing-greeting", org="大鹅") == []


def test_greeting_parts_are_a_setting():
    """A site whose announcement names the agent number leaves it out."""
    settings = MomentSettings(greeting_parts=("问候", "单位"))
    assert found(["坐席：您好，晨光银行。", "客户：你好"], "missing-greeting", settings=settings) == []


@pytest.mark.parametrize(
    ("end", "missing"),
    [
        (["坐席：还有其他需要帮忙的吗？", "客户：没有了", "坐席：感谢您的来电，再见。"], None),
        (["坐席：請問還有什麼可以幫您的嗎？祝您生活愉快"], None),
        (["坐席：好的，再见。"], ["询问其他需求"]),
        (["坐席：还有别的问题吗？", "客户：没有"], ["致谢或道别"]),
        (["坐席：就这样吧。"], ["询问其他需求", "致谢或道别"]),
        (["坐席：爱打不打，我挂了。", "客户：喂？喂？"], ["询问其他需求", "致谢或道别"]),
        (["坐席：您先听我说", "客户：跟你说不清，我挂了"], None),
        (["坐席：我看看啊", "客户：喂？喂？"], None),
        (["坐席：好的，我帮您转接到理赔专席，请不要挂机。"], None),
    ],
)
def test_closing_asks_and_thanks(end, missing):
    """A closing needs an open offer of help and thanks or a goodbye, unless it was not the agent's to close."""
    moments = found(
        [GREETING, "客户：我想查余额", "坐席：余额是三百元。", "客户：好", *end], "missing-closing"
    )
    assert [moment.details["missing"] for moment in moments] == ([] if missing is None else [missing])


@pytest.mark.parametrize(
    ("agent", "is_interruption"),
    [
        ("坐席：你先听我把这个规定说完 @2", True),
        ("坐席：你先听我把这个规定说完 @1", False),
        ("坐席：嗯嗯，好的，好的，您请讲 @2.5", False),
        ("坐席：不行 @2", False),
        ("坐席：你先听我把这个规定说完 +0.2", False),
    ],
)
def test_interruption_needs_overlap_and_words(agent, is_interruption):
    """Speaking over the customer counts from 1.5 s on, and only with something to say."""
    script = [GREETING, "客户：我昨天去你们网点办业务排了两个小时的队结果轮到我的时候 /9", agent]
    assert bool(found(script, "interruption")) is is_interruption


def test_interruption_is_found_in_either_order():
    """The shorter agent utterance ends first, so live it arrives before the customer's."""
    utterances = spoken(
        [GREETING, "客户：我昨天去你们网点办业务排了两个小时的队 /12", "坐席：我知道，你说重点 @5 /2"]
    )
    live = moments_of([utterances[0], utterances[2], utterances[1]])
    assert [moment.kind for moment in live].count("interruption") == 1


@pytest.mark.parametrize(
    ("before", "pause", "is_silence"),
    [
        ("坐席：这个情况比较特殊。", "+12", True),
        ("坐席：这个情况比较特殊。", "+9", False),
        ("坐席：请您稍等，我查询一下。", "+25", False),
        ("坐席：请您稍等，我查询一下。", "+31", True),
        ("客户：你等一下，我找找单子。", "+20", False),
    ],
)
def test_long_silence_knows_who_asked_to_wait(before, pause, is_silence):
    """Ten seconds are long, thirty after somebody asked to wait."""
    script = [GREETING, "客户：我的保单怎么办", before, f"坐席：您好，还在吗 {pause}", CLOSING]
    assert bool(found(script, "long-silence")) is is_silence


@pytest.mark.parametrize(
    ("before", "after", "missing"),
    [
        ("坐席：请稍等，我查一下。", "坐席：让您久等了，查到了。 +15", None),
        ("坐席：请稍等，我查一下。", "坐席：查到了，余额三百元。 +15", "等待后致谢"),
        ("坐席：请稍等，我查一下。", "坐席：查到了，余额三百元。 +6", None),
        ("坐席：卡号我看到了。", "坐席：系统显示余额三百元。 +9", "等待前说明"),
        ("坐席：卡号我看到了。", "坐席：系统显示余额三百元。 +4", None),
        ("坐席：这张卡可以办。", "客户：那我考虑考虑吧。 +9", None),
        ("坐席：好的，我帮您转接信用卡专席。", "坐席：您好，信用卡专席。 +15", None),
    ],
)
def test_hold_needs_a_word_before_and_after(before, after, missing):
    """A look-up is announced, and a wait is thanked for."""
    moments = found(
        [GREETING, "客户：帮我查一下余额，卡号6222", before, after, CLOSING], "hold-without-notice"
    )
    assert [moment.details["missing"] for moment in moments] == ([missing] if missing else [])


@pytest.mark.parametrize(
    ("words", "seconds", "is_fast"),
    [
        (
            "这个套餐每个月五十九元包含二十个国内流量和一百分钟通话超出部分按照每兆两分钱来收取下个月一号开始生效的哦",
            8.5,
            True,
        ),
        (
            "这个套餐每个月五十九元包含二十个国内流量和一百分钟通话超出部分按照每兆两分钱来收取下个月一号开始生效的哦",
            13,
            False,
        ),
        ("好的没问题马上办", 1, False),
        ("您的卡号是六二二二零零一三五七八八九九零零一二三四五六七八九零一二三四五六", 8.1, False),
    ],
)
def test_fast_speech_counts_han_characters(words, seconds, is_fast):
    """Over 300 characters a minute is fast, over a long enough stretch and not while reading numbers."""
    script = [GREETING, "客户：介绍一下", f"坐席：{words} /{seconds}", CLOSING]
    assert bool(found(script, "fast-speech")) is is_fast


@pytest.mark.parametrize(
    ("answers", "turn"),
    [
        (["坐席：你提供一下单号。", "客户：三三零七。", "坐席：这个还在路上。"], 4),
        (["坐席：很抱歉给您带来不便，我马上核实。", "客户：好", "坐席：还在路上。"], None),
        (["坐席：你提供一下单号。", "客户：三三零七。", "坐席：我理解您的心情，我来催。"], None),
        (["坐席：嗯嗯。", "客户：还没完呢", "坐席：好的好的。"], None),
        (["坐席：请您理解一下我们的工作。", "客户：哼", "坐席：规定就是这样。"], 4),
    ],
)
def test_complaint_asks_for_empathy_within_two_turns(answers, turn):
    """A heavy complaint wants a word of regret or understanding in the next two agent turns."""
    moments = found([GREETING, "客户：你们服务太差了，气死我了！", *answers], "no-empathy-after-complaint")
    assert [moment.turn for moment in moments] == ([] if turn is None else [turn])


@pytest.mark.parametrize(
    ("script", "by"),
    [
        (["坐席：请报一下手机号。", "客户：一三八零零", "坐席：麻烦您提供一下手机号码。"], "agent"),
        (["坐席：请报一下手机号。", "客户：一三八零零", "坐席：抱歉没听清，请再报一遍手机号。"], None),
        (["坐席：请报一下手机号。", "客户：一三八零零", "坐席：您的手机号是一三八零零，对吗？"], None),
        (["坐席：请报一下手机号。", "客户：什么？", "坐席：请报一下手机号。"], None),
        (["坐席：请报一下手机号。", "客户：一三八零零", "坐席：请再提供一下您的姓名。"], None),
        (["坐席：您的订单号是多少？", "客户：我刚才不是说过了吗"], "agent"),
        (
            [
                "客户：我的退款什么时候能到账？",
                "坐席：这个要看银行。",
                "客户：我就想知道退款到底什么时候到账",
            ],
            "customer",
        ),
        (["客户：我的退款什么时候能到账？", "坐席：三天内。", "客户：那我的积分什么时候能到账"], None),
        (["客户：快递什么时候到？", "坐席：明天。", "客户：那发票怎么开呢"], None),
    ],
)
def test_repeated_question_by_either_side(script, by):
    """The same slot asked again, or the same request repeated."""
    moments = found([GREETING, *script], "repeated-question")
    assert [moment.details["by"] for moment in moments] == ([by] if by else [])


@pytest.mark.parametrize(
    "words",
    [
        "我马上帮您查一下",
        "请您再联系我们",
        "短信已经发送给您了",
        "昨天我们给您回过电话了",
        "需要我给您回电话吗？",
        "你别挂，我这就帮你开报价表，三分钟。",
        "您什么时候方便，我帮您登记",
        "退款一般三个工作日到账",
        "不能给您退款",
        "你晚点再给我回电话好了",
        "系统显示三天前已经发货",
        "我是晨光物业，给您来电是想回访昨天的电梯维修",
        "我打这个电话主要是想通知您账单已经出来了",
        "这边来电做个回访，您方便吗",
    ],
)
def test_not_every_act_is_a_commitment(words):
    """Work done on the line, what is done already, refusals and questions promise nothing."""
    assert found([GREETING, "客户：怎么办", f"坐席：{words}", "客户：好", CLOSING], "commitment") == []


@pytest.mark.parametrize(
    ("words", "who", "when", "vague"),
    [
        ("我明天上午十点给您回电话。", "我", "明天上午十点", False),
        ("专员会在24小时内联系您。", "专员", "24小时内", False),
        ("这边帮您申请退款，三个工作日内到账。", "这边", "三个工作日内", False),
        ("我把情况交给投诉组，明天下午五点前由他们打给您。", "他们", "明天下午五点前", False),
        ("工程师明天下午上门维修。", "工程师", "明天下午", False),
        ("有结果再回复您。", "我", "有结果再", True),
        ("我们会尽快处理的。", "我们", "尽快", True),
        ("我会反馈给相关部门。", "我", "", True),
    ],
)
def test_commitment_names_who_and_when(words, who, when, vague):
    """A promise is told with who keeps it and by when; without a time it is vague and asked to be precise."""
    [moment] = found([GREETING, "客户：怎么办", f"坐席：{words}", "客户：好", CLOSING], "commitment")
    assert (moment.details["who"], moment.details["when"], moment.details["vague"]) == (who, when, vague)
    assert ("ask" in moment.details) is vague


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ("好的，我明天给您回电话。", "我明天给您回电话"),
        ("我明天給您回電話", "我明天給您回電話"),
        ("给您来电是想跟您说一下，师傅明天上午十点上门。", "师傅明天上午十点上门"),
    ],
)
def test_commitment_is_quoted_as_spoken(words, what):
    """What was promised is told in the agent's own words and letters."""
    [moment] = found([GREETING, "客户：怎么办", f"坐席：{words}", "客户：好", CLOSING], "commitment")
    assert moment.details["what"] == what


def test_commitment_is_due_relative_to_the_call():
    """A span needs no wall clock."""
    [moment] = found([GREETING, "坐席：我半小时之内给您回电话。", CLOSING], "commitment")
    assert moment.details["due_ms"] == moment.at_ms + 30 * 60_000


def test_commitment_is_due_by_the_wall_clock_when_known():
    """A point of the day is counted from the start of the call; without a wall clock it stays open."""
    script = [GREETING, "坐席：明天下午五点前我给您回电话。", CLOSING]
    [moment] = found(script, "commitment", started_at=datetime(2026, 1, 7, 15, 0))  # noqa: DTZ001 - local time
    assert moment.details["due_ms"] == 26 * 3_600_000
    assert found(script, "commitment")[0].details["due_ms"] is None


def test_commitment_may_get_its_time_in_the_next_turn():
    """A vague promise made precise in the agent's next turn is precise."""
    script = [GREETING, "坐席：我核实后给您回电。", "客户：什么时候？", "坐席：明天上午十点之前。", CLOSING]
    [moment] = found(script, "commitment")
    assert (moment.turn, moment.details["when"], moment.details["vague"]) == (1, "明天上午十点之前", False)


def test_adoption_is_told_when_a_later_turn_heeds_the_card():
    """Saying what the card suggested, a turn later, is an adoption."""
    turns = [
        GREETING,
        "客户：这个能退吗",
        "坐席：我不知道啊。",
        "客户：那怎么办",
        "坐席：我马上帮您查一下，请您稍等。",
        CLOSING,
    ]
    call = Call("c", agent_id="a", checker=Checker(book()), phrasebook=book().phrasebook)
    moments = Moments(finder())
    adoptions = []
    for utterance in spoken(turns):
        events = call.hear(utterance)
        moments.hear(utterance)
        adoptions += moments.note(events)
    assert [(moment.kind, moment.turn, moment.details["fault_turn"]) for moment in adoptions] == [
        ("adoption", 4, 2)
    ]
    assert "ignorance" in adoptions[0].details["categories"]


def test_review_names_the_categories_of_the_agent_only():
    """The customer's 我不知道 is no fault."""
    reviewer = CallReviewer(book())
    turns = [RecordedTurn("agent", "您好，晨光银行，工号8602。"), RecordedTurn("customer", "我不知道怎么弄")]
    assert reviewer.review("1", turns).categories == ()
    assert reviewer.review("2", [*turns, RecordedTurn("agent", "我也不知道。")]).categories == ("ignorance",)


def test_good_call_has_no_moments():
    """Nothing is told of a call that went as it should."""
    script = f"""
    {GREETING}
    客户：你好，我想查一下我的话费
    坐席：好的，请您稍等，我帮您查询一下。
    坐席：让您久等了，您的余额是三十元。 +15
    客户：好的，谢谢
    {CLOSING}
    """
    assert moments_of(spoken(script)) == []
