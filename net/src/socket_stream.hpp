// Stream on a socket, with or without TLS.
#pragma once

#include <sys/socket.h>

#include <memory>
#include <optional>
#include <string>

#include "giving_way.hpp"
#include "prediction.hpp"
#include "socket.hpp"
#include "spare_sockets.hpp"
#include "tls_context.hpp"
#include "tls_session.hpp"
#include "tocsin/net/stream.hpp"

namespace tocsin::net {

/// Who is at the other end; made into text only when something went wrong.
struct Peer {
  Endpoint endpoint;
  std::string path;  // of a unix socket
  [[nodiscard]] std::string to_string() const { return path.empty() ? endpoint.to_string() : path; }
};

/// What the streams of one connector share.
struct StreamShared {
  TlsContexts contexts;
  Prediction prediction;
  GivingWay giving_way;
  SpareSockets spare;
};

class SocketStream final : public Stream {
 public:
  /// `shared` may be null where there is no TLS to start and nothing to predict. `as_new`: no option of the socket was
  /// set that would outlive the connection.
  SocketStream(std::shared_ptr<Socket> socket, Peer peer, std::shared_ptr<StreamShared> shared, bool as_new = false);
  ~SocketStream() override;

  void expires_at(core::Deadline deadline) override { socket_->expires_at(deadline); }
  Task<core::Result<std::size_t>> read_some(std::span<char> into) override;
  Task<core::Result<void>> write(std::string_view bytes) override;
  std::size_t write_now(std::string_view bytes) override;
  Task<bool> wait_closed() override;
  void stop_watching() override { socket_->stop_watching(); }
  Task<core::Result<void>> start_tls(const TlsOptions& options, std::string host) override;
  const TlsInfo* tls() const override { return session_ ? &session_->info() : nullptr; }
  bool ended() const override { return ended_; }
  void close() noexcept override { socket_->close(); }
  void retire() noexcept override;
  /// Tells the peer that nothing more comes; reading goes on. Without TLS only.
  void end_writing() { ::shutdown(socket_->fd(), SHUT_WR); }

 private:
  void send_at_once();
  /// Nothing where there is nothing to read yet.
  [[nodiscard]] std::optional<core::Result<std::size_t>> receive(std::span<char> into);
  Task<core::Result<std::size_t>> read_tls(std::span<char> into);
  Task<core::Result<void>> write_tls(std::string_view bytes);
  [[nodiscard]] core::Failure not_ready(Ready ready, core::Phase phase) const;
  [[nodiscard]] core::Failure system_failure(int error, core::Phase phase) const;
  [[nodiscard]] core::Failure tls_failure(TlsSession::Step step, core::Phase phase) const;
  [[nodiscard]] core::Failure handshake_failure(TlsSession::Step step, const std::string& name) const;

  std::shared_ptr<Socket> socket_;
  Peer peer_;
  std::shared_ptr<StreamShared> shared_;
  std::unique_ptr<TlsSession> session_;
  bool ended_ = false;
  bool written_ = false;
  bool at_once_ = false;  // TCP_NODELAY is set
  bool as_new_ = false;   // but for that
  int write_error_ = 0;   // of `write_now`, for `write` to tell
  bool asked_ = false;    // something was written since the last read: the answer is hardly there yet
};

}  // namespace tocsin::net
