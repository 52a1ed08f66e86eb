// `POST /push/NAME`: a job reports its end. What it says is on disk before it is told so.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tocsin/core/time.hpp"
#include "tocsin/net/http.hpp"
#include "tocsin/net/loop.hpp"
#include "tocsin/probes/push.hpp"
#include "tocsin/state/journal.hpp"

namespace tocsin::daemon {

/// A push as it was asked for, or the answer that refuses it.
struct AskedPush {
  std::optional<net::ServerResponse> refused;
  probes::Push push;
};
/// `options` are those of the job; null where there is no such job.
[[nodiscard]] AskedPush read_push(const net::ServerRequest& request, const probes::PushOptions* options,
                                  core::TimePoint now);
/// The job's name in the path: /push/NAME, or /metrics/job/NAME as with the Pushgateway. Nothing for other paths.
[[nodiscard]] std::optional<std::string> pushed_job(const std::string& path);

/// The box and the disk. On the desk alone.
class PushDesk {
 public:
  /// `journal` may be null: then nothing outlives the process.
  PushDesk(net::Loop& loop, probes::PushBox& box, state::Journal* journal);
  /// Waits for this job from now on.
  void expect(const std::string& name, core::TimePoint now);
  /// `options` as with `read_push`; they are not used after the first wait.
  [[nodiscard]] net::Task<net::ServerResponse> answer(net::ServerRequest request, std::string name,
                                                      const probes::PushOptions* options, core::TimePoint now);

 private:
  [[nodiscard]] net::Task<std::optional<std::string>> keep(std::string key, std::string value);

  net::Loop& loop_;
  probes::PushBox& box_;
  state::Journal* journal_;
};

}  // namespace tocsin::daemon
