"""Read personal data that is not only digits: names, addresses, mail, number plates, passports, accounts.

Names are read from the text as it came (王一), the rest from folded text, where spoken digits are 0-9.
"""

from __future__ import annotations

import re
from typing import Final

from coach.language.masking_kinds import Kind, PersonalData

_COMPOUND: Final = "欧阳|司马|上官|诸葛|司徒|夏侯|东方|皇甫|尉迟|公孙|慕容|令狐|宇文|长孙|端木|南宫|独孤|轩辕|呼延|百里|东郭|西门"
_SURNAMES: Final = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆"
    "范汪廖石金韦贾夏付方邹熊白孟秦邱侯江尹薛闫段雷龙黎史陶贺毛郝顾龚邵万覃武钱戴严莫孔向汤温康施文牛樊葛邢安齐伍庞颜倪庄"
    "聂章鲁岳翟殷詹申欧耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成苗谷盛曲翁冉骆蓝路游辛靳管柴蒙鲍华喻祁蒲房"
    "滕屈饶解牟艾尤阳时穆农司卓古吉缪简车项连芦麦褚娄窦戚岑景党宫费卜冷晏席卫米柏宗瞿桂全佟应臧闵苟邬边卞姬师和仇栾隋商刁"
    "沙荣巫寇桑郎甄丛仲虞敖巩明佘池查麻苑迟邝封谈匡鞠惠荆乐冀胥南班储原燕楚鄢劳谌奚皮粟冼蔺楼盘满闻位厉伊仝区郜海阚花权强"
    "帅屠豆朴盖练廉禹井祖漆巴丰支卿国狄平计索宣晋相初门云容敬扈晁芮都普阙浦戈伏鹿薄邸雍辜羊阿乌母裘亓修邰赫杭况那宿鲜印"
)
# No given name has these; a name that runs into the next words ends at them.
_STOP: Final = (
    "我你您他她它的了吗呢吧啊哦嗯呃是在要想不没有这那就也都还和跟给把被让请问说叫做个们什么怎样到去上下住打"
    "查办号卡证本已收用买能可会对从之前后身份手机电联系现先女士姐年麻烦帮些几谁过着得很太再又只所为以"
)
_TITLE: Final = "(?:先生|女士|小姐|老师|同志)"
# Nearly always somebody's, and what anybody may have in front of it (高中老师, 辛苦老师了, 相信王老师).
_OWN_TITLE: Final = "(?:先生|女士|小姐)"
_TAUGHT_TITLE: Final = "(?:老师(?!们|傅)|同志(?!们))"
# Words that begin like a name.
_NOT_NAMES: Final = (
    "师傅|师父|车[来去了过到给送在不我没就辆]|安装|安保|安全|安排|管理|管家|项目|马上|马路|马桶|方便|方案|方法|高级|高管|高速|高铁|何时|何况|于是"
    "|时候|时间|时常|尚且|单独|单位|全部|全家|全体|全都|全职|查询|查一|关于|关闭|解释|解决|谢谢|高中|大学|应该|应急|成功|成年|和你|相关|商家|商务|连续|都是|国家"
    "|平台|平时|计算|计划|支付|支持|位置|强制|权益|满意|原来|原因|惠民|索要|索赔|容易|经理|段子|武警|文员|文明|沙发|花店|花钱|海外|海关|门卫"
    "|门店|路人|路边|简单|江湖|任何|任务|白天|白领|金牌|金额|牛奶|牛肉|包裹|包子|包工|石头|毛病|温馨|温度|康复|游客|游戏|龙虾|云南|华为"
    "|阿姨|向来|司机|乐意|明天|明明|明白|初中|程序|程师|叶子|房东|房客|房产|母亲|顾客|顾问|农民|申请|党员|严重|古代|常用|敬请|普通|区域|南方"
    "|边上|麻烦|班长|封面|楼上|楼下|储存|荣誉|修理|修车|左边|冷静|景区|练习|祖国|丰富|盛情|莫名|卫生|祝福|主管|余额|水电|易车|习惯|习题|钱包"
    "|钟点|钟头|常常|章程|米粉|席位|戚友|家人|花呗|苗条|成都|黄牛|白条|万能|万一|黄金|汤圆|鱼片|江西|江苏|陕西|河南|湖南|云存|童装|童车|夏天|夏季|武汉|沈阳|农行|金卡|黄卡|白金"
)
# What somebody or something may be said to be (我是安卓，您是农户); a name that is introduced may read like it.
_NOT_SOMEBODY: Final = (
    "(?:皮[球卡肤包革鞋草蛋]|安[卓心徽庆康阳装检]|荣耀|方[太向形言]|万[科家元人宁州]|金[融色属立星牛座华]|文[科职盲人化学具艺旅]|高[层手考端校档薪龄铁速管级三二一]"
    "|[黄白蓝鲜][色花酒]|白[人班酒纸痴]|黄[石冈山]|农[户村业商民行]|石[油材头]|房[子主屋贷租型奴]|游[泳戏客牧]|毕业|任[意性务职]|牛[皮仔肉奶]|羊[毛肉]"
    "|马[虎甲上路]|毛[衣坯巾利重]|包[间邮年月厢子装工]|孙[子女]|祖[父母籍]|单[亲身车]|印[度刷尼]|韩[国系版服]|巴[西士]|古[董风镇]|纪[委念]|党[委员]"
    "|江[南北东苏西]|宁[夏波德]|甘肃|吉[林利他]|武[昌汉夷警]|沙[市发漠]|鲜[奶肉活]|冷[饮冻藏门水]|温[水州和]|严[格肃重]|柴油|庄家|管[道子家理]|苏[宁州北]"
    "|童[鞋装话年]|周[边末一二三四五六日期年]|申[诉请报]|宣传|简[介易单历]|盛[大世]|[苗满白黎蒙古]族|蒙古|华[人侨北东南中夏为]|卫[生浴星校]|雷[达电]|龙[头虾]|齐全"
    "|车主|康[师复]|路[人过由]|项[目圈]|顾[客问虑]|廉[价租]|薄[膜的]|费[用力]|郎中|习惯|奚落|丰[田满]|伍[佰百]|陆[地军续]|伏[笔天]|柏油|艾滋|花[店钱费]|贺[卡岁])(?=[^一-龥]|$|[吗吧啊呀房户车机客店])"
)
# Surnames that are everyday words too: taken for one only where the name ends cleanly.
_DOUBTFUL: Final = "时车门国平计位强权满原惠索容经和相商连都来全查关解应成单管那米花海路云向有区南边班封楼修左初乐水项师母席章段"
_GIVEN: Final = rf"[一-龥](?<![{_STOP}])"
_END: Final = rf"(?=[^一-龥*]|$|[{_STOP}]|{_TITLE})"
_JOB: Final = (
    "(?:经理|主任|师傅|医生|律师|队长|警官|阿姨|叔叔|大[哥姐妈爷叔]|[总哥姐工]"
    "|老师|教授|老板|科长|院长|州|家[庄口界港])"
)
_NAME: Final = (
    rf"(?!{_NOT_NAMES}|[一-龥]{_JOB})(?:(?:{_COMPOUND}){_GIVEN}(?:{_GIVEN}{_END})?"
    rf"|[{_SURNAMES}](?:{_GIVEN}{_GIVEN}{_END}|{_GIVEN}{_END}|(?<![{_DOUBTFUL}]){_GIVEN}{_GIVEN}))"
)
_MINORITY: Final = r"[一-龥]{1,8}[·•][一-龥]{1,10}(?=[^一-龥]|$)"
_WHO: Final = (
    "户主|机主|车主|业主|收件人|收货人|寄件人|联系人|持卡人|投保人|被保险人|受益人|开户人|开户名|账户名|户名"
    "|经办人|申请人|借款人"
)
_KIN: Final = (
    "老公|老婆|爱人|太太|先生|妻子|丈夫|儿子|女儿|孩子|小孩|宝宝"
    "|爸爸?|妈妈?|父亲|母亲|朋友|弟弟?|哥哥?|姐姐?|妹妹?|[我你您他她]"
)
_INTRODUCED: Final = re.compile(
    rf"(?:(?:{_KIN})(?:的?名字)?(?:是)?叫做?|名字(?:是|叫|：)?|姓名(?:是|叫|为|：)?|姓.{{1,2}}[，,]?(?:名|叫)"
    rf"|(?:{_WHO})(?:姓名|的?名字)?(?:是|叫|写|：)?|名叫|本人)[ ，,]?(?P<name>{_MINORITY}|{_NAME})"
)
_IS: Final = re.compile(
    rf"[我您你他她]是(?P<name>(?:{_COMPOUND}){_GIVEN}(?:{_GIVEN})?"
    rf"|(?!{_NOT_NAMES}|{_NOT_SOMEBODY}|[一-龥]{_JOB})[{_SURNAMES}](?<![{_DOUBTFUL}]){_GIVEN}(?:{_GIVEN})?)"
    r"(?=[，。,.？！? ]|$|[吗吧啊呀]|本人)"
)
# A word that is a surname too, before a surname alone: 那王先生, 谢孟先生.
_BEFORE_SURNAME: Final = rf"[谢那和向于从查连单等](?:{_COMPOUND}|[{_SURNAMES}]){_TITLE}"
_ADDRESSED: Final = re.compile(
    rf"(?:^|(?<=[^一-龥])|(?<=[是找叫给跟和问好请为人下位谢那向让对烦您你]))(?P<name>(?!{_NOT_NAMES}|{_BEFORE_SURNAME}|(?:{_COMPOUND}){_TITLE})(?:{_COMPOUND}|[{_SURNAMES}])(?:{_GIVEN}{_GIVEN}|{_GIVEN}(?<![老小大总])))"
    rf"(?={_OWN_TITLE}(?!们))"
)

