// Alertmanager's answer about an alert, as anything on that port may give it.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "src/suppression.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const tocsin::core::Labels labels{{"alertname", "a"}};
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  static_cast<void>(tocsin::alerts::read_suppression(body, labels));
  return 0;
}
