"""The score as a page: tables that need no script, and charts that Plotly draws where it may.

The script is the one of the installed package: copied beside the page, or put into it. Nothing is fetched from
anywhere.
"""

from __future__ import annotations

import html
import json
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from borough.scoring.bays import WORDS as BAY_WORDS
from borough.scoring.bays import BayScore
from borough.scoring.result import BAD, WORDS, Score, joined
from devices.counts import counted

_SCRIPT = "plotly.min.js"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BECAME = ("stored", "duplicate", "restated", "rejected", "thinned", "wrong_value", "wrong_time", "missing")

_STYLE = """
:root { color-scheme: light dark; --bad: #b3261e; --line: #8886; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; display: block; overflow-x: auto; }
caption { text-align: left; font-weight: 600; padding: .3rem 0; }
th, td { padding: .25rem .6rem; border-bottom: 1px solid var(--line); text-align: right; }
th:first-child, td:first-child { text-align: left; }
.bad { color: var(--bad); font-weight: 700; }
.verdict { font-size: 1.3rem; }
svg text { font: .75rem system-ui, sans-serif; fill: currentColor; }
figure { margin: 1.5rem 0; }
"""


def write_report(path: Path, result: Score, ledgers: Sequence[str], *, inline: bool = False) -> list[Path]:
    """Write the page, and the script beside it unless it is ``inline``; the files written. Raises OSError."""
    script = _script_file()
    written = [path]
    if inline:
        text = script.read_text(encoding="utf-8").replace("</script", "<\\/script")
        source = f"<script>{text}</script>"
    else:
        copy = path.with_name(_SCRIPT)
        shutil.copyfile(script, copy)
        written.append(copy)
        source = f'<script src="{_SCRIPT}"></script>'
    path.write_text(page(result, ledgers, source), encoding="utf-8")
    return written


def _script_file() -> Path:
    import plotly

    return Path(plotly.__file__).parent / "package_data" / _SCRIPT


def page(result: Score, ledgers: Sequence[str], script: str) -> str:
    """The page as HTML. ``script``: the element that brings Plotly, or "" for a page of tables alone."""
    title = f"Score of {', '.join(ledgers)}"
    verdict = (
        "Nothing is lost and nothing is wrong."
        if result.good
        else "; ".join(f"{result.total(word):,} {_said(word)}" for word in BAD if result.total(word)) + "."
    )
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{html.escape(title)}</h1>",
        f'<p class="verdict{"" if result.good else " bad"}">{html.escape(verdict)}</p>',
        f"<p>{counted(result.total('published'), 'reading')}, published {_span(result)}.</p>",
        _families(result),
        _figure("became", "What became of the readings, by family", _bars(result)),
        _lags(result),
        _figure("lags", "From publication to commit: share of series that took at most so long", ""),
        _faults(result),
        _figure("rate", "Readings published, by minute", _rate(result)),
        _bays(result.bays),
        _examples(result),
        script,
    ]
    if script:
        parts.append(f"<script>{_draw(result)}</script>")
    return "\n".join([*parts, "</body></html>", ""])


def _said(word: str) -> str:
    return word.replace("_", " ")


def _span(result: Score) -> str:
    if result.first is None or result.last is None:
        return "never"
    first, last = (_EPOCH + timedelta(microseconds=moment) for moment in (result.first, result.last))
    return f"from {first:%Y-%m-%d %H:%M:%S} to {last:%Y-%m-%d %H:%M:%S} UTC"


def _table(caption: str, heads: Sequence[str], rows: Sequence[Sequence[Any]], bad: Sequence[str] = ()) -> str:
    lines = [f"<table><caption>{html.escape(caption)}</caption><thead><tr>"]
    lines += [f'<th scope="col">{html.escape(head)}</th>' for head in heads]
    lines.append("</tr></thead><tbody>")
    for row in rows:
        cells = []
        for head, cell in zip(heads, row, strict=True):
            alarming = head in bad and cell not in (0, "", "0")
            text = f"{cell:,}" if isinstance(cell, int) else str(cell)
            cells.append(f"<td{' class=bad' if alarming else ''}>{html.escape(text)}</td>")
        lines.append(f"<tr>{''.join(cells)}</tr>")
    return "".join([*lines, "</tbody></table>"])


def _families(result: Score) -> str:
    rows = [[family, *(counts[word] for word in WORDS)] for family, counts in sorted(result.families.items())]
    rows.append(["all", *(result.total(word) for word in WORDS)])
    return _table("Readings by family", ["family", *map(_said, WORDS)], rows, [_said(word) for word in BAD])


def _lags(result: Score) -> str:
    rows = []
    for family in sorted(result.lags):
        lag = joined(result.lags[family])
        marks = np.quantile(lag, (0.5, 0.95, 0.99, 1)).tolist()
        rows.append([family, len(lag), *(f"{mark:.3f}" for mark in marks)])
    heads = ["family", "series", "median", "95 %", "99 %", "longest"]
    caption = "Seconds from publication to commit, of each series' newest reading"
    return _table(caption, heads, rows) if rows else ""