# What stands before 老师 and begins like a name: words of school, of time, and what one says to a teacher.
_BEFORE_TEACHER: Final = (
    "任[课教职组免]|劳动|农[学业村科]|党[校课委内支总]|班[级上主]|毕[业竟]|文[化科理艺学案言字物书献]|高[一二三数考年校分等手效难温层大质风]|初[一二三级]|国[学际画语]|韩[语国]|宿[管舍]"
    "|游[泳学]|武[术艺装]|古[筝琴典文诗代人生]|陶[艺瓷]|花[艺样]|毛笔|乐[器理团队]|管[弦乐]|马[头术]|金[牌奖]|围棋|计算|蒙[氏古]|印[度语刷花]|阿拉|宗教|方[言程向]|司令|施工|皮肤|金融|纪[检录念律]|童声|舒[服适]"
    "|辛[苦勤]|相[信比当处]|许多|平[常日均]|周[一二三四五六日末围]|那[天位个种次里边时些]|全[校市班体部省国天年新科]|左右|陆续|尤其|尚未|何[必况]|明[确显年]|宁愿"
    "|强[调烈]|曾经|宣[布传告]|连[续忙同]|单[科身]|应[届当]|门口|左边|时[候刻常]|关[注于心]|向来|和[平谐]|成[绩人年]|盛[情大]|温[柔暖]|严[厉肃格]|安[全静慰]"
    "|元老|优秀|幼[师教]|音乐|美术"
)
# A given name hardly ever ends so: nouns of school, and surnames that no given name has (辛苦李老师).
_NO_LAST: Final = (
    "课科级班校务勤管术种边里面门间员部室所院区县市省天次件条章料具器械机绩单表费站线号组队店园楼版社系舞操队位名好新老学"
    "王李张刘陈赵吴周徐孙朱胡郭何罗郑梁谢宋唐许韩冯邓曹彭曾肖董潘袁蔡蒋余于杜程魏苏吕丁任卢姚沈姜崔谭陆范汪廖贾付邹孟邱侯尹薛闫史郝顾龚邵戴莫孔汤"
)
_TEACHER: Final = re.compile(
    rf"(?:^|(?<=[^一-龥])|(?<=[是找叫给跟和问请为位谢向让对烦您你]))(?P<name>(?!{_NOT_NAMES}|{_BEFORE_TEACHER})"
    rf"(?:(?:{_COMPOUND}){_GIVEN}(?:{_GIVEN})?|[{_SURNAMES}](?<![{_DOUBTFUL}]){_GIVEN}{_GIVEN}|"
    rf"[{_SURNAMES}](?<![{_DOUBTFUL}]){_GIVEN}(?={_TAUGHT_TITLE}(?:[您你]好|[^一-龥]|$)))(?<![{_NO_LAST}]))(?={_TAUGHT_TITLE})"
)

