// Texts that many have in common, each kept once, as long as somebody has it.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

namespace tocsin::core {

/// Any thread. Outlives the texts that it gave.
class TextPool {
  struct Use {
    TextPool* pool = nullptr;
    std::uint32_t count = 0;
  };
  using Texts = std::unordered_map<std::string, Use>;

 public:
  /// One use of a text, as large as a pointer.
  class Text {
   public:
    Text() = default;
    Text(Text&& other) noexcept : at_(std::exchange(other.at_, nullptr)) {}
    Text& operator=(Text&& other) noexcept {
      std::swap(at_, other.at_);
      return *this;
    }
    ~Text() {
      if (at_ != nullptr) at_->second.pool->give_back(*at_);
    }
    /// Only where there is one.
    [[nodiscard]] const std::string& operator*() const { return at_->first; }

   private:
    friend class TextPool;
    explicit Text(Texts::value_type* at) : at_(at) {}
    Texts::value_type* at_ = nullptr;
  };

  TextPool() = default;
  TextPool(const TextPool&) = delete;
  TextPool& operator=(const TextPool&) = delete;

  [[nodiscard]] Text take(std::string text);
  [[nodiscard]] std::size_t size() const;

 private:
  void give_back(Texts::value_type& text);

  mutable std::mutex mutex_;
  Texts texts_;
};

}  // namespace tocsin::core
