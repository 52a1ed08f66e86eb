// The hash of a label set, for who has its names and values but no Labels.
#pragma once

#include <cstdint>
#include <string_view>

namespace tocsin::core {

/// FNV-1a, 64 bit (http://www.isthe.com/chongo/tech/comp/fnv/), with a byte that occurs in no UTF-8 text between the
/// parts. Names come sorted.
class LabelHash {
 public:
  void add(std::string_view name, std::string_view value) {
    mix(name);
    mix(value);
  }
  [[nodiscard]] std::uint64_t value() const { return hash_; }

 private:
  void mix(std::string_view text) {
    for (const char c : text) hash_ = (hash_ ^ static_cast<unsigned char>(c)) * prime;
    hash_ = (hash_ ^ 0xffU) * prime;
  }
  static constexpr std::uint64_t prime = 1099511628211ULL;
  std::uint64_t hash_ = 14695981039346656037ULL;
};

}  // namespace tocsin::core
