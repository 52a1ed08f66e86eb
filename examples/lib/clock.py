"""Configuration on a faster clock.

The files of an example say what production says: `for: 5m`, `average: 300s`, `cooldown: {up: 30m}`. A demo has a minute. `faster()` copies such a
file with every length of time divided by a factor, so that the rules and everything else stay as they are.
"""
import re

FLOOR = 1.0          # no length of time becomes shorter than a second: probes and judgements of a busy machine need that
WINDOW_FLOOR = 4.0   # nor a window that rules look back over than four probes: a rate over less has nothing to go by

# What these say is about the world or about one answer, and not about how long something lasts.
KEPT = {"probe_timeout", "evaluation_timeout", "confirm", "cold_start", "within", "certificate_valid", "max_age",
        "for_outage_tolerance", "retention", "history", "reconnect"}

# How long a command or an answer may take: machines are not faster on a faster clock.
TIMEOUTS = {"timeout"}
TIMEOUT_FLOOR = 5.0

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_PART = r"\d+(?:\.\d+)?(?:ms|[smhdw])"
_LENGTH = re.compile(rf"(?<![\w.:$-])(?P<length>(?:{_PART})+)(?![\w.:])")
_KEY = re.compile(r"([A-Za-z_]\w*):\s*[\"']?$")
_COMMANDS = re.compile(r"(?<=\bcommands: )(\d+)")


def seconds(length: str) -> float:
    """A length of time as Prometheus writes it.

    >>> seconds("1h30m"), seconds("500ms"), seconds("2d")
    (5400.0, 0.5, 172800.0)
    """
    return sum(float(number) * _UNITS[unit] for number, unit in re.findall(r"(\d+(?:\.\d+)?)(ms|[smhdw])", length))


def shorten(length: str, factor: float, floor: float = FLOOR) -> str:
    """That length of time on a clock that is `factor` times as fast.

    >>> shorten("5m", 60), shorten("15s", 60), shorten("0s", 60), shorten("45m", 1000), shorten("300ms", 60)
    ('5s', '1s', '0s', '2700ms', '300ms')
    """
    whole = seconds(length)
    milliseconds = round(max(whole / factor, min(whole, floor)) * 1000)
    return f"{milliseconds}ms" if milliseconds % 1000 else f"{milliseconds // 1000}s"


def _line(line: str, factor: float) -> str:
    code, mark, comment = line.partition(" #")

    def replace(found: re.Match[str]) -> str:
        before = code[:found.start()]
        key = _KEY.search(before)
        if key and key[1] in KEPT and "approve:" not in before:
            return found["length"]
        if key and key[1] in TIMEOUTS:
            return shorten(found["length"], factor, TIMEOUT_FLOOR)
        window = before.endswith("[") or before.endswith("]:") or before.endswith(":") and before.rfind("[") > before.rfind("]")
        return shorten(found["length"], factor, WINDOW_FLOOR if window else FLOOR)

    code = _LENGTH.sub(replace, code)
    if "budget:" in code:  # so many a day are so many more in a day that is shorter
        code = _COMMANDS.sub(lambda found: str(round(int(found[1]) * factor)), code)
    return code + mark + comment


def faster(text: str, factor: float) -> str:
    """A file's text with every length of time divided.

    >>> print(faster('''for: 5m                 # not 15m, as before
    ... expr: rate(redis_evicted_keys_total[5m]) > 0 and redis:evicted_keys:rate5m
    ... expr: max_over_time(x[15s])
    ... cooldown: {up: 30m, down: 2h}
    ... limits: {per_target: 3/1h}
    ... timeout: 1m
    ... timeout: 2s
    ... expect: {within: 1s}
    ... approve: {within: 1h}
    ... at: "02:00"
    ... memory: 5M
    ... budget: {commands: 1000, per: day}''', 60))
    for: 5s                 # not 15m, as before
    expr: rate(redis_evicted_keys_total[5s]) > 0 and redis:evicted_keys:rate5m
    expr: max_over_time(x[4s])
    cooldown: {up: 30s, down: 120s}
    limits: {per_target: 3/60s}
    timeout: 5s
    timeout: 2s
    expect: {within: 1s}
    approve: {within: 60s}
    at: "02:00"
    memory: 5M
    budget: {commands: 60000, per: day}
    """
    return "\n".join(_line(line, factor) for line in text.split("\n"))
