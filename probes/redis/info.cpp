#include "redis/info.hpp"

#include <boost/container/small_vector.hpp>
#include <chrono>
#include <cmath>

#include "redis/interpreter.hpp"

namespace tocsin::probes::redis {
namespace {

constexpr std::size_t usual_numbers = 1024;  // in one text

}  // namespace

bool InfoReader::read(std::string_view text, core::TimePoint at, unsigned databases, core::SeriesTable& table) {
  familiar_ = databases == databases_ && read_familiar(text, at, table);
  if (familiar_) return true;
  databases_ = databases;
  layout_.clear();
  outputs_.clear();
  factors_.clear();
  Interpreter interpreter(*this, text, at, table);
  const bool read = interpreter.run();
  outputs_.shrink_to_fit();
  factors_.shrink_to_fit();
  if (read) return true;
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
  for (const Output& output : outputs_) {
    if (output.slot >= table.size() || table.serial(output.slot) != output.serial) return false;
  }
  auto factor = factors_.begin();
  for (const Output& output : outputs_) {
    const Origin origin{static_cast<Origin::Kind>(output.kind), output.number, output.has_factor != 0 ? *factor++ : 1};
    table.add(output.slot, output.serial, value(origin, numbers, at));
  }
  return true;
}

void InfoReader::remember(const Origin& origin, core::Slot slot, std::uint32_t serial) {
  const bool has_factor = origin.factor != 1;
  if (has_factor) factors_.push_back(origin.factor);
  outputs_.push_back(
      {origin.number & 0x1fffffffU, static_cast<std::uint32_t>(origin.kind) & 3U, has_factor ? 1U : 0U, slot, serial});
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
