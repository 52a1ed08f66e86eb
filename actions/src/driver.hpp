// One way to a platform each, behind drivers.hpp. They take the spec, whose `read.call` or `set` is of their kind.
#pragma once

#include <string>
#include <string_view>

#include "src/placeholders.hpp"
#include "src/words.hpp"
#include "tocsin/actions/machine.hpp"
#include "tocsin/core/result.hpp"
#include "tocsin/core/time.hpp"
#include "tocsin/net/loop.hpp"
#include "tocsin/net/stream.hpp"

namespace tocsin::actions {

[[nodiscard]] net::Task<core::Result<Reading>> read_by_exec(Spec spec, Placeholders values, core::Deadline deadline);
[[nodiscard]] net::Task<CallEnd> change_by_exec(Spec spec, Placeholders values, core::Deadline deadline);

[[nodiscard]] net::Task<core::Result<Reading>> read_by_http(net::Connector& connector, Spec spec, Placeholders values,
                                                            core::Deadline deadline);
[[nodiscard]] net::Task<CallEnd> change_by_http(net::Connector& connector, Spec spec, Placeholders values,
                                                core::Deadline deadline);

[[nodiscard]] net::Task<core::Result<Reading>> read_by_kubernetes(net::Connector& connector, Spec spec,
                                                                  Placeholders values, core::Deadline deadline);
/// `version`: the resourceVersion that was read.
[[nodiscard]] net::Task<CallEnd> change_by_kubernetes(net::Connector& connector, Spec spec, Placeholders values,
                                                      std::string version, core::Deadline deadline);

/// A failure to learn something, in words.
[[nodiscard]] core::Failure cannot(std::string words);
[[nodiscard]] CallEnd refused(std::string words);
[[nodiscard]] CallEnd unclear(std::string words);

/// The value and whether it is ready, out of what the platform said. A value that is neither a rung nor a number comes
/// as words: nobody may act on it, and it may have anything in it.
[[nodiscard]] core::Result<Reading> reading_of(const ActionSpec& spec, std::string_view output, const Secrets& secrets);

}  // namespace tocsin::actions
