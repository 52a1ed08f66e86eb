// Compressed bodies: the first byte says which kind.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "tocsin/net/http_encoding.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using tocsin::net::Encoding;
  if (size == 0) return 0;
  constexpr Encoding kinds[] = {Encoding::gzip, Encoding::deflate, Encoding::brotli, Encoding::identity};
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  constexpr std::size_t limit = 64 * 1024;
  const auto plain = tocsin::net::decode(body, kinds[data[0] % 4], limit);
  if (plain && plain->size() > limit) std::abort();
  return 0;
}
