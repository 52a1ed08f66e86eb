// Any bytes as the answers to every question that is ever asked, in pieces of any size.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "redis/config.hpp"
#include "redis/round.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tocsin::probes::redis;
  if (size < 2) return 0;
  const std::size_t piece = data[0] % 64 + std::size_t{1};
  const unsigned questions = data[1];
  std::string_view input(reinterpret_cast<const char*>(data) + 2, size - 2);
  Round round(4096);
  if ((questions & 1U) != 0) round.auth({"user", tocsin::core::Secret("password")});
  if ((questions & 2U) != 0) round.select(1);
  if ((questions & 4U) != 0) round.config(config_pattern);
  if ((questions & 8U) != 0) round.cluster();
  round.info(true);
  while (!input.empty() && !round.done()) {
    const auto part = input.substr(0, std::min(piece, round.space().size()));
    std::ranges::copy(part, round.space().begin());
    input.remove_prefix(part.size());
    if (!round.take(part.size())) return 0;
  }
  if (const auto* const values = round.config_values()) {
    ConfigReader config(tocsin::core::Labels{});
    config.learn(*values);
    tocsin::core::SeriesTable table;
    table.begin();
    config.append(table, {});
  }
  return 0;
}
