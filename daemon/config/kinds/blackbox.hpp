// What modules of blackbox_exporter say whatever their prober is; modules.hpp reads them.
#pragma once

#include "tocsin/probes/ip_protocol.hpp"

namespace tocsin::daemon::model {

struct BlackboxKeys {
  bool given = false;  // there is a module
  bool prefer_v6 = true;
  bool fallback = true;

  /// What is meant where no key of ours says otherwise.
  [[nodiscard]] probes::IpProtocol ip_protocol() const {
    using Ip = probes::IpProtocol;
    if (!given) return Ip::any;
    if (fallback) return prefer_v6 ? Ip::prefer_v6 : Ip::prefer_v4;
    return prefer_v6 ? Ip::v6 : Ip::v4;
  }
};

}  // namespace tocsin::daemon::model
