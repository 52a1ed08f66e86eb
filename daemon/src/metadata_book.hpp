// What metrics are: those that the tables of tocsin know, and those that targets describe. Any thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "src/exposition.hpp"
#include "tocsin/core/observation.hpp"

namespace tocsin::daemon {

class MetadataBook {
 public:
  /// One state of the book; what it points at lives as long as it does.
  struct Page {
    Metadata table;
    std::uint64_t version = 0;  // another one for every change
    std::vector<std::shared_ptr<const core::Described>> owned;
  };

  MetadataBook();
  /// Takes in what a target describes. What a table knows stays; of two targets the last one counts. What is over the
  /// bound (50,000 names) is left out.
  void add(const std::vector<core::Described>& described);
  [[nodiscard]] std::shared_ptr<const Page> page();

 private:
  const Metadata fixed_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const core::Described>> described_;
  std::shared_ptr<const Page> page_;  // null: to be made anew
  std::uint64_t version_ = 0;
};

}  // namespace tocsin::daemon
