#include "outbox.hpp"

#include <algorithm>
#include <utility>

namespace tocsin::alerts {
namespace {

constexpr std::size_t most_known = 16'384;

bool is_repeated(const Message& message) { return message.kind == core::AlertChange::Kind::repeated; }

}  // namespace

void Outbox::leave(Left::Why why, Entry entry) {
  if (why == Left::Why::dropped || why == Left::Why::refused) ++dropped_;
  left_.push_back({why, std::move(entry)});
}

std::vector<Outbox::Left> Outbox::take_left() { return std::exchange(left_, {}); }

bool Outbox::is_stale(const Message& message) const {
  if (message.number == 0) return false;
  const auto known = known_.find(message.hash);
  return known != known_.end() && known->second > message.number;
}

void Outbox::know(const Entry& entry) {
  if (entry.number == 0) return;
  const auto [known, fresh] = known_.try_emplace(entry.message->hash, entry.number);
  known->second = std::max(known->second, entry.number);
  if (!fresh) return;
  known_order_.push_back(entry.message->hash);
  if (known_order_.size() <= most_known) return;
  known_.erase(known_order_.front());
  known_order_.pop_front();
}

void Outbox::put(Place place, Entry entry) {
  if (!entry.owed) repeated_.insert(place);
  places_.emplace(entry.message, place);
  waiting_.emplace(place, std::move(entry));
}

Outbox::Entry Outbox::take(std::map<Place, Entry>::iterator at) {
  Entry entry = std::move(at->second);
  repeated_.erase(at->first);
  places_.erase(entry.message);
  waiting_.erase(at);
  return entry;
}

/// The newer state takes the place of the older one, and what it owed.
void Outbox::supersede(Place place, Entry newer) {
  Entry older = take(waiting_.find(place));
  const bool same = older.message->own == newer.message->own;
  if (older.owed) newer.since = newer.owed ? std::min(newer.since, older.since) : older.since;
  newer.owed = newer.owed || older.owed;
  // With other labels of its own it is another alert to the ledger.
  if (same) newer.number = std::max(newer.number, older.number);
  if (!same) leave(Left::Why::superseded, std::move(older));
  put(place, std::move(newer));
}

void Outbox::enqueue(const MessagePtr& message) {
  Entry entry{message, message->number, !is_repeated(*message), message->at};
  const auto known = places_.find(message);
  const auto newer = [&message](const Entry& other) {
    return message->number != 0 && other.message->number > message->number && other.message->labels == message->labels;
  };
  const bool late = is_stale(*message) || (known != places_.end() && newer(waiting_.at(known->second))) ||
                    (message->number != 0 && std::any_of(flight_.begin(), flight_.end(), newer));
  if (late) return leave(Left::Why::superseded, std::move(entry));
  if (known != places_.end()) return supersede(known->second, std::move(entry));
  put(next_++, std::move(entry));
  bound();
}

void Outbox::bound() {
  while (waiting_.size() > limits_.capacity) {
    const auto oldest = repeated_.empty() ? waiting_.begin() : waiting_.find(*repeated_.begin());
    leave(Left::Why::dropped, take(oldest));
  }
}

std::optional<core::Deadline> Outbox::due() const {
  if (waiting_.empty() || !flight_.empty()) return std::nullopt;
  return not_before_;
}

std::span<const Outbox::Entry> Outbox::begin() {
  if (!flight_.empty()) return {};
  const bool suspects = !waiting_.empty() && waiting_.begin()->first < suspects_before_;
  const std::size_t most = std::max<std::size_t>(suspects ? half_ : limits_.batch, 1);
  while (!waiting_.empty() && flight_.size() < most) {
    const auto first = waiting_.begin();
    if (suspects && first->first >= suspects_before_) break;
    flight_.push_back(take(first));
  }
  return flight_;
}

void Outbox::delivered() {
  for (Entry& entry : flight_) {
    know(entry);
    leave(Left::Why::delivered, std::move(entry));
  }
  flight_.clear();
  pause_ = std::chrono::milliseconds{0};
  not_before_ = {};
}

void Outbox::back_to_front() {
  Place place = waiting_.empty() ? next_ : waiting_.begin()->first;
  for (auto entry = flight_.rbegin(); entry != flight_.rend(); ++entry) {
    const auto known = places_.find(entry->message);
    if (known == places_.end()) {
      put(--place, std::move(*entry));
      continue;
    }
    // A newer state came while this one was on its way: that one will do, and settles this one too.
    const Place newer = known->second;
    Entry waits = take(waiting_.find(newer));
    put(newer, std::move(*entry));
    supersede(newer, std::move(waits));
  }
  flight_.clear();
}

void Outbox::failed(core::Deadline now, double chance, std::optional<std::chrono::milliseconds> asked) {
  back_to_front();
  bound();
  pause_ = pause_.count() == 0 ? limits_.first_pause : std::min(pause_ * 2, limits_.longest_pause);
  std::chrono::duration<double, std::milli> part =
      std::chrono::duration<double, std::milli>(pause_) * (0.5 + chance / 2);
  if (asked) part = std::max<std::chrono::duration<double, std::milli>>(part, std::min(*asked, limits_.longest_asked));
  not_before_ = now + std::chrono::duration_cast<core::Deadline::duration>(part);
}

bool Outbox::rejected(bool divisible) {
  const std::size_t count = flight_.size();
  pause_ = std::chrono::milliseconds{0};
  not_before_ = {};
  const bool suspects = !waiting_.empty() && waiting_.begin()->first < suspects_before_;
  if (divisible && count > 1) {
    half_ = count / 2;
    const Place rest = waiting_.empty() ? next_ : waiting_.begin()->first;
    back_to_front();
    if (!suspects) suspects_before_ = rest;
    return false;
  }
  for (Entry& entry : flight_) leave(Left::Why::refused, std::move(entry));
  flight_.clear();
  // The rest of the suspects is tried at once: most often one alert alone is at fault.
  half_ = limits_.batch;
  return true;
}

std::size_t Outbox::owed() const {
  const auto on_its_way = std::count_if(flight_.begin(), flight_.end(), [](const Entry& entry) { return entry.owed; });
  return waiting_.size() - repeated_.size() + static_cast<std::size_t>(on_its_way);
}

std::optional<core::TimePoint> Outbox::oldest_owed() const {
  if (owed() == 0) return std::nullopt;
  for (const Entry& entry : flight_) {
    if (entry.owed) return entry.since;
  }
  for (const auto& [place, entry] : waiting_) {
    if (entry.owed) return entry.since;
  }
  return std::nullopt;
}

void Outbox::set_limits(std::size_t capacity, std::size_t batch) {
  limits_.capacity = capacity;
  limits_.batch = batch;
  bound();
}

}  // namespace tocsin::alerts
