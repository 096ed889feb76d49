"""What `coach doctor` looks at on the outside of the service: machine, data folder, port, settings.

Nothing is changed: a folder that is missing stays missing. `checkup_rules` looks at the rules, `checkup_database` at
the database.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import stat
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from typing import TYPE_CHECKING, Final, Literal

import httpx
import orjson

from coach import __version__
from coach.config import is_loopback

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from coach.config import Settings

State = Literal["ok", "warning", "error"]

_GIB: Final = 2**30
_DISK_ERROR: Final = _GIB // 4
_DISK_WARNING: Final = 4 * _GIB
_CLOCK_S: Final = 0.2
_CLOCK_DRIFT: Final = 0.02
# Files a process opens besides its sockets.
_FILES_BESIDES: Final = 100
_PAGES: Final = ("sidebar.html", "playground.html")
_REQUIREMENT: Final = re.compile(r"([A-Za-z0-9._-]+)(?:\[[^]]*])?\s*([^;]*)")
_AT_LEAST: Final = re.compile(r">=\s*([\d.]+)")


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the examination.

    Attributes:
        name: what was looked at, one word of a program.
        title: the same for people.
        says: what was found.
        mend: what to do about it; "" when nothing is to be done.
    """

    name: str
    title: str
    state: State
    says: str
    mend: str = ""


def examine_machine(settings: Settings) -> Iterator[Finding]:
    """Look at Python, its packages, the clock and the limit of open files."""
    yield _python()
    yield _packages()
    yield _clock()
    yield _zone()
    yield _files(settings)


def examine_data(settings: Settings) -> Iterator[Finding]:
    """Look at the data folder and the disk below it."""
    yield _folder(settings.data_dir)
    yield _disk(settings.data_dir)


def examine_access(settings: Settings, *, digest: str) -> Iterator[Finding]:
    """Look at the port and at who can reach the service; `digest` is that of the rules on disk."""
    yield _port(settings, digest=digest)
    yield _pages(settings)
    yield _masking(settings)
    yield _reach(settings)


def _python() -> Finding:
    return Finding("python", "Python", "ok", f"{sys.version.split()[0]}，coach {__version__}")


def _packages() -> Finding:
    try:
        wanted = metadata.requires("coach") or []
    except metadata.PackageNotFoundError:
        return Finding(
            "packages",
            "依赖包",
            "warning",
            "coach 未作为软件包安装，无法核对依赖",
            "用 pip install 安装 coach",
        )
    missing, count = [], 0
    for line in wanted:
        requirement, _, marker = line.partition(";")
        parsed = _REQUIREMENT.match(requirement.strip())
        if "extra" in marker or parsed is None:
            continue
        count += 1
        name, bounds = parsed[1], parsed[2]
        lowest = _AT_LEAST.search(bounds)
        try:
            have = metadata.version(name)
        except metadata.PackageNotFoundError:
            if not marker.strip():
                missing.append(f"{name}（未安装）")
            continue
        if lowest is not None and _numbers(have) < _numbers(lowest[1]):
            missing.append(f"{name} {have}（应为 {lowest[1]} 以上）")
    if missing:
        return Finding("packages", "依赖包", "error", "、".join(missing), "重新执行 pip install coach")
    return Finding("packages", "依赖包", "ok", f"{count} 个都在")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:4])


def _clock() -> Finding:
    before = _ahead()
    time.sleep(_CLOCK_S)
    drift = abs(_ahead() - before)
    now = datetime.now(UTC)
    says = f"{now:%Y-%m-%d %H:%M:%S} UTC"
    # Nothing of this program is older; a clock before it was never set.
    if now.year < 2025:  # noqa: PLR2004
        return Finding(
            "clock", "时钟", "error", says, "系统时间不对，请启用时间同步（chrony 或 systemd-timesyncd）"
        )
    if drift > _CLOCK_DRIFT:
        return Finding(
            "clock", "时钟", "warning", f"{says}；{_CLOCK_S * 1000:.0f} 毫秒内跳动了 {drift * 1000:.0f} 毫秒",
            "时间同步正在大幅校时；稳定之后再启动，令牌的有效期和承诺的时间依赖它",
        )  # fmt: skip
    return Finding("clock", "时钟", "ok", says)


