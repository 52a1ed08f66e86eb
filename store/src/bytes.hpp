// Numbers and columns as bytes, in this machine's order, and back with every bound checked.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

namespace tocsin::store {

using Bytes = std::vector<std::uint8_t>;

template <class T>
[[nodiscard]] std::span<const std::uint8_t> bytes_of(const T* first, std::size_t count) {
  static_assert(std::has_unique_object_representations_v<T>);
  return {reinterpret_cast<const std::uint8_t*>(first), count * sizeof(T)};
}
[[nodiscard]] inline std::span<const std::uint8_t> bytes_of(std::string_view text) {
  return bytes_of(text.data(), text.size());
}

inline void put(Bytes& out, std::span<const std::uint8_t> bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }
template <class T>
void put(Bytes& out, const T& value) {
  put(out, bytes_of(&value, 1));
}
template <class T>
void put_all(Bytes& out, const std::vector<T>& values) {
  put(out, bytes_of(values.data(), values.size()));
}

/// Takes what `put` wrote. Once something is missing, all that follows is empty and `good` false.
class Taker {
 public:
  explicit Taker(std::span<const std::uint8_t> bytes) : rest_(bytes) {}

  [[nodiscard]] bool good() const { return good_; }
  /// Nothing is missing and nothing is left.
  [[nodiscard]] bool done() const { return good_ && rest_.empty(); }
  [[nodiscard]] std::size_t left() const { return rest_.size(); }

  std::span<const std::uint8_t> bytes(std::uint64_t count) {
    if (count > rest_.size()) {
      good_ = false;
      rest_ = {};
      return {};
    }
    const auto taken = rest_.first(static_cast<std::size_t>(count));
    rest_ = rest_.subspan(taken.size());
    return taken;
  }
  template <class T>
  T one() {
    static_assert(std::has_unique_object_representations_v<T>);
    T value{};
    const auto from = bytes(sizeof(T));
    if (!from.empty()) std::memcpy(&value, from.data(), sizeof(T));
    return value;
  }
  template <class T>
  std::vector<T> many(std::uint64_t count) {
    static_assert(std::has_unique_object_representations_v<T>);
    std::vector<T> values;
    const auto from = bytes(count > rest_.size() ? rest_.size() + 1 : count * sizeof(T));
    if (from.empty()) return values;
    values.resize(from.size() / sizeof(T));
    std::memcpy(values.data(), from.data(), from.size());
    return values;
  }
  std::string_view text(std::uint64_t count) {
    const auto from = bytes(count);
    return {reinterpret_cast<const char*>(from.data()), from.size()};
  }

 private:
  std::span<const std::uint8_t> rest_;
  bool good_ = true;
};

}  // namespace tocsin::store
