// What a Redis probe asks, and the bytes of it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tocsin/core/secret.hpp"

namespace tocsin::probes::redis {

enum class Question : std::uint8_t {
  auth,
  select,
  config,
  cluster,
  latency_latest,
  latency_histogram,
  slowlog_len,
  slowlog_get,
  commandlog_slow,
  commandlog_request,
  commandlog_reply,
  sentinel_masters,
  sentinel_sentinels,
  sentinel_replicas,
  sentinel_quorum,
  info,
  info_plain,
};
inline constexpr std::size_t question_count = 17;
/// As a person writes it: `CONFIG GET`.
[[nodiscard]] std::string_view to_string(Question question);

/// Whether a probe does without the answer. The others fail it.
[[nodiscard]] constexpr bool is_optional(Question question) {
  return question > Question::select && question < Question::info;
}

/// What commands are called on a server that renamed them: lower-case command to its new name; empty: it is not asked.
using CommandNames = std::map<std::string, std::string>;
/// Whether the question may be asked under these names.
[[nodiscard]] bool is_asked(Question question, const CommandNames& names);
/// Appends one command under its name on this server.
void append_named(std::string& out, std::vector<std::string_view> words, const CommandNames& names);

struct Credentials {
  std::string user;
  core::Secret password;
  [[nodiscard]] bool empty() const { return user.empty() && password.empty(); }
};

/// Questions in the order in which they are answered. INFO comes last: its text stays where it was read.
class Questions {
 public:
  struct Asked {
    Question what;
    std::uint16_t number = 0;  // of the primary that a Sentinel is asked about
  };

  explicit Questions(const CommandNames& names) : names_(names) {}

  void auth(const Credentials& credentials);
  void select(unsigned database);
  /// One that needs no argument.
  void ask(Question question);
  /// One about a primary that a Sentinel watches.
  void ask(Question question, std::string_view primary, std::uint16_t number);

  [[nodiscard]] const std::vector<Asked>& list() const { return list_; }
  /// What goes out. Holds a password if `auth` was asked.
  [[nodiscard]] std::string_view request() const { return request_.reveal(); }
  [[nodiscard]] const core::Secret& password() const { return password_; }

 private:
  void add(Asked asked, std::vector<std::string_view> words);

  const CommandNames& names_;
  core::Secret request_;
  core::Secret password_;
  std::vector<Asked> list_;
};

}  // namespace tocsin::probes::redis
