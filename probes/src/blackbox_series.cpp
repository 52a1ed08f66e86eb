#include "src/blackbox_series.hpp"

namespace tocsin::probes {
namespace {

// Go's zero time: what blackbox_exporter shows where no chain was verified.
constexpr double no_chain = -62135596800.0;

/// blackbox_exporter has whole seconds here.
double whole_seconds(core::TimePoint time) {
  return static_cast<double>(std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count());
}

}  // namespace

core::Labels named(const core::Labels& base, std::string_view name) {
  core::Labels labels = base;
  labels.set(core::metric_name_label, name);
  return labels;
}

std::uint32_t address_hash(const net::Endpoint& address) {
  std::uint32_t hash = 0x811c9dc5U;
  for (const unsigned char byte : address.address()) hash = (hash ^ byte) * 0x01000193U;
  return hash;
}

KnownSeries::KnownSeries(const core::Labels& base, std::string_view name) : labels_(named(base, name)) {}

void KnownSeries::put(core::SeriesTable& table, double value) {
  if (slot_ && table.add(*slot_, serial_, value)) return;
  slot_ = table.add(labels_, value);
  if (slot_) serial_ = table.serial(*slot_);
}

void EndingSeries::append(core::SeriesTable& table, const Ending& ending) {
  const std::array<double, 6> values{ending.good ? 1.0 : 0.0,
                                     seconds(ending.took),
                                     seconds(ending.timeout),
                                     seconds(ending.lookup),
                                     !ending.address ? 0.0 : (ending.address->v6 ? 6.0 : 4.0),
                                     ending.address ? static_cast<double>(address_hash(*ending.address)) : 0.0};
  static_assert(ending_metadata.size() == values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    table.add(pins_[i], values[i], [&] { return named(base_, ending_metadata[i].name); });
  }
}

void PhaseSeries::put(core::SeriesTable& table, std::size_t phase, std::chrono::nanoseconds took) {
  table.add(pins_.at(phase), seconds(took), [&] {
    core::Labels labels = named(base_, name_);
    labels.set("phase", phases_[phase]);
    return labels;
  });
}

TlsSeries::TlsSeries(const core::Labels& base)
    : base_(base), earliest_expiry_(base, tls_metadata[0].name), chain_expiry_(base, tls_metadata[1].name) {}

void TlsSeries::append(core::SeriesTable& table, const net::TlsInfo& info) {
  refresh(info);
  if (info.earliest_expiry) earliest_expiry_.put(table, whole_seconds(*info.earliest_expiry));
  if (info.verify_error.empty() && info.earliest_expiry) {
    chain_expiry_.put(table, info.chain_expiry ? whole_seconds(*info.chain_expiry) : no_chain);
  }
  if (!info.fingerprint_sha256.empty()) chain_info_.put(table, 1);
  if (!info.version.empty()) version_.put(table, 1);
  if (!info.cipher.empty()) cipher_.put(table, 1);
}

void TlsSeries::refresh(const net::TlsInfo& info) {
  if (info.fingerprint_sha256 != shown_.fingerprint_sha256) {
    core::Labels labels = named(base_, "probe_ssl_last_chain_info");
    labels.set("fingerprint_sha256", info.fingerprint_sha256);
    labels.set("subject", info.subject);
    labels.set("issuer", info.issuer);
    labels.set("subjectalternative", info.subject_alternative);
    labels.set("serialnumber", info.serial);
    chain_info_ = KnownSeries(std::move(labels));
  }
  if (info.version != shown_.version) {
    core::Labels labels = named(base_, "probe_tls_version_info");
    labels.set("version", info.version);
    version_ = KnownSeries(std::move(labels));
  }
  if (info.cipher != shown_.cipher) {
    core::Labels labels = named(base_, "probe_tls_cipher_info");
    labels.set("cipher", info.cipher);
    cipher_ = KnownSeries(std::move(labels));
  }
  shown_ = info;
}

}  // namespace tocsin::probes
