#include "tocsin/core/authorization.hpp"

#include <cstdint>
#include <string_view>

namespace tocsin::core {
namespace {

std::string base64(std::string_view text) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((text.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < text.size(); at += 3) {
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      bits = bits << 8 | (at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0U);
    }
    for (std::size_t i = 0; i < 4; ++i) out += at + i <= text.size() ? digits[bits >> (18 - 6 * i) & 63U] : '=';
  }
  return out;
}

}  // namespace

Result<std::string> authorization(const SecretSource& bearer, const std::string& user, const SecretSource& password) {
  if (!bearer.empty()) {
    const auto token = bearer.read();
    if (!token) return token.error();
    return "Bearer " + token->reveal();
  }
  if (user.empty() && password.empty()) return std::string();
  const auto secret = password.read();
  if (!secret) return secret.error();
  return "Basic " + base64(user + ":" + secret->reveal());
}

}  // namespace tocsin::core
