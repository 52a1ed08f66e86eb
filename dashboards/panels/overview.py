# All targets at a glance, and tocsin itself.
TITLE = "tocsin / Overview"
HELP = "All targets that tocsin probes, of every kind, and tocsin itself."
SELECT = '{job=~"$job", instance=~"$instance"}'
VARIABLES = [
    variable("job", "Job", "label_values(tocsin_probe_success, job)"),
    variable("instance", "Instance", 'label_values(tocsin_probe_success{job=~"$job"}, instance)'),
]
ROWS = [
    ("Now", [
        stat("Targets up", "short", [(f"sum(tocsin_probe_success{SELECT})", "")]),
        stat("Targets down", "short", [(f"count(tocsin_probe_success{SELECT} == 0) or vector(0)", "")],
             thresholds=[(1, "red")]),
        stat("Alerts firing", "short", [('sum(tocsin_alerts{state="firing"})', "")], thresholds=[(2, "orange")],
             help="The watchdog always fires: one is the least."),
        stat("Alerts pending", "short", [('sum(tocsin_alerts{state="pending"})', "")]),
        stat("Slowest probe", "s", [(f"max(tocsin_probe_duration_seconds{SELECT})", "")], decimals=3),
        stat("Failed probes in this range", "short",
             [(f"sum(increase(tocsin_probe_failures_total{SELECT}[$__range]))", "")], decimals=0),
    ]),
    ("Targets", [
        timeline("Up and down", [(f"tocsin_probe_success{SELECT}", "{{job}} {{instance}}")], height=9,
                 mappings=UP_DOWN),
        graph("Duration of probes", "s", [(f"tocsin_probe_duration_seconds{SELECT}", "{{job}} {{instance}}")],
              width=12),
        graph("Failures by class", "short",
              [(f"sum by (class) (increase(tocsin_probe_failures_total{SELECT}[$__rate_interval]))", "{{class}}")],
              width=12, stack=True,
              help="timeout, connect, tls, auth, throttled, ...: what a probe failed of."),
        table("Targets that are down", "none",
              [(f"sort(min by (job, instance) (tocsin_probe_success{SELECT}))", "")], width=12,
              mappings=UP_DOWN, help="Those that are down come first."),
        table("Availability in this range", "percentunit",
              [(f"sort(avg by (job, instance) (avg_over_time(tocsin_probe_success{SELECT}[$__range])))", "")],
              width=12, decimals=4),
    ]),
    ("tocsin", [
        stat("Version", "none", [("tocsin_build_info", "{{version}}")], text="name"),
        stat("Targets", "short", [("sum(tocsin_targets)", "")]),
        stat("Series", "short", [("sum(tocsin_store_series)", "")]),
        stat("Memory of the store", "bytes", [("sum(tocsin_store_bytes)", "")]),
        stat("Last configuration good", "none", [("min(tocsin_config_last_reload_successful)", "")], mappings=YES_NO,
             thresholds=[]),
        stat("At a bound of the store", "none", [("max(tocsin_store_limit_hit)", "")], mappings=YES_NO,
             thresholds=[(1, "red")]),
        graph("Probes", "ops", [("rate(tocsin_probes_total[$__rate_interval])", "started"),
                                ("rate(tocsin_probes_skipped_total[$__rate_interval])", "skipped"),
                                ("rate(tocsin_sentinel_wakes_total[$__rate_interval])", "because a connection closed")]),
        graph("Samples", "ops", [("rate(tocsin_store_samples_appended_total[$__rate_interval])", "written"),
                                 ("rate(tocsin_store_samples_refused_total[$__rate_interval])", "refused")]),
        graph("Requests", "reqps", [("sum by (code) (rate(tocsin_http_requests_total[$__rate_interval]))", "{{code}}")]),
    ]),
]
