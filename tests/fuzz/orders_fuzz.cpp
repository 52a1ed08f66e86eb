// Orders and logins, as anything that reaches the port may send them.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <variant>

#include "src/api_orders.hpp"
#include "src/port_guard.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using tocsin::actions::Order;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto kind = static_cast<Order::Kind>(data[0] % 5);
  const auto order = tocsin::daemon::read_order(kind, text);
  if (const auto* read = std::get_if<Order>(&order)) {
    const bool bounded = read->what.size() <= 500 && read->note.size() <= 500;
    if (!bounded || !read->by.empty() || read->kind != kind) std::abort();
    if (read->lasts && read->lasts->count() <= 0) std::abort();
  } else if (std::get<std::string>(order).empty()) {
    std::abort();
  }
  if (const auto login = tocsin::daemon::parse_login(text)) {
    if (login->user.find(':') != std::string::npos || login->user.size() > text.size()) std::abort();
  }
  return 0;
}
