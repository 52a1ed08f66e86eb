// Kills tocsin at random moments, again and again, while targets fall sick and recover and Alertmanager comes and goes;
// then holds what Alertmanager was told against what happened.
//
//   tocsin_chaos [--kills N] [--seed S] [--targets N]
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <boost/json.hpp>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <thread>

#include "chaos/sick_bay.hpp"
#include "chaos/verdict.hpp"
#include "real/house.hpp"
#include "tocsin/core/duration.hpp"
#include "tocsin/net/http.hpp"
#include "tocsin/net/stream.hpp"

namespace tocsin::chaos {
namespace {

using namespace std::chrono_literals;
namespace json = boost::json;

/// How long a change may take to be noticed: a probe, its confirmation, an evaluation, and a kill or two on the way.
constexpr core::Duration slack{3'500};

core::TimePoint wall() { return std::chrono::time_point_cast<core::Duration>(std::chrono::system_clock::now()); }

struct Options {
  unsigned kills = 50;
  unsigned seed = 1;
  std::size_t targets = 12;
};

const std::vector<Rule>& rules() {
  static const std::vector<Rule> all{{"SickNow", 0ms}, {"SickForLong", 4s}, {"SickForVeryLong", 8s}};
  return all;
}

std::string rule_file() {
  std::string text = "groups:\n  - name: bay\n    rules:\n";
  for (const Rule& rule : rules()) {
    text +=
        fmt::format("      - {{alert: {}, expr: probe_success == 0, for: {}ms}}\n", rule.alertname, rule.hold.count());
  }
  return text;
}

/// The number at the end of a target's URL.
std::size_t number_of(std::string_view url) {
  std::size_t number = 0;
  const auto slash = url.rfind('/');
  std::from_chars(url.data() + slash + 1, url.data() + url.size(), number);
  return number;
}

/// The sick bay as an HTTP server, and before Alertmanager a place where what it takes is written down.
class Hospital {
 public:
  Hospital(std::size_t targets, std::uint16_t alertmanager)
      : bay_(targets), alertmanager_(alertmanager), thread_([this] { loop_.run(); }) {
    std::atomic<bool> listening{false};
    loop_.post([&] {
      net::Address address;
      address.host = "127.0.0.1";
      port_ = *server_.listen(address);
      listening = true;
    });
    if (!test::wait_until([&] { return listening.load(); })) throw std::runtime_error("the sick bay does not listen");
  }
  ~Hospital() {
    loop_.stop();
    thread_.join();
  }
  Hospital(const Hospital&) = delete;
  Hospital& operator=(const Hospital&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] SickBay& bay() { return bay_; }
  void set_away(bool away) { away_ = away; }
  /// How many probes came so far.
  [[nodiscard]] std::uint64_t probes() const { return probes_; }
  [[nodiscard]] std::vector<Told> told() const {
    const std::lock_guard lock(mutex_);
    return told_;
  }

 private:
  net::Task<net::ServerResponse> answer(net::ServerRequest request) {
    net::ServerResponse response;
    if (request.path.starts_with("/t/")) {
      ++probes_;
      response.status = bay_.sick(number_of(request.path)) ? 503 : 200;
      co_return response;
    }
    if (away_) {
      response.status = 503;
      co_return response;
    }
    net::HttpRequest onward;
    onward.method = request.method;
    onward.target = request.path + (request.query.empty() ? "" : "?" + request.query);
    onward.body = request.body;
    if (!request.body.empty()) onward.headers.emplace_back("Content-Type", "application/json");
    const auto url = net::parse_url(fmt::format("http://127.0.0.1:{}/", alertmanager_));
    std::optional<net::TlsOptions> none;
    const auto deadline = std::chrono::steady_clock::now() + 5s;
    const auto answered =
        co_await net::fetch(connector_, *url, std::move(none), std::move(onward), net::HttpLimits{}, deadline);
    response.status = answered ? answered->status : 502;
    if (answered) response.body = answered->body;
    if (response.status == 200 && request.method == "POST") write_down(request.body);
    co_return response;
  }

  void write_down(const std::string& body) {
    const core::TimePoint now = wall();
    const std::lock_guard lock(mutex_);
    const json::value alerts = json::parse(body);
    for (const json::value& alert : alerts.as_array()) {
      Told told;
      const json::object& labels = alert.at("labels").as_object();
      told.alertname = labels.at("alertname").as_string().c_str();
      if (!labels.contains("instance")) continue;
      told.target = number_of(labels.at("instance").as_string().c_str());
      told.starts = *core::parse_rfc3339(alert.at("startsAt").as_string().c_str());
      told.ends = *core::parse_rfc3339(alert.at("endsAt").as_string().c_str());
      told.received = now;
      told_.push_back(std::move(told));
    }
  }

  SickBay bay_;
  std::uint16_t alertmanager_;
  std::uint16_t port_ = 0;
  std::atomic<bool> away_{false};
  std::atomic<std::uint64_t> probes_{0};
  mutable std::mutex mutex_;
  std::vector<Told> told_;
  net::BlockingPool pool_{1};
  net::Connector connector_{pool_};
  net::Loop loop_{[](const std::string& name, const std::string& what) {
    std::fprintf(stderr, "%s: %s\n", name.c_str(), what.c_str());
  }};
  net::HttpServer server_{loop_, [this](net::ServerRequest request) { return answer(std::move(request)); },
                          net::ServerLimits{}};
  std::thread thread_;
};

std::string config(const Hospital& hospital, std::size_t targets) {
  std::string text = fmt::format(
      R"(global: {{probe_interval: 250ms, probe_timeout: 250ms, confirm: 200ms, evaluation_interval: 250ms, resend_delay: 2s}}
packs: []
rule_files: [rules.yml]
alertmanagers: ["http://127.0.0.1:{}/"]
probes:
  - job: bay
    targets:
)",
      hospital.port());
  for (std::size_t i = 0; i < targets; ++i) {
    text += fmt::format("      - http://127.0.0.1:{}/t/{}\n", hospital.port(), i);
  }
  return text;
}

/// One life of tocsin after another on the same data folder.
class Patient {
 public:
  Patient(const Hospital& hospital, std::size_t targets) {
    folder_.write("tocsin.yml", config(hospital, targets));
    folder_.write("rules.yml", rule_file());
    std::filesystem::create_directory(folder_.path() / "data");
  }
  void start() {
    child_ = std::make_unique<test::Child>(std::vector<std::string>{
        TOCSIN_BINARY, "run", "--config", folder_ / "tocsin.yml", "--listen", fmt::format("127.0.0.1:{}", port_),
        "--socket", folder_ / "tocsin.sock", "--data-dir", folder_ / "data", "--log-level", "warning"});
  }
  [[nodiscard]] test::Child& child() { return *child_; }
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  test::TempDir folder_;
  std::uint16_t port_ = test::free_port();
  std::unique_ptr<test::Child> child_;
};

/// One life and its end: most are long enough to ask every target, whatever the machine does besides; some end while
/// tocsin still starts. False if it ended by itself.
bool live_and_die(Patient& patient, const Hospital& hospital, std::size_t targets, std::minstd_rand& chance) {
  const bool brief = std::uniform_int_distribution<int>(0, 9)(chance) < 2;
  const std::chrono::milliseconds rest(std::uniform_int_distribution<int>(5, brief ? 300 : 1'200)(chance));
  const std::uint64_t before = hospital.probes();
  patient.start();
  if (!brief) {
    const auto asked = [&] { return hospital.probes() >= before + targets || !patient.child().running(); };
    if (!test::wait_until(asked, 30s)) return false;
  }
  if (patient.child().wait_exit(rest)) return false;
  patient.child().kill();
  return true;
}

/// All that was told is over, and so is it at Alertmanager.
bool quiet(const Hospital& hospital, std::uint16_t alertmanager) {
  std::map<std::pair<std::string, std::size_t>, bool> over;
  for (const Told& told : hospital.told()) over[{told.alertname, told.target}] = told.resolved();
  for (const auto& [alert, resolved] : over) {
    if (!resolved) return false;
  }
  return std::all_of(rules().begin(), rules().end(),
                     [&](const Rule& rule) { return test::alerts_at(alertmanager, rule.alertname).empty(); });
}

void print(const Verdict& verdict, unsigned kills, double seconds) {
  for (const std::string& finding : verdict.findings) std::printf("  %s\n", finding.c_str());
  std::printf("%u kills in %.0f s: %zu alerts owed, %zu resolutions, %zu episodes about as long as their `for`\n",
              kills, seconds, verdict.owed, verdict.resolutions, verdict.undecided);
  std::printf(
      "lost %zu, resolutions lost %zu, timers restarted %zu, false alarms %zu, false resolutions %zu, out of order "
      "%zu\n",
      verdict.lost, verdict.lost_resolutions, verdict.restarted_timers, verdict.false_alarms, verdict.false_resolutions,
      verdict.out_of_order);
}

int run(const Options& options) {
  std::minstd_rand chance(options.seed);
  test::TempDir folder;
  const auto alertmanager_port = test::free_port();
  auto alertmanager = test::start_alertmanager(alertmanager_port, folder);
  Hospital hospital(options.targets, alertmanager_port);
  Patient patient(hospital, options.targets);
  std::atomic<bool> ending{false};
  std::thread weather([&hospital, &ending, own = std::minstd_rand(options.seed + 1)]() mutable {
    auto until = std::chrono::steady_clock::now();
    bool away = false;
    while (!ending) {
      hospital.bay().turn(wall(), own);
      if (std::chrono::steady_clock::now() >= until) {
        away = !away && std::uniform_int_distribution<int>(0, 2)(own) == 0;
        until = std::chrono::steady_clock::now() + std::chrono::milliseconds(away ? 1'500 : 5'000);
        hospital.set_away(away);
      }
      std::this_thread::sleep_for(20ms);
    }
  });
  const auto begun = std::chrono::steady_clock::now();
  bool died = false;
  for (unsigned i = 0; i < options.kills; ++i) {
    if (!live_and_die(patient, hospital, options.targets, chance)) {
      std::printf("tocsin ended by itself, or asks nobody: %s\n", patient.child().output().c_str());
      died = true;
      break;
    }
    if (i % 100 == 99) std::fprintf(stderr, "%u kills\n", i + 1);
  }
  ending = true;
  weather.join();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  hospital.set_away(false);
  hospital.bay().heal_all(wall());
  patient.start();
  const bool calm = test::wait_until([&] { return quiet(hospital, alertmanager_port); }, 30s);
  if (!calm) std::printf("not quiet 30 s after the end: %s\n", patient.child().output().c_str());
  Verdict verdict;
  for (std::size_t target = 0; target < options.targets; ++target) {
    for (const Rule& rule : rules()) {
      judge(rule, target, hospital.bay().episodes(target), hospital.told(), slack, verdict);
    }
  }
  print(verdict, options.kills, took.count());
  if (verdict.owed == 0) std::printf("nothing was owed: this shows nothing\n");
  return verdict.good() && calm && !died && verdict.owed > 0 ? 0 : 1;
}

}  // namespace
}  // namespace tocsin::chaos

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // who is killed leaves half a connection
  tocsin::chaos::Options options;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name(argv[i]);
    const auto number = static_cast<unsigned>(std::strtoul(argv[i + 1], nullptr, 10));
    if (name == "--kills") options.kills = number;
    if (name == "--seed") options.seed = number;
    if (name == "--targets") options.targets = number;
  }
  return tocsin::chaos::run(options);
}
