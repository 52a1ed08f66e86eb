// One round of questions on one connection: what is written, and what becomes of the answers. No I/O here.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "redis/question.hpp"
#include "redis/resp.hpp"
#include "tocsin/core/result.hpp"

namespace tocsin::probes::redis {

/// Commands that go out in one write, and their replies as they come.
class Exchange {
 public:
  explicit Exchange(std::size_t max_reply);
  virtual ~Exchange() = default;
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  [[nodiscard]] virtual std::string_view request() const = 0;
  /// How many commands that is.
  [[nodiscard]] virtual std::size_t size() const = 0;
  /// Where the next bytes are to be read to; then `take` how many came.
  [[nodiscard]] std::span<char> space() const { return {chunk_.get(), chunk_size}; }
  [[nodiscard]] core::Result<void> take(std::size_t bytes);
  [[nodiscard]] bool done() const { return answered_ == size(); }
  /// No command was answered well.
  [[nodiscard]] bool first_failed() const { return answered_ == 0; }
  /// A failure of the connection as one of this exchange: with the command that was not answered.
  [[nodiscard]] core::Failure broken(core::Failure failure) const;

 protected:
  /// The reply to the command of that number. A failure ends the exchange.
  [[nodiscard]] virtual core::Result<void> answer(std::size_t number, const Reply& reply) = 0;
  [[nodiscard]] virtual std::string_view name(std::size_t number) const = 0;
  [[nodiscard]] virtual bool is_entering(std::size_t number) const = 0;

 private:
  static constexpr std::size_t chunk_size = 16 * 1024;
  std::size_t answered_ = 0;
  bool heard_ = false;
  std::unique_ptr<char[]> chunk_;
  ReplyReader reader_;
};

/// Takes what a round brings besides INFO.
class Answers {
 public:
  virtual ~Answers() = default;
  virtual void answered(Questions::Asked asked, const Reply& reply) = 0;
  /// An error reply that says no. One that says "not now" or "not you" fails the round.
  virtual void refused(Questions::Asked asked, std::string_view error) = 0;
};

/// The questions of a probe.
class Round final : public Exchange {
 public:
  Round(std::shared_ptr<const Questions> questions, Answers& answers, std::size_t max_reply);

  [[nodiscard]] std::string_view request() const override { return questions_->request(); }
  [[nodiscard]] std::size_t size() const override { return questions_->list().size(); }
  /// Empty where INFO was not asked or not answered. Lives as long as the round.
  [[nodiscard]] std::string_view info_text() const { return info_; }
  [[nodiscard]] bool info_refused() const { return info_refused_; }

 protected:
  [[nodiscard]] core::Result<void> answer(std::size_t number, const Reply& reply) override;
  [[nodiscard]] std::string_view name(std::size_t number) const override;
  [[nodiscard]] bool is_entering(std::size_t number) const override;

 private:
  [[nodiscard]] core::Result<void> error(Questions::Asked asked, std::string_view text);

  std::shared_ptr<const Questions> questions_;
  Answers& answers_;
  std::string_view info_;
  bool info_refused_ = false;
};

}  // namespace tocsin::probes::redis