def _ahead() -> float:
    """Return how far the clock is ahead of the time since the machine started, in seconds."""

    def read() -> tuple[float, float]:
        began = time.monotonic()
        wall = time.time()
        return time.monotonic() - began, wall - began

    # Of several the one that nothing came in between of.
    return min(read() for _ in range(5))[1]


def _zone() -> Finding:
    here = datetime.now(UTC).astimezone()
    offset = here.utcoffset()
    says = f"{here.tzname()}（UTC{here:%z}）"
    if not offset:
        return Finding(
            "timezone", "时区", "warning", says,
            "“明天下午五点”按本机时区理解；坐席在国内时请设 TZ=Asia/Shanghai",
        )  # fmt: skip
    return Finding("timezone", "时区", "ok", says)


def _files(settings: Settings) -> Finding:
    try:
        import resource  # noqa: PLC0415 - absent on Windows
    except ImportError:
        return Finding("files", "打开文件数", "ok", "此系统没有这项限制")
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = settings.max_connections + _FILES_BESIDES
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return Finding("files", "打开文件数", "ok", f"上限 {'不限' if soft < 0 else soft}")
    return Finding(
        "files", "打开文件数", "warning",
        f"上限 {soft}，而 max_connections 为 {settings.max_connections}",
        f"启动前执行 ulimit -n {wanted}（systemd 用 LimitNOFILE={wanted}），或把 max_connections 调低",
    )  # fmt: skip


def _folder(folder: Path) -> Finding:
    if not folder.exists():
        parent = next((each for each in folder.resolve().parents if each.is_dir()), None)
        if parent is not None and os.access(parent, os.W_OK):
            return Finding("data", "数据目录", "ok", f"{folder} 还没有，首次启动时建立")
        return Finding(
            "data", "数据目录", "error", f"{folder} 不存在，也无法在 {parent} 中建立",
            "用 COACH_DATA_DIR 换一个目录，或授予写权限",
        )  # fmt: skip
    if not folder.is_dir():
        return Finding("data", "数据目录", "error", f"{folder} 不是目录", "用 COACH_DATA_DIR 指定一个目录")
    if not os.access(folder, os.W_OK | os.X_OK):
        return Finding(
            "data", "数据目录", "error", f"{folder} 不可写", f"chown 给运行 coach 的用户：{folder}"
        )
    mode = stat.S_IMODE(folder.stat().st_mode)
    if os.name == "posix" and mode & 0o077:
        return Finding(
            "data",
            "数据目录",
            "warning",
            f"{folder} 的权限是 {mode:o}，其他用户也能看",
            f"chmod 700 {folder}",
        )
    return Finding("data", "数据目录", "ok", str(folder))


def _disk(folder: Path) -> Finding:
    place = next(each for each in (folder.resolve(), *folder.resolve().parents) if each.exists())
    usage = shutil.disk_usage(place)
    says = f"剩余 {usage.free / _GIB:.1f} GB，共 {usage.total / _GIB:.1f} GB"
    mend = "清理磁盘或把 COACH_DATA_DIR 移到更大的盘；写不下时不再确认任何事件"
    if usage.free < _DISK_ERROR:
        return Finding("disk", "磁盘", "error", says, mend)
    if usage.free < _DISK_WARNING:
        return Finding("disk", "磁盘", "warning", says, mend)
    return Finding("disk", "磁盘", "ok", says)


