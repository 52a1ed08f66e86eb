#include "spawn.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

// glibc 2.36's header forgets to say that its functions are C's.
extern "C" {
#include <sys/pidfd.h>
}

namespace tocsin::net {

using core::Failure;
using core::Outcome;
using core::Phase;
using core::Result;

namespace {

Failure cannot_start(const std::string& command, const std::string& why) {
  return {Outcome::unexpected, Phase::none, "cannot start " + command + ": " + why};
}

bool is_program(const std::string& path) {
  struct stat found {};
  return ::stat(path.c_str(), &found) == 0 && S_ISREG(found.st_mode) && ::access(path.c_str(), X_OK) == 0;
}

/// The file that a command names. Its own folder never counts: `environment` alone says where to look.
Result<std::string> find_program(const ProcessSpec& spec) {
  if (spec.argv.empty() || spec.argv[0].empty()) return cannot_start("nothing", "the command is empty");
  const std::string& command = spec.argv[0];
  if (command.find('/') != std::string::npos) return command;
  std::optional<std::string_view> path;
  for (const auto& [name, value] : spec.environment) {
    if (name == "PATH") path = value;
  }
  std::string_view rest = path.value_or("/usr/local/bin:/usr/bin:/bin");
  const std::string searched(rest);
  while (!rest.empty()) {
    const std::string_view folder = rest.substr(0, rest.find(':'));
    rest.remove_prefix(std::min(folder.size() + 1, rest.size()));
    if (folder.empty()) continue;
    std::string file = std::string(folder) + "/" + command;
    if (is_program(file)) return file;
  }
  return cannot_start(command, "not found in PATH (" + searched + ")");
}

struct Pipe {
  UniqueFd read, write;
};

/// Both ends close on exec; `ours` does not block.
std::optional<Pipe> make_pipe(bool we_read) {
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) != 0) return std::nullopt;
  Pipe pipe;
  pipe.read = UniqueFd(ends[0]);
  pipe.write = UniqueFd(ends[1]);
  ::fcntl(we_read ? ends[0] : ends[1], F_SETFL, O_NONBLOCK);
  return pipe;
}

class FileActions {
 public:
  FileActions() { posix_spawn_file_actions_init(&actions_); }
  ~FileActions() { posix_spawn_file_actions_destroy(&actions_); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;
  posix_spawn_file_actions_t* get() { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

class Attributes {
 public:
  Attributes() {
    posix_spawnattr_init(&attributes_);
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~Attributes() { posix_spawnattr_destroy(&attributes_); }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
  const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_;
};

/// Strings as exec wants them: pointers to what stays alive beside them.
class CStrings {
 public:
  explicit CStrings(std::vector<std::string> texts) : texts_(std::move(texts)) {
    for (std::string& text : texts_) pointers_.push_back(text.data());
    pointers_.push_back(nullptr);
  }
  CStrings(const CStrings&) = delete;
  CStrings& operator=(const CStrings&) = delete;
  char* const* get() const { return pointers_.data(); }

 private:
  std::vector<std::string> texts_;
  std::vector<char*> pointers_;
};

bool has_nul(const ProcessSpec& spec) {
  const auto bad = [](const std::string& text) { return text.find('\0') != std::string::npos; };
  for (const std::string& arg : spec.argv) {
    if (bad(arg)) return true;
  }
  for (const auto& [name, value] : spec.environment) {
    if (name.empty() || name.find('=') != std::string::npos || bad(name) || bad(value)) return true;
  }
  return bad(spec.working_directory);
}

std::vector<std::string> environment_of(const ProcessSpec& spec) {
  std::vector<std::string> all;
  all.reserve(spec.environment.size());
  for (const auto& [name, value] : spec.environment) all.push_back(name + "=" + value);
  return all;
}

std::string start_error(const ProcessSpec& spec, int error) {
  struct stat found {};
  if (::stat(spec.working_directory.c_str(), &found) != 0) {
    return "its working directory " + spec.working_directory + ": " + std::strerror(errno);
  }
  std::string text = std::strerror(error);
  if (error == ENOENT) text += " (the file, or the interpreter in its first line)";
  if (error == ENOEXEC) text += " (a script needs a first line such as #!/bin/sh)";
  return text;
}

}  // namespace

Result<Spawned> spawn_process(const ProcessSpec& spec) {
  const Result<std::string> program = find_program(spec);
  if (!program) return program.error();
  if (has_nul(spec))
    return cannot_start(spec.argv[0],
                        "an argument or variable has a zero byte, or a variable's name is empty or has '='");

  std::optional<Pipe> in = make_pipe(false);
  std::optional<Pipe> out = make_pipe(true);
  std::optional<Pipe> err = make_pipe(true);
  if (!in || !out || !err) return cannot_start(spec.argv[0], std::string("no pipe: ") + std::strerror(errno));

  // The child's ends are above 2 here unless our own standard streams are closed; dup2 onto itself would keep
  // close-on-exec.
  FileActions files;
  const std::pair<int, int> streams[] = {{in->read.get(), 0}, {out->write.get(), 1}, {err->write.get(), 2}};
  for (const auto& [from, to] : streams) posix_spawn_file_actions_adddup2(files.get(), from, to);
  posix_spawn_file_actions_addclosefrom_np(files.get(), 3);
  posix_spawn_file_actions_addchdir_np(files.get(), spec.working_directory.c_str());

  const Attributes attributes;
  const CStrings argv(spec.argv);
  const CStrings environment(environment_of(spec));
  Spawned child;
  const int error =
      ::posix_spawn(&child.pid, program->c_str(), files.get(), attributes.get(), argv.get(), environment.get());
  if (error != 0) return cannot_start(spec.argv[0], start_error(spec, error));

  child.pidfd = UniqueFd(::pidfd_open(child.pid, 0));
  if (!child.pidfd) {
    const int reason = errno;
    ::kill(-child.pid, SIGKILL);
    ::waitpid(child.pid, nullptr, 0);
    return cannot_start(spec.argv[0], std::string("pidfd_open: ") + std::strerror(reason));
  }
  child.in = std::move(in->write);
  child.out = std::move(out->read);
  child.err = std::move(err->read);
  return child;
}

}  // namespace tocsin::net
