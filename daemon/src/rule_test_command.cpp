#include "src/rule_test_command.hpp"

#include <fmt/format.h>
#include <re2/re2.h>

#include <cstdio>
#include <optional>
#include <utility>

#include "src/rule_test.hpp"
#include "src/rule_test_file.hpp"

namespace tocsin::daemon {
namespace {

std::string count(std::size_t number, std::string_view what) {
  return fmt::format("{} {}{}", number, what, number == 1 ? "" : "s");
}

/// True if all is as expected.
bool run_file(const std::string& path, const RuleTestOptions& options, const re2::RE2* names) {
  core::Diagnostics diagnostics;
  const core::YamlDocument document = core::load_yaml(path, diagnostics);
  std::optional<RuleTestFile> file;
  if (!diagnostics.has_errors()) file = load_rule_test(document, options.environment, diagnostics);
  std::fputs(diagnostics.render().c_str(), stderr);
  if (!file) return false;
  std::size_t tests = 0, expectations = 0, failed = 0;
  for (const RuleTest& test : file->tests) {
    if (names != nullptr && !re2::RE2::PartialMatch(test.name, *names)) continue;
    const TestOutcome outcome = run_rule_test(*file, test);
    ++tests;
    expectations += outcome.expectations;
    failed += outcome.failures.size();
    for (const TestFailure& failure : outcome.failures) {
      std::fputs(fmt::format("{}:{}:{}: {}\n", path, failure.at.line, failure.at.column, failure.words).c_str(),
                 stderr);
    }
  }
  const std::string all = fmt::format("{} in {}, {}", count(expectations, "expectation"), count(tests, "test"),
                                      count(file->rule_count(), "rule"));
  std::fputs(failed == 0 ? fmt::format("{}: good, {}\n", path, all).c_str()
                         : fmt::format("{}: FAILED, {} of {}\n", path, failed, all).c_str(),
             stdout);
  return failed == 0;
}

}  // namespace

int test_rules(const RuleTestOptions& options) {
  re2::RE2 names(options.run, re2::RE2::Quiet);
  if (!names.ok()) {
    std::fputs(fmt::format("--run: {}\n", names.error()).c_str(), stderr);
    return 2;
  }
  bool good = true;
  for (const std::string& path : options.files)
    good = run_file(path, options, options.run.empty() ? nullptr : &names) && good;
  return good ? 0 : 1;
}

std::string check_rule_test(const core::YamlDocument& document, const std::map<std::string, std::string>& environment,
                            core::Diagnostics& diagnostics) {
  const auto file = load_rule_test(document, environment, diagnostics);
  if (!file) return {};
  return fmt::format("{}: good, {} of {}\n", document.file->name, count(file->tests.size(), "test"),
                     count(file->rule_count(), "rule"));
}

}  // namespace tocsin::daemon
