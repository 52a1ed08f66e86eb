// Two INFO texts, one after the other: the reader that knows the first must give of the second what a new reader gives.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

#include "redis/info.hpp"

namespace {

using namespace tocsin;
using Samples = std::map<std::string, double>;

Samples read(probes::redis::InfoReader& reader, core::SeriesTable& table, std::string_view text) {
  table.begin();
  static_cast<void>(reader.read(text, core::from_millis(1'800'000'000'000), 3, table));
  Samples found;
  for (const auto& row : table.take().rows) {
    const auto [it, fresh] = found.emplace(table.labels(row.slot).to_string(), row.value);
    if (!fresh) std::abort();  // two samples of one series
  }
  return found;
}

bool same(const Samples& a, const Samples& b) {
  if (a.size() != b.size()) return false;
  for (auto i = a.begin(), j = b.begin(); i != a.end(); ++i, ++j) {
    const bool equal = i->second == j->second || (i->second != i->second && j->second != j->second);
    // The start time is held over small changes.
    if (i->first != j->first || (!equal && i->first != "redis_start_time_seconds")) return false;
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto middle = input.find('\0');
  const auto first = input.substr(0, middle);
  const auto second = middle == std::string_view::npos ? first : input.substr(middle + 1);
  probes::redis::InfoReader kept{core::Labels{}};
  probes::redis::InfoReader fresh{core::Labels{}};
  core::SeriesTable kept_table, fresh_table;
  static_cast<void>(read(kept, kept_table, first));
  if (!same(read(kept, kept_table, second), read(fresh, fresh_table, second))) std::abort();
  return 0;
}