_DOMAIN: Final = r"(?:[A-Za-z0-9\-]+(?: ?(?:\.|点) ?[A-Za-z0-9\-]{1,30}){1,4})"
_EMAIL: Final = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._%+\-]{{0,40}}(?:@| ?艾特 ?| at ){_DOMAIN}", re.ASCII)
_EMAIL_BEGUN: Final = re.compile(
    r"(?:邮箱|邮件)(?:地址)?[是为：， ]{0,2}(?P<own>[A-Za-z0-9][A-Za-z0-9._\-]{2,40}(?:(?:@| ?艾特)[A-Za-z0-9.点]*)?)$",
    re.ASCII,
)
# As number plates begin.
PROVINCES: Final = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_PLATE: Final = re.compile(
    rf"(?P<plate>[{PROVINCES}][A-Za-z][ ·•.\-]?"
    r"(?=[A-Za-z]{0,3}[ ]?\d)(?:[A-Za-z0-9] ?){4,5}[A-Za-z0-9挂学警港澳])(?![A-Za-z0-9])"
)
_PASSPORT: Final = re.compile(
    r"(?:护照|通行证|台胞证|回乡证)(?:号码?)?[是为：， ]{0,3}(?P<pass>[A-Za-z][A-Za-z]?[ ]?\d(?:[ ]?\d){6,9})"
    r"|(?<![A-Za-z0-9单号])(?P<bare>[EeGg]\d{8})(?!\d)"
)
_ACCOUNT: Final = re.compile(
    r"微信(?:号码?)?[是为叫：:， ]{0,3}(?P<wechat>[A-Za-z][A-Za-z0-9_\-]{4,19})"
    r"|(?:(?<![A-Za-z])[Qq]{2}|扣扣)(?:号码?)?[是为叫：:， ]{0,3}(?P<qq>[1-9](?:[ \-]?\d){4,11})(?!\d)"
)

