#include "tocsin/net/http_encoding.hpp"

#include <brotli/decode.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <utility>

namespace tocsin::net {
namespace {

using core::Failure;
using core::Outcome;
using core::Phase;
using core::Result;

constexpr std::array<std::pair<Encoding, std::string_view>, 4> names{{{Encoding::identity, "identity"},
                                                                      {Encoding::gzip, "gzip"},
                                                                      {Encoding::deflate, "deflate"},
                                                                      {Encoding::brotli, "br"}}};

Failure too_large(std::size_t limit) {
  return {Outcome::limit, Phase::receive, "the body, decompressed, is larger than " + std::to_string(limit) + " bytes"};
}

Failure no_such(Encoding encoding, std::string_view reason) {
  return {Outcome::protocol, Phase::receive,
          "the body is not " + std::string(to_string(encoding)) + ": " + std::string(reason)};
}

/// The plain text as it grows, up to its bound: never more than twice what came out so far.
class Output {
 public:
  explicit Output(std::size_t limit) : limit_(limit) {}
  /// True once more came out than may.
  [[nodiscard]] bool over() const { return used_ > limit_; }
  /// Room for at least one byte; one byte more than the bound may come, to tell that there is more.
  std::pair<unsigned char*, std::size_t> room() {
    constexpr std::size_t first = 16 * 1024;
    if (used_ == text_.size()) text_.resize(std::min(std::max(first, text_.size() * 2), limit_ + 1));
    return {reinterpret_cast<unsigned char*>(text_.data()) + used_, text_.size() - used_};
  }
  void filled(std::size_t size) { used_ += size; }
  std::string take() {
    text_.resize(used_);
    return std::move(text_);
  }

 private:
  std::size_t limit_;
  std::size_t used_ = 0;
  std::string text_;
};

constexpr int raw_window = -15;
constexpr int zlib_window = 15;
constexpr int gzip_window = 15 + 16;

Result<std::string> inflate_all(std::string_view body, Encoding encoding, int window, std::size_t limit) {
  z_stream stream{};
  if (inflateInit2(&stream, window) != Z_OK) return Failure{Outcome::internal, Phase::receive, "zlib has no memory"};
  const std::unique_ptr<z_stream, int (*)(z_stream*)> end(&stream, inflateEnd);
  // zlib does not write through next_in, but its type is not const.
  stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(body.data()));
  stream.avail_in = static_cast<uInt>(std::min<std::size_t>(body.size(), UINT32_MAX));
  Output output(limit);
  while (true) {
    const auto [at, size] = output.room();
    stream.next_out = at;
    stream.avail_out = static_cast<uInt>(std::min<std::size_t>(size, UINT32_MAX));
    const uInt offered = stream.avail_out;
    const int result = inflate(&stream, Z_NO_FLUSH);
    output.filled(offered - stream.avail_out);
    if (output.over()) return too_large(limit);
    if (result == Z_STREAM_END) {
      // A gzip file may be several, one behind the other.
      if (window != gzip_window || stream.avail_in == 0) return output.take();
      if (inflateReset(&stream) != Z_OK) return no_such(encoding, "it cannot be read on");
    } else if (result != Z_OK) {
      const bool early = result == Z_BUF_ERROR;
      return no_such(encoding, early ? "it ends early" : stream.msg == nullptr ? "it is damaged" : stream.msg);
    }
  }
}

Result<std::string> inflate_either(std::string_view body, std::size_t limit) {
  Result<std::string> plain = inflate_all(body, Encoding::deflate, zlib_window, limit);
  if (plain || plain.error().outcome != Outcome::protocol) return plain;
  return inflate_all(body, Encoding::deflate, raw_window, limit);
}

Result<std::string> unbrotli(std::string_view body, std::size_t limit) {
  const std::unique_ptr<BrotliDecoderState, void (*)(BrotliDecoderState*)> state(
      BrotliDecoderCreateInstance(nullptr, nullptr, nullptr), BrotliDecoderDestroyInstance);
  if (!state) return Failure{Outcome::internal, Phase::receive, "brotli has no memory"};
  const auto* in = reinterpret_cast<const std::uint8_t*>(body.data());
  std::size_t left = body.size();
  Output output(limit);
  while (true) {
    auto [at, size] = output.room();
    const std::size_t offered = size;
    const auto result = BrotliDecoderDecompressStream(state.get(), &left, &in, &size, &at, nullptr);
    output.filled(offered - size);
    if (output.over()) return too_large(limit);
    switch (result) {
      case BROTLI_DECODER_RESULT_SUCCESS:
        if (left != 0) return no_such(Encoding::brotli, "something else follows it");
        return output.take();
      case BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT:
        break;
      case BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT:
        return no_such(Encoding::brotli, "it ends early");
      default:
        return no_such(Encoding::brotli, "it is damaged");
    }
  }
}

}  // namespace

std::string_view to_string(Encoding encoding) {
  for (const auto& [known, name] : names) {
    if (known == encoding) return name;
  }
  return "identity";
}

std::optional<Encoding> parse_encoding(std::string_view word) {
  std::string lower(word);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  if (lower.empty()) return Encoding::identity;
  if (lower == "x-gzip") return Encoding::gzip;
  for (const auto& [known, name] : names) {
    if (name == lower) return known;
  }
  return std::nullopt;
}

Result<std::string> decode(std::string_view body, Encoding encoding, std::size_t limit) {
  switch (encoding) {
    case Encoding::gzip:
      return inflate_all(body, encoding, gzip_window, limit);
    case Encoding::deflate:
      return inflate_either(body, limit);
    case Encoding::brotli:
      return unbrotli(body, limit);
    case Encoding::identity:
      break;
  }
  if (body.size() > limit) return too_large(limit);
  return std::string(body);
}

}  // namespace tocsin::net
