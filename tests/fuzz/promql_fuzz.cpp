// Any text is either refused or a tree that prints to a text with the same tree, and evaluates in bounded time and
// memory.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "tocsin/rules/promql/engine.hpp"

namespace {

using namespace tocsin;
using namespace tocsin::rules::promql;

std::unique_ptr<store::Store> make_store() {
  auto made = std::make_unique<store::Store>(store::Limits{});
  const auto block = made->open_block("fuzz");
  for (int row = 0; row < 20; ++row) {
    core::Batch batch;
    for (core::Slot slot = 0; slot < 6; ++slot) {
      if (row == 0) {
        batch.fresh.push_back({slot, core::Labels{{"__name__", slot % 2 == 0 ? "a" : "b"},
                                                  {"le", slot < 4 ? std::to_string(slot) : "+Inf"},
                                                  {"x", std::to_string(slot / 2)}}});
      }
      batch.rows.push_back({slot, static_cast<double>(row * static_cast<int>(slot + 1) % 7)});
    }
    made->append(block, core::from_millis(1'000'000 + row * 15'000), batch);
  }
  return made;
}

void evaluate(const Expr& expr) {
  static const std::unique_ptr<store::Store> store = make_store();
  Plan plan(expr);
  EvalLimits limits;
  limits.max_samples = 10'000;
  int asked = 0;
  limits.expired = [&asked] { return ++asked > 20; };
  const auto at = core::from_millis(1'285'000);
  (void)plan.instant(store->live(), at, limits);
  (void)plan.range(store->live(), at - std::chrono::minutes{1}, at, std::chrono::seconds{20}, limits);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 4096) return 0;
  const std::string query(data, data + size);
  auto parsed = parse(query);
  if (const auto* problem = std::get_if<ParseError>(&parsed)) {
    if (problem->range.begin > query.size()) std::abort();
    (void)problem->render(query);
    return 0;
  }
  const Expr& expr = *std::get<ExprPtr>(parsed);
  const std::string normal = to_string(expr);
  auto again = parse(normal);
  if (!std::holds_alternative<ExprPtr>(again) || to_string(*std::get<ExprPtr>(again)) != normal) std::abort();
  (void)look_back(expr, std::chrono::minutes{5});
  evaluate(expr);
  return 0;
}
