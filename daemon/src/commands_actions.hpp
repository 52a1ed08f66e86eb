// `tocsin actions ...`: what people ask and order about actions.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "src/client.hpp"

namespace CLI {
class App;
}

namespace tocsin::daemon {

class ActionCommands {
 public:
  /// Adds the command to the program. `reach` gives a command the options by which the daemon is reached.
  ActionCommands(CLI::App& program, const std::function<void(CLI::App*)>& reach);
  ~ActionCommands();
  ActionCommands(const ActionCommands&) = delete;
  ActionCommands& operator=(const ActionCommands&) = delete;

  /// After the command line was parsed: the request that it is for; nothing if it is for another command.
  [[nodiscard]] std::optional<net::HttpRequest> request() const;
  /// What a good answer's body prints: the message of an order, or all of it.
  [[nodiscard]] std::string said(const std::string& body) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tocsin::daemon
