#include "src/commands.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <cstdio>
#include <map>

#include "src/action_lints.hpp"
#include "src/client.hpp"
#include "src/command_outline.hpp"
#include "src/commands_actions.hpp"
#include "src/completion.hpp"
#include "src/lints.hpp"
#include "src/loaded.hpp"
#include "src/manual.hpp"
#include "src/one_probe.hpp"
#include "src/process.hpp"
#include "src/rule_test_command.hpp"
#include "src/rule_test_file.hpp"
#include "src/unit_text.hpp"
#include "tocsin/core/yaml.hpp"
#include "tocsin/daemon/config/stop_timeout.hpp"
#include "tocsin/net/url.hpp"
#include "tocsin/rules/rule_file.hpp"

namespace tocsin::daemon {
namespace {

constexpr int good = 0, bad = 1, usage = 2, lints = 3;
constexpr const char* installed_socket = "/run/tocsin/tocsin.sock";

std::map<std::string, std::string> process_environment() {
  std::map<std::string, std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    if (const auto eq = text.find('='); eq != std::string_view::npos)
      all.emplace(text.substr(0, eq), text.substr(eq + 1));
  }
  return all;
}

void say(const std::string& text) { std::fputs(text.c_str(), stdout); }
void complain(const std::string& text) { std::fputs(text.c_str(), stderr); }

struct CheckOptions {
  std::vector<std::string> files;
  bool print_effective = false;
  bool as_service = false;
  bool lint_fatal = false;
  std::string unit;
};

bool is_rule_file(const core::YamlNode& root) {
  return root.find("groups") != nullptr || root.find("thresholds") != nullptr;
}

/// The stop timeout of the unit that will run the configuration, against what its actions may need.
void check_unit(const CheckOptions& options, const Config& config, core::Diagnostics& diagnostics) {
  const auto unit = options.unit.empty() ? read_own_unit() : read_unit({options.unit}, {});
  if (!unit) return;
  const auto timeout = parse_stop_timeout(unit->text);
  if (!timeout) return;
  if (const auto problem = stop_timeout_problem(config, *timeout)) {
    auto source = std::make_shared<core::SourceFile>(core::SourceFile{unit->path, unit->text});
    diagnostics.error(source, {}, *problem);
  }
}

void check_file(const std::string& path, const CheckOptions& options, core::Diagnostics& diagnostics) {
  core::Diagnostics first_look;
  const core::YamlDocument document = core::load_yaml(path, first_look);
  if (!first_look.has_errors() && is_rule_file(document.root)) {
    const auto groups = rules::parse_rule_file(document, diagnostics);
    std::size_t rules = 0;
    for (const auto& group : groups) rules += group.rules.size();
    if (!diagnostics.has_errors()) say(fmt::format("{}: good, {} rules in {} groups\n", path, rules, groups.size()));
    return;
  }
  if (!first_look.has_errors() && is_rule_test(document.root))
    return say(check_rule_test(document, process_environment(), diagnostics));
  LoadOptions load;
  load.environment = process_environment();
  load.require_secrets = options.as_service;
  const auto loaded = load_everything(path, load, diagnostics);
  if (!loaded) return;
  check_unit(options, loaded->config, diagnostics);
  warn_of_short_look_backs(*loaded, diagnostics);
  check_actions(*loaded, diagnostics);
  if (diagnostics.has_errors()) return;
  if (options.print_effective) {
    say(dump_config(loaded->config));
  } else {
    say(fmt::format("{}: good, {} targets, {} rules, {} actions, {} Alertmanagers\n", path,
                    loaded->config.targets.size(), loaded->rule_count(), loaded->config.actions.size(),
                    loaded->config.alertmanagers.size()));
  }
}

int check(const CheckOptions& options) {
  bool failed = false, warned = false;
  for (const std::string& path : options.files) {
    core::Diagnostics diagnostics;
    check_file(path, options, diagnostics);
    complain(diagnostics.render());
    failed |= diagnostics.has_errors();
    warned |= diagnostics.warnings() > 0;
  }
  if (failed) return bad;
  return warned && options.lint_fatal ? lints : good;
}

/// What the API says went wrong; other answers as they are.
std::string error_of(const std::string& body) {
  boost::system::error_code code;
  const auto answer = boost::json::parse(body, code);
  if (!code && answer.is_object()) {
    const auto* const error = answer.get_object().if_contains("error");
    if (error != nullptr && error->is_string()) return std::string(error->get_string());
  }
  return body.substr(0, body.find_last_not_of('\n') + 1);
}

/// Prints what the running daemon answers.
int ask(const DaemonAddress& address, net::HttpRequest request,
        const std::function<std::string(const std::string& body)>& print) {
  const auto answer = ask_daemon(address, std::move(request));
  if (!answer) {
    complain(fmt::format("cannot reach tocsin: {} (is it running? give --url or --socket)\n", answer.error().detail));
    return bad;
  }
  if (answer->status == 200) {
    say(print(answer->body));
    return good;
  }
  if (answer->status == 401) {
    complain("tocsin's port wants a login: give --user and --password-file, or use its local socket\n");
    return bad;
  }
  complain(error_of(answer->body) + "\n");
  return bad;
}

std::string as_it_is(const std::string& body) { return body; }
std::string as_a_line(const std::string& body) { return body + "\n"; }

int reload(const DaemonAddress& address) {
  net::HttpRequest request;
  request.method = "POST";
  request.target = "/-/reload";
  return ask(address, std::move(request), as_it_is);
}

/// A path of the API, its answer for a terminal, and parameters; those without a value are left out.
int ask_text(const DaemonAddress& address, std::string path,
             std::initializer_list<std::pair<std::string_view, std::string_view>> parameters) {
  net::HttpRequest request;
  request.target = std::move(path) + "?format=text";
  for (const auto& [name, value] : parameters) {
    if (!value.empty()) request.target += fmt::format("&{}={}", name, net::percent_encode(value));
  }
  return ask(address, std::move(request), as_it_is);
}

int query(const DaemonAddress& address, const std::string& expression) {
  net::HttpRequest request;
  request.target = "/api/v1/query?query=" + net::percent_encode(expression);
  return ask(address, std::move(request), as_a_line);
}

struct HistoryOptions {
  std::string since = "24h", until, kind, subject, limit = "1000";
};

}  // namespace

