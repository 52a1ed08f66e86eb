#include "dns/judge.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <stdexcept>

#include "src/dialog.hpp"

namespace tocsin::probes::dns {

using core::Failure;
using core::Outcome;
using core::Phase;

namespace {

std::vector<std::unique_ptr<re2::RE2>> compile(const std::vector<std::string>& expressions) {
  std::vector<std::unique_ptr<re2::RE2>> compiled;
  re2::RE2::Options options;
  options.set_log_errors(false);
  for (const std::string& expression : expressions) {
    compiled.push_back(std::make_unique<re2::RE2>(expression, options));
    if (compiled.back()->ok()) continue;
    throw std::invalid_argument("regular expression '" + expression + "': " + compiled.back()->error());
  }
  return compiled;
}

Failure bad(std::string detail) { return {Outcome::unexpected, Phase::expect, std::move(detail)}; }

}  // namespace

Judge::Section::Section(const DnsValidation& validation)
    : matches(compile(validation.fail_if_matches)),
      not_all_match(compile(validation.fail_if_not_all_match)),
      not_matches(compile(validation.fail_if_not_matches)),
      none_matches(compile(validation.fail_if_none_matches)),
      empty(validation.empty()) {}

Judge::Judge(const DnsOptions& options)
    : valid_rcodes_(options.valid_rcodes),
      answer_(options.answer),
      authority_(options.authority),
      additional_(options.additional) {}

Judge::~Judge() = default;

Wanted Judge::wanted() const {
  Wanted wanted;
  wanted.answer = !answer_.empty;
  wanted.authority = !authority_.empty;
  wanted.additional = !additional_.empty;
  return wanted;
}

std::string rcode_name(unsigned rcode) {
  for (const auto& [name, number] : dns_rcodes) {
    if (number == rcode) return std::string(name);
  }
  return "RCODE" + std::to_string(rcode);
}

std::optional<Failure> Judge::judge(const Reply& reply) const {
  if (std::find(valid_rcodes_.begin(), valid_rcodes_.end(), reply.rcode) == valid_rcodes_.end()) {
    std::string expected;
    for (const auto rcode : valid_rcodes_) expected += (expected.empty() ? "" : " or ") + rcode_name(rcode);
    constexpr unsigned refused = 5;
    return Failure{reply.rcode == refused ? Outcome::refused_command : Outcome::unexpected, Phase::expect,
                   "the answer is " + rcode_name(reply.rcode) + ", expected " + expected};
  }
  if (auto failure = judge_section(answer_, "answer", reply.answer)) return failure;
  if (auto failure = judge_section(authority_, "authority", reply.authority)) return failure;
  return judge_section(additional_, "additional", reply.additional);
}

std::optional<Failure> Judge::judge_section(const Section& section, const std::string& name,
                                            const std::vector<std::string>& records) {
  if (section.empty) return std::nullopt;
  const std::string where = "the " + name + " section";
  if (records.empty() && !(section.not_matches.empty() && section.none_matches.empty())) {
    return bad(where + " is empty");
  }
  bool any = false;
  for (const std::string& record : records) {
    const auto matches = [&record](const auto& regex) { return re2::RE2::PartialMatch(record, *regex); };
    for (const auto& regex : section.matches) {
      if (matches(regex)) return bad(where + " has " + shown(record) + ", which matches '" + regex->pattern() + "'");
    }
    for (const auto* wanted : {&section.not_matches, &section.not_all_match}) {
      const auto missed = std::find_if_not(wanted->begin(), wanted->end(), matches);
      if (missed == wanted->end()) continue;
      return bad(where + " has " + shown(record) + ", which does not match '" + (*missed)->pattern() + "'");
    }
    any = any || std::any_of(section.none_matches.begin(), section.none_matches.end(), matches);
  }
  if (!section.none_matches.empty() && !any) {
    return bad("no record of " + where + " matches '" + section.none_matches.front()->pattern() + "'");
  }
  return std::nullopt;
}

}  // namespace tocsin::probes::dns
