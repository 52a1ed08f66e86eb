// Label sets as small numbers. An evaluation works on the numbers alone; what an operation makes of a label set is
// looked up once and then remembered by number, so that in the steady state no label is hashed, compared or copied.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tocsin/core/labels.hpp"

namespace tocsin::rules::promql {

using LabelId = std::uint32_t;

/// Keeps them packed: there are as many as the rules read series, and they are read when something fires.
class LabelTable {
 public:
  LabelId intern(const core::Labels& labels);
  [[nodiscard]] core::Labels at(LabelId id) const;
  [[nodiscard]] std::size_t size() const { return by_id_.size(); }
  /// Changes when all numbers lose their meaning.
  [[nodiscard]] std::uint32_t epoch() const { return epoch_; }
  void clear();

 private:
  std::unordered_map<std::string, LabelId> ids_;  // by packed labels
  std::vector<const std::string*> by_id_;
  std::uint32_t epoch_ = 1;
};

/// What was made of each label set: computed at first sight.
template <class T>
class IdCache {
 public:
  template <class Make>
  const T& get(const LabelTable& table, LabelId id, Make&& make) {
    if (epoch_ != table.epoch()) {
      epoch_ = table.epoch();
      known_.clear();
      values_.clear();
    }
    if (id >= known_.size()) {
      known_.resize(table.size(), false);
      values_.resize(table.size());
    }
    if (!known_[id]) {
      T made = make(id);
      values_[id] = std::move(made);
      known_[id] = true;
    }
    return values_[id];
  }

 private:
  std::uint32_t epoch_ = 0;
  std::vector<bool> known_;
  std::vector<T> values_;
};

/// A map from label sets to numbers that is emptied in no time.
class IdIndex {
 public:
  void begin() {
    if (++round_ == 0) {
      entries_.clear();
      round_ = 1;
    }
  }
  /// Null if it is not there.
  [[nodiscard]] const std::uint32_t* find(LabelId id) const {
    return id < entries_.size() && entries_[id].round == round_ ? &entries_[id].value : nullptr;
  }
  /// False, and nothing done, if it was there.
  bool insert(LabelId id, std::uint32_t value = 0) {
    if (id >= entries_.size()) entries_.resize(id + id / 2 + 16);
    Entry& entry = entries_[id];
    if (entry.round == round_) return false;
    entry = {round_, value};
    return true;
  }

 private:
  struct Entry {
    std::uint32_t round = 0;
    std::uint32_t value = 0;
  };
  std::uint32_t round_ = 1;
  std::vector<Entry> entries_;
};

/// Without __name__ and the other labels that speak of the metric and not of the thing measured.
[[nodiscard]] core::Labels drop_name(const core::Labels& labels);
/// Only those named.
[[nodiscard]] core::Labels keep_labels(const core::Labels& labels, const std::vector<std::string>& names);
/// All but those named and the metric's name.
[[nodiscard]] core::Labels drop_labels(const core::Labels& labels, const std::vector<std::string>& names);
/// What drop_name makes of label sets, remembered.
class Nameless {
 public:
  [[nodiscard]] LabelId of(LabelTable& table, LabelId labels) {
    return known_.get(table, labels, [&table](LabelId id) { return table.intern(drop_name(table.at(id))); });
  }

 private:
  IdCache<LabelId> known_;
};

/// What keep_labels or drop_labels makes of label sets, remembered: the group that a sample belongs to.
class LabelGroups {
 public:
  LabelGroups(bool keep, std::vector<std::string> names) : keep_(keep), names_(std::move(names)) {}
  [[nodiscard]] LabelId of(LabelTable& table, LabelId labels) {
    return known_.get(table, labels, [this, &table](LabelId id) {
      const core::Labels all = table.at(id);
      return table.intern(keep_ ? keep_labels(all, names_) : drop_labels(all, names_));
    });
  }

 private:
  bool keep_;
  std::vector<std::string> names_;
  IdCache<LabelId> known_;
};

/// `{__name__="up", job="a"}`, as error messages have it.
[[nodiscard]] std::string braces_text(const core::Labels& labels);

}  // namespace tocsin::rules::promql
