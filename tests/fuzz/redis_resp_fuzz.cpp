// Any bytes as the answers to every question that is ever asked, in pieces of any size, twice: what the first answers
// left behind must not disturb the second.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <set>
#include <string_view>

#include "redis/details.hpp"
#include "redis/round.hpp"

namespace {

using namespace tocsin;
using namespace tocsin::probes::redis;

/// Plays the bytes; what is left of them.
std::string_view play(Details& details, const CommandNames& names, std::string_view input, std::size_t piece,
                      unsigned which) {
  auto questions = std::make_shared<Questions>(names);
  if ((which & 1U) != 0) questions->auth({"user", core::Secret("password")});
  if ((which & 2U) != 0) questions->select(1);
  for (unsigned i = 2; i < 12; ++i) {
    if ((which & (1U << i)) != 0) questions->ask(static_cast<Question>(i));
  }
  details.ask_about_primaries(*questions);
  questions->ask(Question::info);
  Round round(questions, details, 4096);
  while (!input.empty() && !round.done()) {
    const auto part = input.substr(0, std::min(piece, round.space().size()));
    std::ranges::copy(part, round.space().begin());
    input.remove_prefix(part.size());
    if (!round.take(part.size())) break;
  }
  return input;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  const std::size_t piece = data[0] % 64 + std::size_t{1};
  const unsigned which = data[1] + 256U * data[2];
  std::string_view input(reinterpret_cast<const char*>(data) + 3, size - 3);
  const CommandNames names;
  Details details(core::Labels{}, names, {}, true);
  core::SeriesTable table;
  for (int i = 0; i < 2; ++i) {
    details.begin(core::from_millis(1'800'000'000'000), true);
    input = play(details, names, input, piece, which);
    table.begin();
    details.append(table, {});
    std::set<core::Slot> given;
    for (const auto& row : table.take().rows) {
      if (!given.insert(row.slot).second) std::abort();  // two samples of one series
    }
  }
  return 0;
}