def _port(settings: Settings, *, digest: str) -> Finding:
    if settings.port == 0:
        return Finding("port", "端口", "ok", "由系统选择")
    host = settings.host
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, settings.port), family=family).close()
    except OSError as error:
        return _listener(settings, digest=digest, reason=error.strerror or str(error))
    return Finding("port", "端口", "ok", f"{host}:{settings.port} 空闲，服务没有在运行")


def _listener(settings: Settings, *, digest: str, reason: str) -> Finding:
    """Tell who has the port, if it is one of ours."""
    host = settings.host if settings.host not in {"0.0.0.0", "::"} else "127.0.0.1"  # noqa: S104 - compared only
    where = f"{settings.host}:{settings.port}"
    scheme = "https" if settings.tls_cert else "http"
    try:
        answer = httpx.get(
            f"{scheme}://{f'[{host}]' if ':' in host else host}:{settings.port}/healthz",
            # A service that answers to certain names only is asked by one of them.
            headers={"Host": settings.hosts[0]} if settings.hosts else None,
            timeout=3,
            trust_env=False,
            # The certificate is for the name that users know; only public facts are asked, of this machine.
            verify=False,  # noqa: S501
        )
        health = orjson.loads(answer.content)
        version, rules, problem = health["version"], health["rules"], health["store"]["problem"]
    except (httpx.HTTPError, orjson.JSONDecodeError, KeyError, TypeError):
        return Finding(
            "port", "端口", "error", f"{where}: {reason}", "换一个 COACH_PORT，或停掉占用它的程序（ss -ltnp）"
        )
    says = f"{where} 上正在运行 coach {version}，{health['calls']} 通电话，{health['connections']} 个连接"
    if problem:
        return Finding(
            "port", "服务", "error", f"{says}；数据库写不进去：{problem}", "看磁盘和数据目录这两项"
        )
    if rules["stale"]:
        return Finding(
            "port", "服务", "warning", f"{says}；它用的是旧规则", "按“规则”一项的提示改好文件，会自动生效"
        )
    if version != __version__ or (digest and rules["digest"] != digest):
        return Finding(
            "port", "服务", "warning", f"{says}；它的规则 {rules['digest']} 与磁盘上的 {digest or '?'} 不同",
            "设置不同（COACH_RULES_DIR、COACH_PACKS），或版本不同：重启服务",
        )  # fmt: skip
    return Finding("port", "服务", "ok", says)


def _pages(settings: Settings) -> Finding:
    missing = [page for page in _PAGES if not (settings.web / page).is_file()]
    if missing:
        return Finding(
            "pages", "页面", "warning", f"{settings.web} 里没有 {'、'.join(missing)}",
            "npm --prefix web ci && npm --prefix web run build，或安装发布的 wheel；接口不受影响",
        )  # fmt: skip
    return Finding("pages", "页面", "ok", str(settings.web))


def _masking(settings: Settings) -> Finding:
    if settings.masking:
        return Finding("masking", "脱敏", "ok", "已打开")
    return Finding(
        "masking", "脱敏", "warning", "已关闭：号码、姓名、地址原样显示和保存", "去掉 COACH_MASKING=off"
    )


def _reach(settings: Settings) -> Finding:
    name, title = "access", "访问范围"
    if is_loopback(settings.host):
        return Finding(name, title, "ok", "只有本机能访问")
    if settings.metrics == "open":
        return Finding(name, title, "warning", "/metrics 对所有人开放", "设 COACH_METRICS=loopback 或 key")
    if not settings.hosts or not settings.origins:
        missing = "、".join(
            each for each, given in (("hosts", settings.hosts), ("origins", settings.origins)) if not given
        )
        return Finding(
            name, title, "warning", f"监听 {settings.host}，没有设置 {missing}",
            "COACH_HOSTS 写服务的域名，COACH_ORIGINS 写嵌入侧边栏的网页来源；前面要有 TLS 反向代理",
        )  # fmt: skip
    return Finding(name, title, "ok", f"监听 {settings.host}，来源 {'、'.join(settings.origins)}")
