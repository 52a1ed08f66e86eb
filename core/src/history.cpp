#include "tocsin/core/history.hpp"

#include <array>
#include <utility>

namespace tocsin::core {
namespace {

constexpr std::array<std::pair<HistoryKind, std::string_view>, 4> names{{
    {HistoryKind::alert, "alert"},
    {HistoryKind::delivery, "delivery"},
    {HistoryKind::suppression, "suppression"},
    {HistoryKind::daemon, "daemon"},
}};

}  // namespace

std::string_view to_string(HistoryKind kind) {
  for (const auto& [known, name] : names) {
    if (known == kind) return name;
  }
  return "alert";
}

std::optional<HistoryKind> history_kind(std::string_view name) {
  for (const auto& [kind, known] : names) {
    if (known == name) return kind;
  }
  return std::nullopt;
}

}  // namespace tocsin::core
