#include "src/promql/label_table.hpp"

#include <algorithm>
#include <string>

#include "src/go_text.hpp"
#include "tocsin/core/packed_text.hpp"

namespace tocsin::rules::promql {
namespace {

bool describes_metric(const std::string& name) {
  return name.size() > 4 && name[0] == '_' &&
         (name == core::metric_name_label || name == "__type__" || name == "__unit__");
}

template <class Keep>
core::Labels filter(const core::Labels& labels, Keep&& keep) {
  std::vector<core::Label> out;
  out.reserve(labels.size());
  std::copy_if(labels.begin(), labels.end(), std::back_inserter(out), keep);
  return core::Labels(std::move(out));
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string pack(const core::Labels& labels) {
  std::size_t size = 0;
  for (const core::Label& label : labels) size += core::packed_size(label.name) + core::packed_size(label.value);
  std::string packed(size, '\0');
  char* at = packed.data();
  for (const core::Label& label : labels) {
    core::put_packed(at, label.name);
    core::put_packed(at, label.value);
  }
  return packed;
}

}  // namespace

LabelId LabelTable::intern(const core::Labels& labels) {
  const auto [it, fresh] = ids_.try_emplace(pack(labels), static_cast<LabelId>(by_id_.size()));
  if (fresh) by_id_.push_back(&it->first);
  return it->second;
}

core::Labels LabelTable::at(LabelId id) const {
  const std::string& packed = *by_id_[id];
  std::vector<core::Label> labels;
  labels.reserve(8);
  const char* at = packed.data();
  for (const char* const end = at + packed.size(); at != end;) {
    const std::string_view name = core::get_packed_text(at);
    const std::string_view value = core::get_packed_text(at);
    labels.push_back({std::string(name), std::string(value)});
  }
  return core::Labels(std::move(labels));
}

void LabelTable::clear() {
  ids_.clear();
  by_id_.clear();
  ++epoch_;
}

core::Labels drop_name(const core::Labels& labels) {
  return filter(labels, [](const core::Label& label) { return !describes_metric(label.name); });
}

core::Labels keep_labels(const core::Labels& labels, const std::vector<std::string>& names) {
  return filter(labels, [&names](const core::Label& label) { return contains(names, label.name); });
}

core::Labels drop_labels(const core::Labels& labels, const std::vector<std::string>& names) {
  return filter(labels, [&names](const core::Label& label) {
    return !describes_metric(label.name) && !contains(names, label.name);
  });
}

std::string braces_text(const core::Labels& labels) {
  std::string out = "{";
  for (const core::Label& label : labels) {
    if (out.size() > 1) out += ", ";
    out += core::is_label_name(label.name) ? label.name : go_quote(label.name);
    out += '=';
    out += go_quote(label.value);
  }
  return out + "}";
}

}  // namespace tocsin::rules::promql
