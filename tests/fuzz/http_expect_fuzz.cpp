// Conditions, and the hosts that a proxy is not asked for.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "http/proxy.hpp"
#include "tocsin/core/condition.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string_view first = text.substr(0, text.find('\n'));
  const std::string_view rest = first.size() < text.size() ? text.substr(first.size() + 1) : std::string_view();
  if (const auto condition = tocsin::core::Condition::parse(first)) {
    if (condition->holds(std::nullopt) != condition->wants_nothing()) std::abort();
    static_cast<void>(condition->holds(rest));
    static_cast<void>(condition->words());
  }
  static_cast<void>(tocsin::probes::http::named_in(first, rest, 80));
  return 0;
}
