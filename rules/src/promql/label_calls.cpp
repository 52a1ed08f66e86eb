// label_replace() and label_join().
#include <fmt/format.h>
#include <re2/re2.h>

#include "src/go_text.hpp"
#include "src/promql/calls.hpp"
#include "tocsin/core/replacement.hpp"

namespace tocsin::rules::promql {
namespace {

re2::RE2::Options regex_options() {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(1 << 20);
  options.set_dot_nl(true);
  return options;
}

/// Renames what a vector holds; two samples must not get the same labels.
class Relabel : public Node {
 public:
  Relabel(NodePtr vector, std::string problem) : vector_(std::move(vector)), problem_(std::move(problem)) {
    if (vector_->invariant()) set_invariant();
  }

 protected:
  [[nodiscard]] virtual core::Labels change(const core::Labels& labels) const = 0;

 private:
  bool run(Context& context, Millis at) final {
    if (!problem_.empty()) return context.fail(problem_);
    if (!vector_->eval(context, at)) return false;
    unique_.begin();
    for (const Point& point : vector_->points()) {
      if (!context.tick()) return false;
      const LabelId labels = changed_.get(context.table, point.labels, [this, &context](LabelId id) {
        return context.table.intern(change(context.table.at(id)));
      });
      if (!unique_.add(context, labels)) return false;
      points_.push_back({labels, point.value});
    }
    return true;
  }

  NodePtr vector_;
  std::string problem_;  // found when the plan was made, told when it runs
  IdCache<LabelId> changed_;
  UniqueLabels unique_;
};

class LabelReplace final : public Relabel {
 public:
  LabelReplace(NodePtr vector, std::string target, const std::string& replacement, std::string source,
               std::shared_ptr<const re2::RE2> regex, std::string problem)
      : Relabel(std::move(vector), std::move(problem)),
        target_(std::move(target)),
        source_(std::move(source)),
        regex_(std::move(regex)),
        replacement_(replacement, *regex_) {}

 private:
  core::Labels change(const core::Labels& labels) const override {
    const std::string_view value = labels.get(source_);
    std::vector<re2::StringPiece> groups(static_cast<std::size_t>(std::max(0, regex_->NumberOfCapturingGroups())) + 1);
    const re2::StringPiece text(value.data(), value.size());
    if (!regex_->Match(text, 0, text.size(), re2::RE2::ANCHOR_BOTH, groups.data(), static_cast<int>(groups.size()))) {
      return labels;
    }
    core::Labels changed = labels;
    std::string replaced;
    replacement_.expand(groups, replaced);
    changed.set(target_, replaced);
    return changed;
  }

  std::string target_;
  std::string source_;
  std::shared_ptr<const re2::RE2> regex_;
  core::Replacement replacement_;
};

class LabelJoin final : public Relabel {
 public:
  LabelJoin(NodePtr vector, std::string target, std::string separator, std::vector<std::string> sources,
            std::string problem)
      : Relabel(std::move(vector), std::move(problem)),
        target_(std::move(target)),
        separator_(std::move(separator)),
        sources_(std::move(sources)) {}

 private:
  core::Labels change(const core::Labels& labels) const override {
    std::string joined;
    for (std::size_t i = 0; i < sources_.size(); ++i) {
      if (i > 0) joined += separator_;
      joined += labels.get(sources_[i]);
    }
    core::Labels changed = labels;
    changed.set(target_, joined);
    return changed;
  }

  std::string target_;
  std::string separator_;
  std::vector<std::string> sources_;
};

}  // namespace

NodePtr make_label_replace(NodePtr vector, const std::string& target, const std::string& replacement,
                           const std::string& source, const std::string& expression) {
  auto regex = std::make_shared<const re2::RE2>(expression, regex_options());
  std::string problem;
  if (!regex->ok()) problem = fmt::format("invalid regular expression in label_replace(): {}", expression);
  if (!is_utf8_name(target)) problem = fmt::format("invalid destination label name in label_replace(): {}", target);
  return std::make_shared<LabelReplace>(std::move(vector), target, replacement, source, std::move(regex),
                                        std::move(problem));
}

NodePtr make_label_join(NodePtr vector, std::string target, std::string separator, std::vector<std::string> sources) {
  std::string problem;
  for (const std::string& source : sources) {
    if (!is_utf8_name(source)) problem = fmt::format("invalid source label name in label_join(): {}", source);
  }
  if (!is_utf8_name(target)) problem = fmt::format("invalid destination label name in label_join(): {}", target);
  return std::make_shared<LabelJoin>(std::move(vector), std::move(target), std::move(separator), std::move(sources),
                                     std::move(problem));
}

}  // namespace tocsin::rules::promql
