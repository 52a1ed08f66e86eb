#include "redis/info.hpp"

#include <boost/container/small_vector.hpp>
#include <chrono>
#include <cmath>
#include <cstring>

#include "redis/interpreter.hpp"

namespace tocsin::probes::redis {
namespace {

constexpr std::size_t usual_numbers = 1024;  // in one text

template <class T>
std::string bytes_of(std::span<const T> items) {
  return {reinterpret_cast<const char*>(items.data()), items.size_bytes()};
}

template <class T>
T item(const char* bytes, std::size_t number) {
  T value;
  std::memcpy(&value, bytes + number * sizeof value, sizeof value);
  return value;
}

}  // namespace

bool InfoReader::read(std::string_view text, core::TimePoint at, unsigned databases, core::SeriesTable& table) {
  familiar_ = databases == databases_ && read_familiar(text, at, table);
  if (familiar_) return true;
  databases_ = databases;
  layout_.clear();
  remember({}, {});
  if (Interpreter(*this, text, at, table).run()) return true;
  layout_.clear();
  return false;
}

bool InfoReader::has_fields(std::string_view text) {
  while (!text.empty()) {
    const auto newline = text.find('\n');
    const auto line = text.substr(0, newline);
    if (!line.starts_with("# ") && line.find(':', 1) != std::string_view::npos) return true;
    text.remove_prefix(newline == std::string_view::npos ? text.size() : newline + 1);
  }
  return false;
}

void InfoReader::has_histograms(std::span<const std::string> commands) {
  histograms_ = {commands.begin(), commands.end()};
  layout_.clear();
}

bool InfoReader::read_familiar(std::string_view text, core::TimePoint at, core::SeriesTable& table) {
  if (layout_.empty()) return false;
  boost::container::small_vector<double, usual_numbers> numbers(layout_.numbers(), boost::container::default_init);
  if (!layout_.read(text, numbers)) return false;
  // All or nothing: what is in the batch cannot be taken back.
  const char* at_output = (*outputs_).data();
  for (std::size_t i = 0; i < output_count_; ++i) {
    const auto output = item<Output>(at_output, i);
    if (output.slot >= table.size() || table.serial(output.slot) != output.serial) return false;
  }
  std::size_t factors = 0;
  for (std::size_t i = 0; i < output_count_; ++i) {
    const auto output = item<Output>(at_output, i);
    const double factor = output.has_factor != 0 ? item<double>((*factors_).data(), factors++) : 1;
    const Origin origin{static_cast<Origin::Kind>(output.kind), output.number, factor};
    table.add(output.slot, output.serial, value(origin, numbers, at));
  }
  return true;
}

void InfoReader::remember(std::span<const Output> outputs, std::span<const double> factors) {
  outputs_ = texts_->take(bytes_of(outputs));
  factors_ = texts_->take(bytes_of(factors));
  output_count_ = outputs.size();
}

double InfoReader::value(const Origin& origin, std::span<const double> numbers, core::TimePoint at) {
  switch (origin.kind) {
    case Origin::Kind::number:
      return numbers[origin.number] / origin.factor;
    case Origin::Kind::constant:
      return origin.factor;
    case Origin::Kind::or_else:
      return numbers[origin.number] > 0 ? numbers[origin.number] : origin.factor;
    case Origin::Kind::start:
      break;
  }
  // Both times are cut to seconds, so their difference jumps to and fro by one. That is no restart.
  const double start = std::floor(core::to_seconds(at)) - numbers[origin.number];
  if (!(std::abs(start - start_time_) <= 1)) start_time_ = start;
  return start_time_;
}

}  // namespace tocsin::probes::redis
