#include "redis/server.hpp"

#include <charconv>

namespace tocsin::probes::redis {
namespace {

unsigned version_number(std::string_view text) {
  unsigned major = 0;
  unsigned minor = 0;
  const char* const end = text.data() + text.size();
  const auto [dot, error] = std::from_chars(text.data(), end, major);
  if (error != std::errc() || major > 10'000) return 0;
  if (dot != end && *dot == '.') std::from_chars(dot + 1, end, minor);
  return major * 100 + (minor < 100 ? minor : 99);
}

}  // namespace

Server describe(std::string_view info) {
  Server server;
  while (!info.empty()) {
    const auto newline = info.find('\n');
    std::string_view line = info.substr(0, newline);
    info.remove_prefix(newline == std::string_view::npos ? info.size() : newline + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const auto key = line.substr(0, colon);
    const auto value = line.substr(colon + 1);
    if (key == "redis_version") server.version = version_number(value);
    if (key == "valkey_version") server.valkey = version_number(value);
    if (key == "dragonfly_version") server.dragonfly = true;
    if (key == "redis_mode" || key == "server_mode") server.sentinel = value == "sentinel";
    if (key == "cluster_enabled") server.cluster = value == "1";
    if (key == "cluster_state") server.cluster_in_info = true;
  }
  if (server.version == 0) server.version = server.valkey;
  return server;
}

bool suits(Question question, const Server& server) {
  if (question == Question::info || question == Question::info_plain) return true;
  if (server.version == 0) return false;
  switch (question) {
    case Question::cluster:
      return server.cluster && !server.cluster_in_info;
    case Question::config:
      return !server.sentinel;
    case Question::latency_latest:
      return server.version >= 208 && !server.sentinel && !server.dragonfly;
    case Question::latency_histogram:
      return server.version >= 700 && !server.sentinel && !server.dragonfly;
    case Question::slowlog_len:
    case Question::slowlog_get:
      return server.version >= 202 && !server.sentinel;
    case Question::commandlog_slow:
    case Question::commandlog_request:
    case Question::commandlog_reply:
      return server.valkey >= 801 && !server.sentinel;
    case Question::sentinel_masters:
    case Question::sentinel_sentinels:
    case Question::sentinel_replicas:
    case Question::sentinel_quorum:
      return server.sentinel;
    default:
      return false;
  }
}

}  // namespace tocsin::probes::redis
