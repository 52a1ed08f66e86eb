// The keys of a job that TCP probes bring; what is said in a dialog is for WebSocket probes too, and an address of ours
// for all that blackbox_exporter knows by that name.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tocsin/core/fields.hpp"
#include "tocsin/net/stream.hpp"
#include "tocsin/probes/dialog.hpp"

namespace tocsin::daemon::model {

struct TcpKeys {
  std::vector<probes::DialogStep> dialog;
  std::optional<net::Endpoint> source_address;
  std::optional<bool> tls;  // of a module: whatever the target's scheme
};

}  // namespace tocsin::daemon::model