def _faults(result: Score) -> str:
    rows = [
        [name.replace("_", " "), *(counts.get(word, 0) for word in _BECAME)]
        for name, counts in sorted(result.faults.items())
    ]
    heads = ["fault", *map(_said, _BECAME)]
    return _table("What became of readings with a fault", heads, rows, ["wrong value", "wrong time", "missing"])


def _bays(bays: BayScore | None) -> str:
    if bays is None:
        return ""
    heads = ["bays", *BAY_WORDS]
    rows: list[list[Any]] = [
        [name, *(counts.get(word, "") for word in BAY_WORDS)]
        for name, counts in (("stays", bays.stays), ("overstays", bays.overstays))
    ]
    causes = [
        [name.replace("_", " "), *(counts.get(word, 0) for word in BAY_WORDS[2:])]
        for name, counts in sorted(bays.causes.items())
    ]
    parts = [_table("What was made of bays", heads, rows)]
    if causes:
        parts.append(_table("Stays that are not as they were, by fault", ["fault", *BAY_WORDS[2:]], causes))
    if bays.error is not None:
        parts.append(f"<p>Mean absolute error of the occupancy of zones by quarter hour: {bays.error:.2%}.</p>")
    return "".join(parts)


def _examples(result: Score) -> str:
    if not result.examples:
        return ""
    heads = ["device", "property", "time", "value", "fault", "became"]
    rows = [
        [
            item["device"],
            item["property"],
            f"{item['stored_time']:%Y-%m-%d %H:%M:%S}",
            f"{item['stored_value']:g}",
            item["fault"],
            _said(item["became"]),
        ]
        for item in result.examples
    ]
    return _table("Some that are missing or wrong", heads, rows)


def _figure(name: str, caption: str, fallback: str) -> str:
    return f'<figure><figcaption>{html.escape(caption)}</figcaption><div id="{name}">{fallback}</div></figure>'


def _bars(result: Score) -> str:
    """A bar for each family without any script: the share that is as it should be."""
    lines, height = [], 28
    for place, (family, counts) in enumerate(sorted(result.families.items())):
        published = max(counts["published"], 1)
        good = 1 - min(1.0, sum(counts[word] for word in BAD) / published)
        y = place * height
        lines.append(
            f'<text x="0" y="{y + 16}">{html.escape(family)}</text>'
            f'<rect x="150" y="{y + 4}" width="600" height="16" fill="#b3261e"/>'
            f'<rect x="150" y="{y + 4}" width="{600 * good:.1f}" height="16" fill="#2a78b5"/>'
            f'<text x="760" y="{y + 16}">{good:.2%} as it should be</text>'
        )
    size = height * max(len(result.families), 1)
    return f'<svg viewBox="0 0 920 {size}" role="img" aria-label="Share as it should be">{"".join(lines)}</svg>'


def _rate(result: Score) -> str:
    """The curve of publications without any script."""
    if not result.minutes:
        return ""
    first, last = min(result.minutes), max(result.minutes)
    most = max(result.minutes.values())
    width = max(last - first, 1)
    points = " ".join(
        f"{900 * (minute - first) / width:.1f},{100 - 95 * result.minutes[minute] / most:.1f}"
        for minute in sorted(result.minutes)
    )
    height = counted(most, "reading")
    return (
        f'<svg viewBox="0 0 900 120" role="img" aria-label="At most {height} a minute">'
        f'<polyline points="{points}" fill="none" stroke="#2a78b5" stroke-width="2"/>'
        f'<text x="0" y="116">at most {most:,} a minute</text></svg>'
    )


def _draw(result: Score) -> str:
    """The charts, for Plotly; they take the place of what stands there without it."""
    families = sorted(result.families)
    stacks = [word for word in WORDS if word not in ("published", "unsent") and result.total(word)]
    became = [
        {"type": "bar", "name": _said(word), "x": families, "y": [result.families[name][word] for name in families]}
        for word in stacks
    ]
    lags = []
    for family in sorted(result.lags):
        lag = np.sort(joined(result.lags[family]))
        lag = lag[np.linspace(0, len(lag) - 1, min(len(lag), 500)).astype(int)]
        share = np.linspace(0, 1, len(lag)) if len(lag) > 1 else np.ones(1)
        lags.append({"name": family, "x": np.round(lag, 4).tolist(), "y": np.round(share, 4).tolist()})
    minutes = sorted(result.minutes)
    rate = {
        "type": "bar",
        "x": [(_EPOCH + timedelta(minutes=minute)).isoformat() for minute in minutes],
        "y": [result.minutes[minute] for minute in minutes],
    }
    layout = {"margin": {"t": 10}, "paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)"}
    charts = {
        "became": [became, {**layout, "barmode": "stack", "yaxis": {"title": {"text": "readings"}}}],
        "lags": [lags, {**layout, "xaxis": {"title": {"text": "seconds"}}, "yaxis": {"title": {"text": "share"}}}],
        "rate": [[rate], {**layout, "yaxis": {"title": {"text": "readings"}}}],
    }
    data = json.dumps(charts).replace("<", "\\u003c")
    return (
        f"if (window.Plotly) for (const [name, [data, layout]] of Object.entries({data})) {{"
        "if (!data.length) continue; const place = document.getElementById(name); place.replaceChildren();"
        "Plotly.newPlot(place, data, layout, {responsive: true, displaylogo: false}); }"
    )
