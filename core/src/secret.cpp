#include "tocsin/core/secret.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <fstream>

namespace tocsin::core {
namespace {

constexpr std::size_t max_secret = 1024 * 1024;

void wipe(std::string& text) {
  // explicit_bzero is not left out by the optimiser.
  ::explicit_bzero(text.data(), text.size());
  text.clear();
}

}  // namespace

Secret::Secret(Secret&& other) noexcept : value_(other.value_) { wipe(other.value_); }

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    wipe(value_);
    value_ = other.value_;
    wipe(other.value_);
  }
  return *this;
}

Secret::~Secret() { wipe(value_); }

Result<Secret> SecretSource::read() const {
  if (file.empty()) return value;
  std::ifstream in(file, std::ios::binary);
  if (!in) return Failure{Outcome::auth, Phase::auth, "cannot read the secret file " + file};
  std::string text(max_secret + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  // A folder opens, but does not read.
  if (in.bad()) return Failure{Outcome::auth, Phase::auth, "cannot read the secret file " + file};
  if (text.size() > max_secret) {
    wipe(text);
    return Failure{Outcome::limit, Phase::auth, "the secret file " + file + " is larger than 1 MiB"};
  }
  if (!text.empty() && text.back() == '\n') text.pop_back();
  if (!text.empty() && text.back() == '\r') text.pop_back();
  Secret secret(text);
  wipe(text);
  return secret;
}

bool names_a_secret(std::string_view word) {
  static constexpr std::array<std::string_view, 9> words{"password",   "passwd", "passphrase", "secret",       "token",
                                                         "credential", "apikey", "bearer",     "authorization"};
  std::string plain;
  for (const char c : word) {
    if (c != '_' && c != '-') plain += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  if (plain.ends_with("file")) return false;
  return std::any_of(words.begin(), words.end(), [&plain](auto w) { return plain.find(w) != std::string::npos; });
}

std::string redact(std::string text, std::string_view secret) {
  if (secret.empty()) return text;
  constexpr std::string_view mask = "<secret>";
  for (auto at = text.find(secret); at != std::string::npos; at = text.find(secret, at + mask.size())) {
    text.replace(at, secret.size(), mask);
  }
  return text;
}

}  // namespace tocsin::core
