// One round of questions on one connection: what is written, and what becomes of the answers. No I/O here.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "redis/refusal.hpp"
#include "redis/resp.hpp"
#include "tocsin/core/result.hpp"
#include "tocsin/core/secret.hpp"

namespace tocsin::probes::redis {

struct Credentials {
  std::string user;
  core::Secret password;
  [[nodiscard]] bool empty() const { return user.empty() && password.empty(); }
};

/// Collects questions, gives the bytes to send, takes the bytes that come. All questions go out in one write.
class Round {
 public:
  explicit Round(std::size_t max_reply);

  // The questions, in the order in which they are answered. INFO comes last: its text stays where it was read.
  void auth(const Credentials& credentials);
  void select(unsigned database);
  void config(std::string_view pattern);
  void cluster();
  void info(bool all);
  /// What goes out. Holds a password if `auth` was asked.
  [[nodiscard]] std::string_view request() const { return request_.reveal(); }

  /// Where the next bytes are to be read to; then `take` how many came.
  [[nodiscard]] std::span<char> space() const { return {chunk_.get(), chunk_size}; }
  [[nodiscard]] core::Result<void> take(std::size_t bytes);
  [[nodiscard]] bool done() const { return answered_ == questions_.size(); }
  /// No question was answered well.
  [[nodiscard]] bool first_failed() const { return answered_ == 0; }

  /// A failure of the connection as one of this round: with the question that was not answered.
  [[nodiscard]] core::Failure broken(core::Failure failure) const;

  // The answers.
  [[nodiscard]] std::string_view info_text() const { return info_; }
  [[nodiscard]] const std::string& cluster_text() const { return cluster_; }
  [[nodiscard]] bool info_refused() const { return info_refused_; }
  [[nodiscard]] bool config_refused() const { return config_refused_; }
  /// Names and values in turn; null if CONFIG was not asked or not answered.
  [[nodiscard]] const std::vector<std::string>* config_values() const { return config_ ? &*config_ : nullptr; }

 private:
  static constexpr std::size_t chunk_size = 16 * 1024;
  void ask(Question question, std::span<const std::string_view> words);
  [[nodiscard]] core::Result<void> answer(Question question, const Reply& reply);
  [[nodiscard]] core::Result<void> error(Question question, std::string_view text);

  core::Secret request_;
  core::Secret password_;
  std::vector<Question> questions_;
  std::size_t answered_ = 0;
  bool heard_ = false;
  std::unique_ptr<char[]> chunk_;
  ReplyReader reader_;
  std::string_view info_;
  std::string cluster_;
  std::optional<std::vector<std::string>> config_;
  bool info_refused_ = false;
  bool config_refused_ = false;
};

}  // namespace tocsin::probes::redis
