#include "src/metadata_book.hpp"

namespace tocsin::daemon {
namespace {

constexpr std::size_t max_described = 50'000;

/// What tocsin says of itself: from another tocsin it stays in the store, and off our page, where the same names stand
/// already.
bool is_own(const std::string& name) {
  return name.starts_with("tocsin_") || name.starts_with("blackbox_exporter_") ||
         name == "blackbox_module_unknown_total";
}

}  // namespace

MetadataBook::MetadataBook() : fixed_(all_metadata()) {}

void MetadataBook::add(const std::vector<core::Described>& described) {
  const std::lock_guard lock(mutex_);
  for (const core::Described& one : described) {
    if (fixed_.contains(one.name) || is_own(one.name)) continue;
    const auto it = described_.find(one.name);
    if (it != described_.end() && *it->second == one) continue;
    if (it == described_.end() && described_.size() >= max_described) continue;
    described_[one.name] = std::make_shared<const core::Described>(one);
    page_.reset();
  }
}

std::shared_ptr<const MetadataBook::Page> MetadataBook::page() {
  const std::lock_guard lock(mutex_);
  if (page_) return page_;
  auto page = std::make_shared<Page>();
  page->table = fixed_;
  page->version = ++version_;
  page->owned.reserve(described_.size());
  for (const auto& [name, one] : described_) {
    page->owned.push_back(one);
    page->table.emplace(name, core::MetricMeta{one->name, one->type, one->help});
  }
  page_ = page;
  return page_;
}

}  // namespace tocsin::daemon