int command_line(int argc, char** argv) {
  CLI::App app{
      "tocsin asks services how they are, judges the answers by rules, tells Alertmanager, and scales up what is "
      "sick."};
  app.name("tocsin");
  app.require_subcommand(1);
  app.footer("Exit codes: 0 good, 1 bad, 2 wrong usage, 3 lints under --lint-fatal.");

  RunOptions run_options;
  std::string level = "info";
  auto* run_command = app.add_subcommand("run", "Run the daemon in the foreground, until SIGTERM");
  run_command->add_option("--config", run_options.config, "Configuration file")
      ->type_name("FILE")
      ->capture_default_str();
  run_command->add_option("--listen", run_options.listen, "host:port to listen on (over web.listen)")
      ->type_name("ADDRESS");
  run_command
      ->add_option("--data-dir", run_options.data_dir, "Folder for what must survive a restart (over storage.path)")
      ->type_name("FOLDER");
  run_command->add_option("--socket", run_options.socket, "Local socket for `tocsin reload` and friends")
      ->type_name("FILE");
  run_command->add_option("--log-level", level, "debug, info, warning or error")
      ->capture_default_str()
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}));

  CheckOptions check_options;
  auto* check_command =
      app.add_subcommand("check", "Check configurations, rule files and rule tests, without touching the network");
  check_command->add_option("FILE", check_options.files, "Configurations, rule files or rule tests")->required();
  check_command->add_flag("-T,--print", check_options.print_effective,
                          "Print the effective configuration, secrets masked");
  check_command->add_flag("--as-service", check_options.as_service,
                          "What only the service has (credentials) must be there too");
  check_command->add_flag("--lint-fatal", check_options.lint_fatal, "Exit 3 on warnings");
  check_command
      ->add_option("--unit", check_options.unit,
                   "systemd unit whose stop timeout is held against the actions' timeouts")
      ->type_name("FILE");

  RuleTestOptions rule_tests;
  auto* test_command = app.add_subcommand("test", "Test what is configured, without touching the network");
  test_command->require_subcommand(1);
  auto* test_rules_command = test_command->add_subcommand(
      "rules", "Run tests of rules: promtool's format, and beyond it which actions are taken");
  test_rules_command->add_option("FILE", rule_tests.files, "Test files")->required();
  test_rules_command->add_option("--run", rule_tests.run, "Only tests whose name has this (RE2)")->type_name("REGEX");

  DaemonAddress address;
  if (const char* folder = std::getenv("RUNTIME_DIRECTORY"); folder != nullptr) {
    address.socket = std::string(folder) + "/tocsin.sock";
  } else if (access(installed_socket, W_OK) == 0) {
    address.socket = installed_socket;
  }
  const auto reach = [&address](CLI::App* command) {
    command
        ->add_option("--url", address.url,
                     "The running daemon; without it, the service's local socket if we may use it")
        ->type_name("URL")
        ->capture_default_str()
        ->each([&address](const std::string&) { address.socket.clear(); });
    command->add_option("--socket", address.socket, "Its local socket, instead of the URL")->type_name("FILE");
    command->add_option("--user", address.user, "With --url: who logs in, where the port wants that")
        ->type_name("NAME");
    command->add_option("--password-file", address.password_file, "A file with the password")->type_name("FILE");
  };
  auto* reload_command = app.add_subcommand("reload", "Make the running daemon read its configuration again");
  reload_command->add_flag_callback(
      "--wait", [] {}, "Come back when the reload is done (it always does; units and scripts may say so)");
  reach(reload_command);

  std::string expression;
  auto* query_command = app.add_subcommand("query", "Ask the running daemon in PromQL");
  query_command->add_option("EXPR", expression, "Expression")->required();
  reach(query_command);

  HistoryOptions history_options;
  auto* history_command = app.add_subcommand("history", "What fired, was told, and was done or not done");
  history_command->add_option("--since", history_options.since, "From this time on, or so long ago")
      ->type_name("TIME")
      ->capture_default_str();
  history_command->add_option("--until", history_options.until, "Up to this time")->type_name("TIME");
  history_command->add_option("--kind", history_options.kind, "alert, delivery, suppression or daemon")
      ->check(CLI::IsMember({"alert", "delivery", "suppression", "daemon"}));
  history_command->add_option("--subject", history_options.subject, "Of this alert or action")->type_name("NAME");
  history_command->add_option("--limit", history_options.limit, "The newest so many")
      ->type_name("COUNT")
      ->capture_default_str();
  reach(history_command);

  std::string alert, at;
  auto* explain_command = app.add_subcommand("explain", "Why an alert fires, or why it does not");
  explain_command->add_option("ALERT", alert, "Name of the alert")->required();
  explain_command->add_option("--at", at, "At this time, or so long ago")->type_name("TIME");
  reach(explain_command);

  const ActionCommands action_commands(app, reach);

  OneProbeOptions probe_options;
  auto* probe_command = app.add_subcommand("probe", "Probe a target once, now, and print what it gives");
  probe_command->add_option("JOB", probe_options.job, "JOB, JOB/INSTANCE, or a URL (without secrets)")->required();
  auto* probe_config = probe_command->add_option("--config", probe_options.config, "Configuration file")
                           ->type_name("FILE")
                           ->capture_default_str();

  auto* schema_command = app.add_subcommand("schema", "Print the JSON Schema of the configuration");
  std::string page, shell;
  auto* docs_command = app.add_subcommand("docs", "Print the configuration's documentation as Markdown");
  docs_command->add_option("--man", page, "Print this manual page instead")
      ->check(CLI::IsMember({"tocsin", "tocsin.yml"}));
  auto* completion_command = app.add_subcommand("completion", "Print the completion script for a shell");
  completion_command->add_option("SHELL", shell, "The shell")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  auto* version_command = app.add_subcommand("version", "Print the version");

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? good : usage;
  }
  if (run_command->parsed()) {
    run_options.log_level = parse_level(level);
    run_options.environment = process_environment();
    return run(run_options);
  }
  if (check_command->parsed()) return check(check_options);
  if (test_rules_command->parsed()) {
    rule_tests.environment = process_environment();
    return test_rules(rule_tests);
  }
  if (reload_command->parsed()) return reload(address);
  if (query_command->parsed()) return query(address, expression);
  if (history_command->parsed()) {
    const HistoryOptions& o = history_options;
    return ask_text(
        address, "/api/v1/tocsin/history",
        {{"since", o.since}, {"until", o.until}, {"kind", o.kind}, {"subject", o.subject}, {"limit", o.limit}});
  }
  if (explain_command->parsed()) return ask_text(address, "/api/v1/tocsin/explain", {{"alert", alert}, {"at", at}});
  if (auto request = action_commands.request()) {
    return ask(address, std::move(*request),
               [&action_commands](const std::string& body) { return action_commands.said(body); });
  }
  if (probe_command->parsed()) {
    probe_options.environment = process_environment();
    probe_options.config_named = probe_config->count() > 0;
    return probe_once(probe_options);
  }
  if (schema_command->parsed()) say(config_schema());
  if (docs_command->parsed()) {
    say(page == "tocsin" ? command_manual(outline(app))
        : page.empty()   ? config_markdown()
                         : config_manual(config_markdown()));
  }
  if (completion_command->parsed()) say(completion(outline(app), shell));
  if (version_command->parsed()) say("tocsin " TOCSIN_VERSION "\n");
  return good;
}

}  // namespace tocsin::daemon
