// What a Sentinel says about the primaries that it watches.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "redis/resp.hpp"
#include "redis/samples.hpp"
#include "tocsin/core/labels.hpp"
#include "tocsin/core/observation.hpp"

namespace tocsin::probes::redis {

class SentinelReader {
 public:
  explicit SentinelReader(core::Labels base) : samples_(std::move(base)) {}

  /// SENTINEL MASTERS: replaces what was known. At most 256 are taken.
  void primaries(const Reply& reply);
  /// Their names, to ask about each by its number; those of the last SENTINEL MASTERS.
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }
  void sentinels(std::size_t number, const Reply& reply);
  void replicas(std::size_t number, const Reply& reply);
  void quorum(std::size_t number, bool reached, std::string_view message);
  void forget();

  /// Adds what all replies of the round said.
  void append(core::SeriesTable& table);

 private:
  struct Primary {
    std::string name, address;
    std::vector<std::pair<const Shape*, double>> numbers;
    std::optional<double> ok_sentinels, ok_replicas;
    std::optional<bool> quorum;
    std::string quorum_message;
  };

  std::vector<Primary> primaries_;
  std::vector<std::string> names_;
  Samples samples_;
};

}  // namespace tocsin::probes::redis
