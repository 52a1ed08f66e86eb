// A JSON path and a document, parted by the first newline: as a health endpoint or a command may answer.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "tocsin/core/json_path.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tocsin::core;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto line = input.substr(0, input.find('\n'));
  const auto text = line.size() < input.size() ? input.substr(line.size() + 1) : std::string_view{};
  const auto path = JsonPath::parse(line);
  if (!path && path.error().detail.empty()) std::abort();
  const auto document = parse_json(text);
  if (!path || !document) return 0;
  if (const auto* found = path->find(*document)) static_cast<void>(json_text(*found));
  return 0;
}
