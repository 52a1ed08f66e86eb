#include "tocsin/core/source.hpp"

#include <algorithm>
#include <cctype>
#include <limits>
#include <tuple>

#include "excerpt.hpp"

namespace tocsin::core {
namespace {

constexpr std::size_t kept = 100;

/// Edit distance in which the swap of two neighbours counts as one.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0U : 1U)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

std::string plain(std::string_view word) {
  std::string out;
  for (const char c : word) out += c == '-' ? '_' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

}  // namespace

std::string Diagnostic::render() const {
  std::string out;
  if (file) {
    out = file->name;
    if (at.line > 0) out += ":" + std::to_string(at.line) + ":" + std::to_string(std::max<std::size_t>(at.column, 1));
    out += ": ";
  }
  if (severity == Severity::warning) out += "warning: ";
  out += message + "\n";
  if (file) out += excerpt(*file, at, secrets);
  return out;
}

void Diagnostics::error(std::shared_ptr<const SourceFile> file, Position at, std::string message) {
  ++errors_;
  add({std::move(file), at, Diagnostic::Severity::error, std::move(message), {}});
}

void Diagnostics::warning(std::shared_ptr<const SourceFile> file, Position at, std::string message) {
  ++warnings_;
  add({std::move(file), at, Diagnostic::Severity::warning, std::move(message), {}});
}

void Diagnostics::add(Diagnostic diagnostic) {
  if (all_.size() >= kept) return;
  for (const auto& [file, at] : secrets_) {
    if (file == diagnostic.file && at.line == diagnostic.at.line) diagnostic.secrets.push_back(at.column);
  }
  all_.push_back(std::move(diagnostic));
}

void Diagnostics::conceal(const std::shared_ptr<const SourceFile>& file, Position at) {
  secrets_.emplace_back(file, at);
  for (Diagnostic& diagnostic : all_) {
    if (diagnostic.file == file && diagnostic.at.line == at.line) diagnostic.secrets.push_back(at.column);
  }
}

std::string Diagnostics::render() const {
  // Files in the order in which they were first complained about.
  std::vector<const SourceFile*> files;
  std::vector<const Diagnostic*> sorted;
  for (const Diagnostic& diagnostic : all_) {
    if (std::find(files.begin(), files.end(), diagnostic.file.get()) == files.end())
      files.push_back(diagnostic.file.get());
    sorted.push_back(&diagnostic);
  }
  const auto rank = [&files](const Diagnostic* d) {
    const auto file = std::find(files.begin(), files.end(), d->file.get()) - files.begin();
    return std::tuple(file, d->at.line, d->at.column);
  };
  std::stable_sort(sorted.begin(), sorted.end(), [&rank](auto* a, auto* b) { return rank(a) < rank(b); });
  std::string out;
  for (const Diagnostic* diagnostic : sorted) out += diagnostic->render();
  if (const std::size_t more = errors_ + warnings_ - all_.size(); more > 0) {
    out += "and " + std::to_string(more) + " more\n";
  }
  return out;
}

std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates) {
  constexpr std::size_t longest = 64;  // nobody mistypes a longer word by a third
  if (word.size() > longest) return {};
  std::string_view best;
  std::size_t best_distance = std::numeric_limits<std::size_t>::max();
  const std::string wanted = plain(word);
  for (const std::string_view candidate : candidates) {
    if (candidate.size() > longest * 2) continue;
    const std::size_t d = distance(wanted, plain(candidate));
    if (d <= word.size() / 3 && d < best_distance) {
      best = candidate;
      best_distance = d;
    }
  }
  return best;
}

}  // namespace tocsin::core
