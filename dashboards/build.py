#!/usr/bin/env python3
"""Writes the Grafana dashboards beside it. Usage: build.py [--check]

The dashboards are described in panels/*.py: rows of panels, each a title, a unit and queries. What Grafana wants
besides stands here. --check writes nothing and fails where a file is not as it would be written.
"""
import importlib.util
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = {"type": "prometheus", "uid": "$datasource"}
UP_DOWN = [{"type": "value", "options": {"0": {"text": "down", "color": "red", "index": 0},
                                         "1": {"text": "up", "color": "green", "index": 1}}}]
YES_NO = [{"type": "value", "options": {"0": {"text": "no", "index": 0}, "1": {"text": "yes", "index": 1}}}]


def panel(kind, title, unit, queries, width=8, height=8, help="", thresholds=None, mappings=None, decimals=None,
          minimum=None, maximum=None, stack=False, legend=True, text="auto"):
    """One panel. `queries` is an expression, or a list of (expression, legend)."""
    if isinstance(queries, str):
        queries = [(queries, "{{instance}}")]
    instant = kind in ("stat", "gauge", "table", "bargauge")
    targets = []
    for number, (expression, label) in enumerate(queries):
        target = {"datasource": SOURCE, "expr": expression, "legendFormat": label, "refId": chr(ord("A") + number),
                  "editorMode": "code", "range": not instant, "instant": instant}
        if kind == "table":
            target["format"] = "table"
        targets.append(target)
    steps = [{"color": "green", "value": None}] + [{"color": c, "value": v} for v, c in thresholds or []]
    defaults = {"unit": unit, "thresholds": {"mode": "absolute", "steps": steps}, "mappings": mappings or [],
                "color": {"mode": "thresholds" if instant else "palette-classic"}}
    for key, value in (("decimals", decimals), ("min", minimum), ("max", maximum)):
        if value is not None:
            defaults[key] = value
    made = {"type": kind, "title": title, "datasource": SOURCE, "targets": targets,
            "gridPos": {"w": width, "h": height}, "fieldConfig": {"defaults": defaults, "overrides": []}}
    if help:
        made["description"] = help
    if kind == "timeseries":
        defaults["custom"] = {"drawStyle": "line", "lineWidth": 1, "fillOpacity": 30 if stack else 8,
                              "showPoints": "never", "spanNulls": False,
                              "stacking": {"mode": "normal" if stack else "none", "group": "A"}}
        made["options"] = {"legend": {"showLegend": legend, "displayMode": "list", "placement": "bottom", "calcs": []},
                           "tooltip": {"mode": "multi", "sort": "desc"}}
    elif kind == "state-timeline":
        defaults["color"] = {"mode": "thresholds"}
        defaults["custom"] = {"lineWidth": 0, "fillOpacity": 70}
        made["options"] = {"showValue": "never", "mergeValues": True, "rowHeight": 0.85,
                           "legend": {"showLegend": False, "displayMode": "list", "placement": "bottom"},
                           "tooltip": {"mode": "single", "sort": "none"}}
    elif kind == "table":
        made["options"] = {"showHeader": True, "cellHeight": "sm", "footer": {"show": False}}
        made["transformations"] = [{"id": "merge", "options": {}},
                                   {"id": "organize", "options": {"excludeByName": {"Time": True, "__name__": True}}}]
    else:
        made["options"] = {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
                           "orientation": "auto"}
        if kind == "stat":
            made["options"].update({"colorMode": "value", "graphMode": "none", "justifyMode": "auto",
                                    "textMode": text})
    return made


def stat(title, unit, queries, width=4, height=4, **more):
    return panel("stat", title, unit, queries, width, height, **more)


def graph(title, unit, queries, width=8, height=8, **more):
    return panel("timeseries", title, unit, queries, width, height, **more)


def table(title, unit, queries, width=12, height=8, **more):
    return panel("table", title, unit, queries, width, height, **more)


def timeline(title, queries, width=24, height=6, **more):
    more.setdefault("thresholds", [])
    return panel("state-timeline", title, "none", queries, width, height, **more)


def variable(name, label, query, every=True):
    made = {"name": name, "label": label, "type": "query", "datasource": SOURCE, "definition": query,
            "query": {"query": query, "refId": "PrometheusVariableQueryEditor-VariableQuery"}, "refresh": 2, "sort": 1,
            "regex": "", "hide": 0, "skipUrlSync": False, "includeAll": every, "multi": every, "options": []}
    if every:
        made.update({"allValue": ".*", "current": {"selected": True, "text": ["All"], "value": ["$__all"]}})
    else:
        made["current"] = {}
    return made


def lay_out(rows):
    """Puts panels side by side, row by row, 24 columns wide."""
    placed, y = [], 0
    for title, panels in rows:
        placed.append({"type": "row", "title": title, "collapsed": False, "panels": [],
                       "gridPos": {"h": 1, "w": 24, "x": 0, "y": y}})
        y += 1
        x = height = 0
        for one in panels:
            grid = one["gridPos"]
            if x + grid["w"] > 24:
                x, y, height = 0, y + height, 0
            grid.update({"x": x, "y": y})
            x, height = x + grid["w"], max(height, grid["h"])
            placed.append(one)
        y += height
    for number, one in enumerate(placed):
        one["id"] = number + 1
    return placed


def dashboard(uid, title, description, variables, rows):
    source = {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "refresh": 1,
              "regex": "", "hide": 0, "skipUrlSync": False, "includeAll": False, "multi": False, "options": [],
              "current": {}}
    links = [{"type": "dashboards", "title": "tocsin", "tags": ["tocsin"], "asDropdown": True, "includeVars": False,
              "keepTime": True, "targetBlank": False, "icon": "external link", "tooltip": "", "url": ""}]
    return {"uid": uid, "title": title, "description": description, "tags": ["tocsin"], "schemaVersion": 37,
            "version": 1, "editable": True, "graphTooltip": 1, "refresh": "30s", "timezone": "browser",
            "time": {"from": "now-1h", "to": "now"}, "timepicker": {}, "fiscalYearStartMonth": 0, "weekStart": "",
            "links": links, "annotations": {"list": []}, "templating": {"list": [source] + variables},
            "panels": lay_out(rows)}


def main():
    check = sys.argv[1:] == ["--check"]
    different = []
    for file in sorted((HERE / "panels").glob("*.py")):
        spec = importlib.util.spec_from_file_location(file.stem, file)
        module = importlib.util.module_from_spec(spec)
        module.__dict__.update({"stat": stat, "graph": graph, "table": table, "timeline": timeline,
                                "variable": variable, "UP_DOWN": UP_DOWN, "YES_NO": YES_NO})
        spec.loader.exec_module(module)
        text = json.dumps(dashboard("tocsin-" + file.stem, module.TITLE, module.HELP, module.VARIABLES, module.ROWS),
                          indent=1) + "\n"
        target = HERE / (file.stem + ".json")
        if check:
            if not target.exists() or target.read_text() != text:
                different.append(target.name)
        else:
            target.write_text(text)
    if different:
        sys.exit("not as dashboards/build.py writes them: " + ", ".join(different))


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    main()
