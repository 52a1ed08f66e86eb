// Which addresses of a name a probe uses.
#pragma once

namespace tocsin::probes {

/// `prefer_*`: those of the other version only where the name has none of this one. `any`: the system's order counts.
enum class IpProtocol { any, v4, v6, prefer_v4, prefer_v6 };

}  // namespace tocsin::probes
