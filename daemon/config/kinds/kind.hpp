// A kind of probe as the configuration sees it. Everything that is said of a kind stands in
// daemon/config/kinds/<kind>.*: its keys (a struct in the header, a member of model::Probe), the rows that read them,
// and what makes a target of them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/load.hpp"
#include "config/model.hpp"

namespace tocsin::daemon {

/// One target being made. Errors go to the place of the target, or of a key.
struct Making {
  const model::Probe& probe;  // the job's section (with the target's own keys put over it)
  const Loading& loading;
  core::Position at;  // of the target

  /// Reports what is wrong with the target; false.
  bool wrong(std::string message) const;
  /// Reports what is wrong with a key of the section; false.
  bool wrong(std::string_view key, std::string message) const;
};

struct Kind {
  std::string name;
  /// The schemes of its URLs: without `kind`, the scheme says the kind. A scheme belongs to the first kind that has it.
  std::vector<std::string> schemes;
  /// Rows of the probe section that this kind brings (`core::fields_of(&model::Probe::<kind>, {...})`). The
  /// documentation says by itself for which kinds a row is.
  std::vector<core::Field<model::Probe>> fields;
  /// The keys that are for this kind beside its own rows: shared ones, and rows that another kind brings.
  std::vector<std::string> also;
  std::vector<std::vector<std::string>> exclusive;
  /// Where a job needs no `targets` (a cluster by its brokers, a command): what stands for them. Empty: it does need
  /// them.
  std::vector<std::string> (*implied)(const model::Probe& probe) = nullptr;
  /// The keys of blackbox_exporter's section of this name (`http:` in a module): they are read into the same structs.
  /// Empty: it has no such prober. See blackbox.hpp.
  std::vector<core::Field<model::Probe>> module;
  /// Checks the section once, before its targets: secrets that can be read, keys that belong together.
  void (*check)(const model::Probe& probe, const Loading& loading) = nullptr;
  /// Fills options, display, sentinel and the label `instance`; job, kind, times and labels are there already. False
  /// after an error.
  bool (*make)(const Making& making, const std::string& text, TargetConfig& into) = nullptr;
};

/// Every kind there is, in the order of the documentation.
[[nodiscard]] const std::vector<Kind>& kinds();
/// Null where there is none of that name.
[[nodiscard]] const Kind* find_kind(std::string_view name);
/// Whether this key is for this kind; keys that no kind claims are for all.
[[nodiscard]] bool takes(const Kind& kind, std::string_view key);
/// The names of the kinds that a key is for, as a list in words; empty: for all.
[[nodiscard]] std::string kinds_with(std::string_view key);

/// The text of a target as a URL with a host; nothing after an error.
[[nodiscard]] std::optional<net::Url> url_of(const Making& making, const std::string& text);
/// User and password come from the URL or from their keys, not from both. False after an error.
bool take_user_info(const Making& making, const net::Url& url, const std::string& key_user,
                    const core::SecretSource& key_password, std::string& user, core::SecretSource& password);

[[nodiscard]] Kind redis_kind();
[[nodiscard]] Kind http_kind();
[[nodiscard]] Kind tcp_kind();
[[nodiscard]] Kind websocket_kind();
[[nodiscard]] Kind dns_kind();
[[nodiscard]] Kind icmp_kind();
[[nodiscard]] Kind kafka_kind();
[[nodiscard]] Kind grpc_kind();
[[nodiscard]] Kind metrics_kind();
[[nodiscard]] Kind file_kind();
[[nodiscard]] Kind exec_kind();
[[nodiscard]] Kind push_kind();
[[nodiscard]] Kind postgres_kind();

}  // namespace tocsin::daemon
