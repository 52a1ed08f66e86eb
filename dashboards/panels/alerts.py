# Alerts, the way to Alertmanager, and actions.
TITLE = "tocsin / Alerts and actions"
HELP = "What fires, whether Alertmanager is told, what rules cost, and what actions did."
VARIABLES = [
    variable("alertname", "Alert", "label_values(tocsin_alerts, alertname)"),
    variable("alertmanager", "Alertmanager", "label_values(tocsin_notifications_sent_total, alertmanager)"),
    variable("action", "Action", "label_values(tocsin_action_running, action)"),
]
FIRING = 'tocsin_alerts{alertname=~"$alertname", state="firing"}'
PENDING = 'tocsin_alerts{alertname=~"$alertname", state="pending"}'
TO = '{alertmanager=~"$alertmanager"}'
BY = '{action=~"$action"}'
ROWS = [
    ("Alerts", [
        stat("Firing", "short", [(f"sum({FIRING})", "")], thresholds=[(2, "orange")],
             help="The watchdog always fires: one is the least."),
        stat("Pending", "short", [(f"sum({PENDING})", "")]),
        stat("Rules on watch", "short", [(f"count({FIRING})", "")]),
        stat("Waiting for an Alertmanager", "short", [(f"sum(tocsin_notifications_queue_length{TO})", "")],
             thresholds=[(100, "orange")]),
        stat("Given up", "short", [(f"sum(tocsin_notifications_dropped_total{TO})", "")], thresholds=[(1, "red")]),
        stat("Actions stopped", "short", [(f"sum(tocsin_action_breaker_open{BY})", "")], thresholds=[(1, "red")],
             help="Stopped after failures, until somebody looks."),
        stat("Wait for approval", "short", [(f"count(tocsin_action_awaiting_approval{BY}) or vector(0)", "")],
             thresholds=[(1, "orange")], help="Proposals that a person may approve: tocsin actions list."),
        stat("Pauses in force", "short", [("count(tocsin_actions_paused) or vector(0)", "")],
             thresholds=[(1, "red")], help="The kill switch: tocsin actions resume lifts it."),
        stat("At their end", "short", [(f"sum(tocsin_action_at_end{BY})", "")], thresholds=[(1, "orange")],
             help="More is asked for than bounds allow."),
        timeline("What fires", [(f"{FIRING} > 0", "{{alertname}}")], height=8, thresholds=[(1, "red")]),
        graph("Firing, by severity", "short", [(f"sum by (severity) ({FIRING})", "{{severity}}")], width=12,
              stack=True),
        table("Firing and pending", "short",
              [(f'sum by (alertname, severity, state) (tocsin_alerts{{alertname=~"$alertname"}}) > 0', "")], width=12),
    ]),
    ("To Alertmanager", [
        graph("Sent", "ops", [(f"rate(tocsin_notifications_sent_total{TO}[$__rate_interval])", "{{alertmanager}}")],
              width=6),
        graph("Failed requests", "ops",
              [(f"rate(tocsin_notifications_errors_total{TO}[$__rate_interval])", "{{alertmanager}}")], width=6),
        graph("Given up", "ops",
              [(f"rate(tocsin_notifications_dropped_total{TO}[$__rate_interval])", "{{alertmanager}}")], width=6),
        graph("Waiting", "short", [(f"tocsin_notifications_queue_length{TO}", "{{alertmanager}}")], width=6),
    ]),
    ("Rules", [
        graph("Duration of evaluations", "s", [("tocsin_rule_group_last_duration_seconds", "{{rule_group}}")],
              legend=False),
        graph("Evaluations", "ops",
              [("sum(rate(tocsin_rule_group_evaluations_total[$__rate_interval]))", "in all"),
               ("sum(rate(tocsin_rule_early_runs_total[$__rate_interval]))", "at once, because a target flipped")]),
        graph("Failed and missed", "ops",
              [("sum(rate(tocsin_rule_group_failures_total[$__rate_interval]))", "failed rules"),
               ("sum(rate(tocsin_rule_group_missed_total[$__rate_interval]))", "missed evaluations")]),
    ]),
    ("Actions", [
        graph("Steps", "short",
              [(f"sum by (action, step) (increase(tocsin_action_steps_total{BY}[$__rate_interval]))",
                "{{action}}: {{step}}")], width=12,
              help="What an action came to: planned, started, verified, refused by a bound, ..."),
        table("Steps in all", "short", [(f"sum by (action, step) (tocsin_action_steps_total{BY})", "")], width=12),
        timeline("Running", [(f"tocsin_action_running{BY}", "{{action}}")], width=12, mappings=YES_NO),
        timeline("Where each is", [(f"tocsin_action_step{BY}", "{{action}}: {{step}}")], width=12,
                 help="The step of the newest run or decision."),
        graph("Failures in a row", "short", [(f"tocsin_action_failures_in_row{BY}", "{{action}}")], width=12),
        timeline("Stopped after failures", [(f"tocsin_action_breaker_open{BY}", "{{action}}")], width=12,
                 mappings=YES_NO, thresholds=[(1, "red")]),
        stat("Journal can be written", "none", [("min(tocsin_journal_usable)", "")], width=6, mappings=YES_NO,
             help="If not, no action is carried out."),
    ]),
]