# Where a street or an estate ends and a number begins; what looks like one is not (知道5号, 线路2号).
_STREET: Final = re.compile(
    r"(?:(?<![线电网思套短公铁])路|(?<!上)街|大道|[东西南北中]道|胡同|巷|弄|(?<![小幼公校田乐])园|小区|公寓|大厦|广场|苑"
    r"|新村|村|社区|家属院|庄|[东西南北]村|(?<![商县省])城(?=\d+[栋幢座号]楼?))"
    r"(?:[东西南北中]段|[东西]侧)?[ ]?(?P<number>\d(?:\d|[十百]){0,5}|[十百]\d?)"
    r"(?P<unit>[ ]?(?:号楼|号院|号|弄|栋|幢|座|单元|室|院)|-\d{1,4}(?:-\d{1,4})?|$)(?!线|公交|路)"
)
_NUMBER: Final = re.compile(r"[\d十百]")
_REST: Final = re.compile(
    r"(?:[ ]?(?:[一-龥]{1,8}?(?:大厦|广场|小区|公寓|花园|苑|中心|大楼|写字楼)[ ]?)?"
    r"(?:[A-Za-z]?[ ]?(?:\d|[十百]){1,5}(?:号楼|号院|号|弄|栋|幢|座|单元|层|楼|室|户|房)?|[A-Za-z][座塔栋]|-\d{1,4})){0,6}"
)
# A place name has none of these, so it begins after the nearest.
_NO_PLACE: Final = frozenset(
    "我你您他她它们这那哪在到是住的了去寄送给从往跟与把被让就也还要想有没不吗呢吧啊哦址于搬填写改叫说请问收件快递货"
)
_LEADING: Final = re.compile(r"(?:家|登记|成(?!都|华|县|安)|换成|发|为|位于|那个|家里)+")
_BUSINESS: Final = re.compile(
    r"营业厅|网点|门店|服务站|服务点|维修点|总部|分行|支行|自提点|仓库|柜台|办事处|专柜|客服中心|服务中心|窗口|医院"
)
_REGION: Final = re.compile(r".*(?:省|市|(?<![小社园])区|县|州|旗)")
_STREET_NAME_MAX: Final = 40


