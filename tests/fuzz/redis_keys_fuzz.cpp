// Any replies to the questions for key lengths, over a few probes: they end, and give no series two samples.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "redis/keys.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tocsin;
  using namespace tocsin::probes::redis;
  std::string_view input(reinterpret_cast<const char*>(data), size);
  const CommandNames names;
  KeyLengths keys(core::Labels{}, names, {"a", "db1/b", "q*", "db1=*"}, {8, 3, 10}, 0);
  core::SeriesTable table;
  ReplyReader reader(4096);
  if (!reader.feed(input)) return 0;
  bool more = true;
  for (int probe = 0; probe < 4 && more; ++probe) {
    keys.begin(probe % 2 != 0);
    for (int batch = 0; more; ++batch) {
      if (batch > 100) std::abort();
      const auto commands = keys.next(true);
      if (commands.list.empty()) break;
      for (const auto& command : commands.list) {
        const auto reply = reader.next();
        more = reply && *reply;
        if (!more) break;
        keys.answered(command, **reply);
      }
    }
    table.begin();
    keys.append(table);
    std::set<core::Slot> given;
    for (const auto& row : table.take().rows) {
      if (!given.insert(row.slot).second) std::abort();
    }
  }
  return 0;
}
