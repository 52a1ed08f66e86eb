#include "outbox.hpp"

#include <algorithm>
#include <utility>

namespace tocsin::alerts {

void Outbox::enqueue(MessagePtr message) {
  if (const auto known = numbers_.find(message->labels); known != numbers_.end()) {
    waiting_[static_cast<std::size_t>(known->second - first_)] = std::move(message);
    return;
  }
  numbers_.emplace(message->labels, first_ + static_cast<std::int64_t>(waiting_.size()));
  waiting_.push_back(std::move(message));
  while (waiting_.size() > limits_.capacity) drop_oldest();
}

void Outbox::drop_oldest() {
  numbers_.erase(waiting_.front()->labels);
  waiting_.pop_front();
  ++first_;
  ++dropped_;
  if (suspects_ > 0) --suspects_;
}

std::optional<core::Deadline> Outbox::due() const {
  if (waiting_.empty() || !flight_.empty()) return std::nullopt;
  return not_before_;
}

std::span<const MessagePtr> Outbox::begin() {
  if (!flight_.empty()) return {};
  const std::size_t most = suspects_ > 0 ? std::min(half_, suspects_) : limits_.batch;
  const std::size_t count = std::min(waiting_.size(), std::max<std::size_t>(most, 1));
  for (std::size_t i = 0; i < count; ++i) {
    numbers_.erase(waiting_.front()->labels);
    flight_.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
    ++first_;
  }
  return flight_;
}

void Outbox::delivered() {
  suspects_ -= std::min(suspects_, flight_.size());
  flight_.clear();
  pause_ = std::chrono::milliseconds{0};
  not_before_ = {};
}

void Outbox::back_to_front() {
  std::size_t superseded = 0;
  for (auto message = flight_.rbegin(); message != flight_.rend(); ++message) {
    // A newer state came while this one was on its way: that one will do.
    if (!numbers_.emplace((*message)->labels, first_ - 1).second) {
      ++superseded;
      continue;
    }
    --first_;
    waiting_.push_front(std::move(*message));
  }
  suspects_ -= std::min(suspects_, superseded);
  flight_.clear();
}

void Outbox::failed(core::Deadline now, double chance) {
  back_to_front();
  while (waiting_.size() > limits_.capacity) drop_oldest();
  pause_ = pause_.count() == 0 ? limits_.first_pause : std::min(pause_ * 2, limits_.longest_pause);
  const auto part = std::chrono::duration<double, std::milli>(pause_) * (0.5 + chance / 2);
  not_before_ = now + std::chrono::duration_cast<core::Deadline::duration>(part);
}

bool Outbox::rejected(bool divisible) {
  const std::size_t count = flight_.size();
  pause_ = std::chrono::milliseconds{0};
  not_before_ = {};
  if (divisible && count > 1) {
    if (suspects_ == 0) suspects_ = count;
    half_ = count / 2;
    back_to_front();
    return false;
  }
  suspects_ -= std::min(suspects_, count);
  half_ = suspects_;  // the rest is tried at once: most often one alert alone is at fault
  dropped_ += count;
  flight_.clear();
  return true;
}

void Outbox::set_limits(std::size_t capacity, std::size_t batch) {
  limits_.capacity = capacity;
  limits_.batch = batch;
  while (waiting_.size() > limits_.capacity) drop_oldest();
}

}  // namespace tocsin::alerts
