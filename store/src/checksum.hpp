// A checksum of 64 bits, fast on long inputs: four lanes that each take eight bytes at a time. Tells damage, not
// malice.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace tocsin::store {

/// Bytes may come in pieces; where they are cut makes no difference.
class Checksum {
 public:
  void add(std::span<const std::uint8_t> bytes) {
    length_ += bytes.size();
    if (held_ > 0) {
      const auto room = std::min(stripe - held_, bytes.size());
      hold(bytes.first(room));
      bytes = bytes.subspan(room);
      if (held_ < stripe) return;
      mix(partial_.data());
      held_ = 0;
    }
    for (; bytes.size() >= stripe; bytes = bytes.subspan(stripe)) mix(bytes.data());
    hold(bytes);
  }
  [[nodiscard]] std::uint64_t value() const {
    auto copy = *this;
    std::memset(copy.partial_.data() + held_, 0, stripe - held_);
    copy.mix(copy.partial_.data());
    auto hash = length_ * prime;
    for (const auto lane : copy.lanes_) {
      hash = (hash ^ lane) * prime;
      hash ^= hash >> 31;
    }
    return hash;
  }

 private:
  static constexpr std::size_t stripe = 32;
  static constexpr std::uint64_t prime = 0x9e3779b97f4a7c15ULL;

  void hold(std::span<const std::uint8_t> bytes) {
    if (bytes.empty()) return;
    std::memcpy(partial_.data() + held_, bytes.data(), bytes.size());
    held_ += bytes.size();
  }
  void mix(const std::uint8_t* from) {
    for (auto& lane : lanes_) {
      std::uint64_t word = 0;
      std::memcpy(&word, from, sizeof word);
      from += sizeof word;
      lane = std::rotl((lane ^ word) * prime, 29);
    }
  }

  std::array<std::uint64_t, 4> lanes_{1, 2, 3, 4};
  std::array<std::uint8_t, stripe> partial_{};
  std::size_t held_ = 0;
  std::size_t length_ = 0;
};

}  // namespace tocsin::store
