#include "files.hpp"

#include <glob.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>

#include "load.hpp"

namespace tocsin::daemon {
namespace {

constexpr std::size_t max_file = 16U * 1024 * 1024;
constexpr std::size_t max_matches = 10'000;

/// glob(3) with its result in a vector.
std::vector<std::string> matches(const std::string& pattern) {
  ::glob_t found{};
  std::vector<std::string> paths;
  if (::glob(pattern.c_str(), 0, nullptr, &found) == 0) {
    for (std::size_t i = 0; i < found.gl_pathc; ++i) paths.emplace_back(found.gl_pathv[i]);
  }
  ::globfree(&found);
  return paths;
}

}  // namespace

std::optional<std::string> read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::nullopt;
  std::string text;
  std::array<char, 64 * 1024> buffer{};
  while (in.read(buffer.data(), buffer.size()), in.gcount() > 0) {
    text.append(buffer.data(), static_cast<std::size_t>(in.gcount()));
    if (text.size() > max_file) return std::nullopt;
  }
  return in.bad() ? std::nullopt : std::optional(std::move(text));
}

std::vector<std::string> matching_files(const std::vector<std::string>& patterns) {
  std::vector<std::string> all;
  for (const std::string& pattern : patterns) {
    const std::vector<std::string> some = matches(pattern);
    all.insert(all.end(), some.begin(), some.end());
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  all.resize(std::min(all.size(), max_matches));
  return all;
}

std::vector<std::string> expand(const core::Located<std::string>& pattern, core::FieldReader& reader) {
  const std::string path = reader.resolve(pattern.value);
  if (pattern.value.empty()) {
    reader.error(pattern.at, "the name of a file is needed here");
    return {};
  }
  if (pattern.value.find_first_of("*?[") == std::string::npos) {
    std::error_code ignored;
    if (std::filesystem::exists(path, ignored)) return {path};
    reader.error(pattern.at, "there is no file " + path);
    return {};
  }
  std::vector<std::string> paths = matches(path);
  if (paths.empty()) reader.warning(pattern.at, "no file matches " + path);
  if (paths.size() > max_matches) {
    reader.error(pattern.at, "more than 10000 files match " + path);
    paths.clear();
  }
  return paths;
}

void Loading::missing(const core::Place& place, core::Position at, std::string message) const {
  if (options.require_secrets) {
    diagnostics.error(place.file, at, std::move(message));
  } else {
    diagnostics.warning(place.file, at, std::move(message));
  }
}

void Loading::check_secret(const core::SecretSource& secret, const core::Place& place, std::string_view key) const {
  if (secret.file.empty()) return;
  const auto read = secret.read();
  if (read.has_error()) {
    missing(place, place.of(key), read.error().detail);
  } else if (read->empty()) {
    missing(place, place.of(key), "the secret file " + secret.file + " is empty");
  }
}

void Loading::check_tls(const std::optional<net::TlsOptions>& tls, const core::Place& place) const {
  if (!tls) return;
  for (const std::string& file : {tls->ca_file, tls->cert_file, tls->key_file}) {
    if (!file.empty() && !std::ifstream(file).is_open()) missing(place, place.of("tls"), "cannot read " + file);
  }
}

}  // namespace tocsin::daemon
