#include "src/commands_actions.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <string>
#include <vector>

#include "src/json.hpp"
#include "tocsin/net/url.hpp"

namespace tocsin::daemon {
namespace {

constexpr std::string_view path = "/api/v1/tocsin/actions";

/// Checks what is wrong with an order before it is sent: its words and bounds are the daemon's to judge.
net::HttpRequest post(const std::string& order, std::string body) {
  net::HttpRequest request;
  request.method = "POST";
  request.target = fmt::format("{}/{}", path, order);
  request.headers.emplace_back("Content-Type", "application/json");
  request.body = std::move(body);
  return request;
}

}  // namespace

struct ActionCommands::Impl {
  struct One {
    std::string name;
    CLI::App* command = nullptr;
  };
  CLI::App* actions = nullptr;
  std::vector<One> reads, orders;
  std::string what, note, lasts, output = "text";
  bool up = false, down = false;

  CLI::App* add(const std::string& name, const std::string& doc, const std::function<void(CLI::App*)>& reach) {
    CLI::App* command = actions->add_subcommand(name, doc);
    reach(command);
    command->add_option("--output", output, "text or json")
        ->capture_default_str()
        ->check(CLI::IsMember({"text", "json"}));
    return command;
  }
  void add_direction(CLI::App* command) {
    auto* only_up = command->add_flag("--up", up, "Only making things larger");
    command->add_flag("--down", down, "Only making things smaller")->excludes(only_up);
  }
  void add_note(CLI::App* command) {
    command->add_option("--note", note, "Why, for those who read it later")->type_name("TEXT");
  }
  [[nodiscard]] bool is_read() const {
    return std::any_of(reads.begin(), reads.end(), [](const One& one) { return one.command->parsed(); });
  }
};

ActionCommands::ActionCommands(CLI::App& program, const std::function<void(CLI::App*)>& reach)
    : impl_(std::make_unique<Impl>()) {
  Impl& i = *impl_;
  i.actions = program.add_subcommand("actions", "See and steer what is done when alerts fire");
  i.actions->require_subcommand(1);
  const auto read = [&](const std::string& name, const std::string& doc) {
    i.reads.push_back({name, i.add(name, doc, reach)});
    return i.reads.back().command;
  };
  const auto order = [&](const std::string& name, const std::string& doc) {
    i.orders.push_back({name, i.add(name, doc, reach)});
    i.add_note(i.orders.back().command);
    return i.orders.back().command;
  };
  read("list", "How every action stands, and what waits for a person");
  read("show", "One action, and what it did and did not do")->add_option("ACTION", i.what, "Its name")->required();
  read("plan", "What would be done now, and all that speaks against it; the platform is read, nothing is changed")
      ->add_option("ACTION", i.what, "Of this action alone");
  order("approve", "Let a proposal be carried out")
      ->add_option("PROPOSAL", i.what, "The proposal's id, or the action's name")
      ->required();
  order("reject", "Refuse a proposal, for as long as its alert fires")
      ->add_option("PROPOSAL", i.what, "The proposal's id, or the action's name")
      ->required();
  CLI::App* pause = order("pause", "Let nothing be done: by no action, or not by one");
  pause->add_option("ACTION", i.what, "This action alone; without it, all of them");
  pause->add_option("--for", i.lasts, "For so long (2h); without it, until somebody resumes")->type_name("DURATION");
  i.add_direction(pause);
  CLI::App* resume = order("resume", "Lift a pause");
  resume->add_option("ACTION", i.what, "Of this action; without it, of all of them together");
  i.add_direction(resume);
  order("rearm", "Let an action go on that was stopped after failures")
      ->add_option("ACTION", i.what, "Its name")
      ->required();
}

ActionCommands::~ActionCommands() = default;

std::optional<net::HttpRequest> ActionCommands::request() const {
  const Impl& i = *impl_;
  for (const Impl::One& one : i.reads) {
    if (!one.command->parsed()) continue;
    net::HttpRequest request;
    request.target = fmt::format("{}{}?format={}", path, one.name == "plan" ? "/plan" : "", i.output);
    if (!i.what.empty()) request.target += "&action=" + net::percent_encode(i.what);
    return request;
  }
  for (const Impl::One& one : i.orders) {
    if (!one.command->parsed()) continue;
    JsonWriter json;
    json.begin_object();
    const bool proposal = one.name == "approve" || one.name == "reject";
    if (!i.what.empty()) json.key(proposal ? "id" : "action").string(i.what);
    if (i.up || i.down) json.key("direction").string(i.up ? "up" : "down");
    if (!i.lasts.empty()) json.key("for").string(i.lasts);
    if (!i.note.empty()) json.key("note").string(i.note);
    json.end_object();
    return post(one.name, json.take());
  }
  return std::nullopt;
}

std::string ActionCommands::said(const std::string& body) const {
  if (impl_->output == "json") return body + "\n";
  if (impl_->is_read()) return body;
  boost::system::error_code code;
  const auto answer = boost::json::parse(body, code);
  if (code) return body + "\n";
  const auto* message = answer.find_pointer("/data/message", code);
  if (message == nullptr || !message->is_string()) return body + "\n";
  return std::string(message->get_string()) + "\n";
}

}  // namespace tocsin::daemon