def find_words(text: str, folded: str, *, final: bool = True) -> list[PersonalData]:
    """Find names, addresses, mail, plates, passports and accounts; `folded` is `fold(text)`."""
    found: list[PersonalData] = []
    for needs, patterns in _PATTERNS:
        if not needs.search(folded):
            continue
        for kind, pattern in patterns:
            for match in pattern.finditer(text if kind == "name" else folded):
                group = match.lastgroup
                _add(found, kind, *(match.span(group) if group else match.span()))
    if not final:
        for match in _EMAIL_BEGUN.finditer(folded):
            _add(found, "email", *match.span("own"))
    for start, end in _addresses(text, folded, final=final):
        _add(found, "address", start, end)
    return found


def kept_of_address(address: str) -> int:
    """Return how many characters of an address name only province, city and district."""
    street = _STREET.search(address)
    region = _REGION.match(address[: street.start()] if street else address)
    return region.end() if region else 0


# Before the patterns that need it, what they cannot do without: they are long, and hardly ever needed.
_PATTERNS: Final[tuple[tuple[re.Pattern[str], tuple[tuple[Kind, re.Pattern[str]], ...]], ...]] = (
    (
        re.compile("[A-Za-z@扣]|艾特"),
        (("email", _EMAIL), ("passport", _PASSPORT), ("plate", _PLATE), ("account", _ACCOUNT)),
    ),
    (re.compile("[叫姓名主人]"), (("name", _INTRODUCED),)),
    (re.compile(_OWN_TITLE), (("name", _ADDRESSED),)),
    (re.compile("老师|同志"), (("name", _TEACHER),)),
    (re.compile("[我您你他她]是"), (("name", _IS),)),
)


def _add(found: list[PersonalData], kind: Kind, start: int, end: int) -> None:
    if not any(each.start < end and start < each.end for each in found):
        found.append(PersonalData(kind, start, end))


def _addresses(text: str, folded: str, *, final: bool) -> list[tuple[int, int]]:
    """Start at each street with a number: the place name is what stands before it, the rooms follow it."""
    spans: list[tuple[int, int]] = []
    if not _NUMBER.search(folded):
        return spans
    for street in _STREET.finditer(folded):
        if final and not street["unit"]:
            continue
        start = street.start()
        least = max(0, start - _STREET_NAME_MAX, spans[-1][1] if spans else 0)
        while start > least and "一" <= text[start - 1] <= "龥" and text[start - 1] not in _NO_PLACE:
            start -= 1
        leading = _LEADING.match(text, start, street.start())
        start = leading.end() if leading else start
        rest = _REST.match(folded, street.end())
        end = rest.end() if rest else street.end()
        around = folded[max(0, start - 14) : start] + "|" + folded[end : end + 6]
        if start < street.start() and not _BUSINESS.search(around):
            spans.append((start, end))
    return spans
