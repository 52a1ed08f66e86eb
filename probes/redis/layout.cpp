#include "redis/layout.hpp"

#include <cstring>

#include "redis/number.hpp"
#include "tocsin/core/packed_text.hpp"

namespace tocsin::probes::redis {

bool Layout::read(std::string_view text, std::span<double> numbers) const {
  if (sections_.empty()) return false;
  double* number = numbers.data();
  const char* p = text.data();
  const char* const end = p + text.size();
  for (const core::TextPool::Text& section : sections_) {
    const char* at = (*section).data();
    for (const char* const section_end = at + (*section).size(); at != section_end;) {
      const std::size_t head = core::get_packed_number(at);
      const std::size_t size = head / 4;
      if (static_cast<std::size_t>(end - p) < size || std::memcmp(p, at, size) != 0) return false;
      p += size;
      at += size;
      switch (static_cast<Then>(head % 4)) {
        case Then::number:
          p = read_number(p, end, *number++);
          if (p == nullptr) return false;
          break;
        case Then::rest_of_line: {
          const void* const newline = std::memchr(p, '\n', static_cast<std::size_t>(end - p));
          p = newline != nullptr ? static_cast<const char*>(newline) : end;
          break;
        }
        case Then::nothing:
          break;
      }
    }
  }
  return p == end;
}

void Layout::begin(std::string_view text) {
  clear();
  rest_ = text;
}

void Layout::write(std::string_view literal, Then then) {
  const std::size_t head = literal.size() * 4 + static_cast<std::size_t>(then);
  const std::size_t before = section_.size();
  section_.resize(before + core::packed_size(head));
  char* at = section_.data() + before;
  core::put_packed(at, head);
  section_ += literal;
}

void Layout::end_section() {
  if (!section_.empty()) sections_.push_back(texts_->take(section_));
  section_.clear();
}

void Layout::piece(std::string_view token, Then then) {
  const auto before = static_cast<std::size_t>(token.data() - rest_.data());
  std::string_view literal = rest_.substr(0, before);
  rest_.remove_prefix(before + token.size());
  // `# Memory`: what stands before it may differ where this does not.
  for (auto title = literal.find("\n# "); title != std::string_view::npos; title = literal.find("\n# ")) {
    write(literal.substr(0, title + 1), Then::nothing);
    end_section();
    literal.remove_prefix(title + 1);
  }
  write(literal, then);
}

void Layout::number(std::string_view token) {
  piece(token, Then::number);
  ++numbers_;
}

void Layout::rest_of_line(std::string_view token) { piece(token, Then::rest_of_line); }

void Layout::end() {
  piece(rest_.substr(rest_.size()), Then::nothing);
  end_section();
  rest_ = {};
  std::string().swap(section_);
  sections_.shrink_to_fit();
}

void Layout::clear() {
  sections_.clear();
  section_.clear();
  numbers_ = 0;
}

}  // namespace tocsin::probes::redis
