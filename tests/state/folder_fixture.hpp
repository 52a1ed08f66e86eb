// A data folder of a test's own, and what its tests write.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "support/temp_dir.hpp"
#include "tocsin/state/state.hpp"

namespace tocsin::state {

inline core::AlertChange owed_change(const std::string& name, std::uint64_t number) {
  core::AlertChange made;
  made.kind = core::AlertChange::Kind::firing;
  made.at = core::from_millis(1'700'000'000'000 + static_cast<std::int64_t>(number));
  made.number = number;
  made.alert.labels = core::Labels{{"alertname", name}, {"job", "cache"}};
  made.alert.annotations = core::Labels{{"summary", "it is " + std::to_string(number)}};
  made.alert.state = core::AlertState::firing;
  made.alert.fired_at = made.at;
  return made;
}

inline core::HistoryRecord note_of(const std::string& subject, std::int64_t at, const std::string& event = "firing") {
  core::HistoryRecord made;
  made.at = core::from_millis(at);
  made.kind = core::HistoryKind::alert;
  made.event = event;
  made.subject = subject;
  made.labels = core::Labels{{"alertname", subject}};
  made.detail = "because";
  return made;
}

/// Promises and waits for the receipt.
inline std::optional<std::string> put(Ledger& ledger, Promise promise) {
  auto done = std::make_shared<std::promise<std::optional<std::string>>>();
  auto answer = done->get_future();
  ledger.promise(std::move(promise), [done](std::optional<std::string> why) { done->set_value(std::move(why)); });
  if (answer.wait_for(std::chrono::seconds(20)) != std::future_status::ready) return "no receipt in 20 s";
  return answer.get();
}

inline Promise promise_of(std::vector<core::Memory> memories, std::vector<core::AlertChange> owed = {},
                          std::vector<std::string> receivers = {"http://am"}) {
  Promise made;
  made.memories = std::move(memories);
  made.owed = std::move(owed);
  made.receivers = std::move(receivers);
  return made;
}

inline std::vector<std::pair<std::string, std::uint64_t>> names_of(const std::vector<Owed>& owed) {
  std::vector<std::pair<std::string, std::uint64_t>> names;
  for (const Owed& one : owed) {
    names.emplace_back(one.receiver + " " + std::string(one.change.alert.labels.get("alertname")), one.change.number);
  }
  return names;
}

class FolderTest : public testing::Test {
 protected:
  [[nodiscard]] std::unique_ptr<State> open(StateOptions options = {}) const {
    auto state = State::open(folder(), std::move(options));
    if (!state) {
      ADD_FAILURE() << state.error().detail;
      return nullptr;
    }
    return std::move(*state);
  }
  [[nodiscard]] std::string folder() const { return dir_.path().string(); }
  [[nodiscard]] std::string database() const { return dir_ / "tocsin.db"; }

  test::TempDir dir_;
};

}  // namespace tocsin::state
