# What is asked over HTTP and its neighbours.
TITLE = "tocsin / HTTP"
HELP = "HTTP and what else blackbox_exporter probes, by its names."
VARIABLES = [
    variable("job", "Job", "label_values(probe_success, job)"),
    variable("instance", "Instance", 'label_values(probe_success{job=~"$job"}, instance)'),
]
S = '{job=~"$job", instance=~"$instance"}'
ROWS = [
    ("Now", [
        stat("Up", "short", [(f"sum(probe_success{S})", "")]),
        stat("Down", "short", [(f"count(probe_success{S} == 0) or vector(0)", "")], thresholds=[(1, "red")]),
        stat("Availability in this range", "percentunit", [(f"avg(avg_over_time(probe_success{S}[$__range]))", "")],
             decimals=3),
        stat("Mean duration", "s", [(f"avg(probe_duration_seconds{S})", "")], decimals=3),
        stat("First certificate to expire", "s", [(f"min(probe_ssl_earliest_cert_expiry{S} - time())", "")]),
        stat("Over TLS", "short", [(f"sum(probe_http_ssl{S})", "")]),
    ]),
    ("Targets", [
        timeline("Up and down", [(f"probe_success{S}", "{{instance}}")], height=8, mappings=UP_DOWN),
        graph("Duration", "s", [(f"probe_duration_seconds{S}", "{{instance}}")], width=12),
        graph("Duration by phase", "s", [(f"avg by (phase) (probe_http_duration_seconds{S})", "{{phase}}")], width=12,
              stack=True, help="resolve, connect, tls, processing and transfer; the mean of all targets."),
        timeline("Status", [(f"probe_http_status_code{S}", "{{instance}}")], width=24,
                 thresholds=[(300, "yellow"), (400, "red")]),
        table("Answers", "none",
              [(f"max by (job, instance) (probe_http_status_code{S})", "status"),
               (f"max by (job, instance) (probe_http_version{S})", "HTTP version"),
               (f"max by (job, instance) (probe_http_ssl{S})", "TLS"),
               (f"max by (job, instance) (probe_http_redirects{S})", "redirects")], width=24),
        graph("Look-up of the name", "s", [(f"probe_dns_lookup_time_seconds{S}", "{{instance}}")]),
        graph("Length of the body", "bytes", [(f"probe_http_uncompressed_body_length{S}", "{{instance}}")]),
        graph("Redirects", "short", [(f"probe_http_redirects{S}", "{{instance}}")]),
    ]),
    ("Certificates", [
        table("Expiry", "s",
              [(f"sort(min by (job, instance) (probe_ssl_earliest_cert_expiry{S} - time()))", "")], width=12),
        table("TLS", "none", [(f"max by (job, instance, version) (probe_tls_version_info{S})", "")], width=12),
    ]),
    ("Failures", [
        graph("By class", "short",
              [(f"sum by (class) (increase(tocsin_probe_failures_total{S}[$__rate_interval]) "
                f"and on (job, instance) probe_success{S})", "{{class}}")], width=12, stack=True),
        graph("Body not as expected", "short", [(f"probe_failed_due_to_regex{S}", "{{instance}}")], width=12),
    ]),
]
