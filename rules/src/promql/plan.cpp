// Plan: the public face of the nodes.
#include <algorithm>

#include "src/promql/compile.hpp"
#include "src/promql/functions.hpp"
#include "tocsin/rules/promql/engine.hpp"

namespace tocsin::rules::promql {
namespace {

// Label sets that came and went are kept until there are this many times as many as one evaluation needs.
constexpr std::size_t table_slack = 4;
constexpr std::size_t table_minimum = 4096;

/// Built in place: GCC 12 takes a moved-from variant of vectors for uninitialised memory.
template <class T>
std::variant<Value, EvalError> answer(T value) {
  return std::variant<Value, EvalError>(std::in_place_type<Value>, std::in_place_type<T>, std::move(value));
}

core::Sample sample_at(Millis at, double value) { return {core::from_millis(at), value}; }

}  // namespace

struct Plan::Impl {
  explicit Impl(const Expr& expr) : compiled(compile(expr)) {}

  Context start(const store::View& view, Millis from, Millis to, const EvalLimits& limits) {
    if (table.size() > table_limit) {
      table.clear();
      settled = false;
    }
    return Context(view, table, from, to, ++pass, limits);
  }
  /// After an evaluation: what the first one needed decides what the table may keep.
  void settle() {
    if (!settled) table_limit = std::max(table_minimum, table.size() * table_slack);
    settled = true;
  }

  std::variant<Value, EvalError> instant(Context& context, Millis at);
  std::variant<Value, EvalError> instant_matrix(Context& context, RangeSource& source, Millis at);

  Compiled compiled;
  LabelTable table;
  std::size_t table_limit = table_minimum;
  bool settled = false;
  std::uint64_t pass = 0;
};

std::variant<Value, EvalError> Plan::Impl::instant(Context& context, Millis at) {
  if (const auto* text = std::get_if<std::string>(&compiled.root)) return answer(String{core::from_millis(at), *text});
  if (auto* source = std::get_if<RangePtr>(&compiled.root)) return instant_matrix(context, **source, at);
  Node& node = *std::get<NodePtr>(compiled.root);
  if (!node.eval(context, at)) return std::move(context.error);
  if (compiled.type == ValueType::scalar) return answer(Scalar{sample_at(at, node.scalar())});
  Vector out;
  out.reserve(node.points().size());
  for (const Point& point : node.points()) out.push_back({table.at(point.labels), sample_at(at, point.value)});
  return answer(std::move(out));
}

std::variant<Value, EvalError> Plan::Impl::instant_matrix(Context& context, RangeSource& source, Millis at) {
  Matrix out;
  if (!source.open(context, at)) return std::move(context.error);
  Window window;
  for (;;) {
    const auto next = source.next(context, window);
    if (next == RangeSource::Next::failed) return std::move(context.error);
    if (next == RangeSource::Next::done) break;
    if (!context.take(window.samples.size())) return std::move(context.error);
    out.push_back({table.at(window.labels), {window.samples.begin(), window.samples.end()}});
  }
  std::sort(out.begin(), out.end(), [](const Series& a, const Series& b) { return a.labels < b.labels; });
  return answer(std::move(out));
}

Plan::Plan(const Expr& expr) : impl_(std::make_unique<Impl>(expr)) {}
Plan::~Plan() = default;
Plan::Plan(Plan&&) noexcept = default;
Plan& Plan::operator=(Plan&&) noexcept = default;

std::variant<Value, EvalError> Plan::instant(const store::View& view, core::TimePoint at, const EvalLimits& limits) {
  const Millis when = core::to_millis(at);
  Context context = impl_->start(view, when, when, limits);
  auto result = impl_->instant(context, when);
  impl_->settle();
  return result;
}

std::variant<Matrix, EvalError> Plan::range(const store::View& view, core::TimePoint start, core::TimePoint end,
                                            core::Duration step, const EvalLimits& limits) {
  Impl& impl = *impl_;
  const auto* root = std::get_if<NodePtr>(&impl.compiled.root);
  if (root == nullptr) {
    return EvalError{EvalError::Kind::execution, "invalid expression type \"" +
                                                     std::string(type_name(impl.compiled.type)) +
                                                     "\" for range query, must be Scalar or instant Vector"};
  }
  if (step.count() <= 0) return EvalError{EvalError::Kind::execution, "zero or negative query resolution step"};
  Context context = impl.start(view, core::to_millis(start), core::to_millis(end), limits);
  if (end > start && !context.may_step(static_cast<std::size_t>((end - start) / step))) return std::move(context.error);
  Matrix out;
  IdIndex index;
  Node& node = **root;
  const auto add = [&](LabelId labels, core::Sample sample) {
    const std::uint32_t* slot = index.find(labels);
    const std::size_t at = slot != nullptr ? *slot : out.size();
    if (slot == nullptr) {
      index.insert(labels, static_cast<std::uint32_t>(at));
      out.push_back({impl.table.at(labels), {}});
    }
    out[at].samples.push_back(sample);
  };
  for (core::TimePoint at = start; at <= end; at += step) {
    const std::size_t held = context.used();
    if (!node.eval(context, core::to_millis(at))) return std::move(context.error);
    context.release_to(held);
    const bool scalar = impl.compiled.type == ValueType::scalar;
    if (!context.take(scalar ? 1 : node.points().size())) return std::move(context.error);
    if (scalar) add(impl.table.intern({}), {at, node.scalar()});
    for (const Point& point : node.points()) add(point.labels, {at, point.value});
  }
  impl.settle();
  std::sort(out.begin(), out.end(), [](const Series& a, const Series& b) { return a.labels < b.labels; });
  return out;
}

}  // namespace tocsin::rules::promql
