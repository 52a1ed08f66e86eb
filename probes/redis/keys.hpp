// The lengths of configured keys. Patterns are looked for by SCAN, a bounded part of the keyspace a probe, going on
// where the probe before stopped. All decisions, no I/O.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "redis/question.hpp"
#include "redis/resp.hpp"
#include "redis/round.hpp"
#include "redis/samples.hpp"
#include "tocsin/core/labels.hpp"
#include "tocsin/core/observation.hpp"

namespace tocsin::probes::redis {

/// Keys whose length is asked.
struct KeyPattern {
  unsigned database = 0;
  std::string pattern;  // a key's name, or a glob as SCAN's MATCH has it
  bool glob = false;
  bool operator==(const KeyPattern&) const = default;
};
/// `queue:*`, `jobs`, `db3/queue:*`, `db3=queue:*`. Nothing if there is no name.
[[nodiscard]] std::optional<KeyPattern> parse_key_pattern(std::string_view text, unsigned database);

class KeyLengths {
 public:
  struct Bounds {
    std::size_t most_keys = 1'000;
    unsigned scans = 20;     // SCAN commands a probe
    unsigned count = 1'000;  // COUNT of each
  };
  /// `home`: the database that the connection is in before and after.
  KeyLengths(const core::Labels& base, const CommandNames& names, const std::vector<std::string>& patterns,
             Bounds bounds, unsigned home);

  [[nodiscard]] bool empty() const { return patterns_.empty(); }
  /// A probe begins. What was refused is asked again by a fresh one.
  void begin(bool fresh);
  /// One command to send, and what its reply is for.
  struct Command {
    enum class Kind : std::uint8_t { select, type, length, stream, groups, scan };
    Kind kind;
    std::size_t number = 0;  // of the key or the pattern
  };
  struct Commands {
    std::string request;
    std::vector<Command> list;
  };
  /// What to send next; nothing when there is no more to do in this probe. `in_time`: begin scans.
  [[nodiscard]] Commands next(bool in_time);
  void answered(Command command, const Reply& reply);
  /// The probe lost its connection (or its time) before all was answered. What was answered stands.
  void cut_short() { ++cut_; }
  void append(core::SeriesTable& table);

 private:
  struct Pattern {
    KeyPattern what = {};
    std::string cursor = "0";
    std::uint64_t pass = 1;  // counts complete scans
    bool scanned = false;    // in this probe to the end
    bool refused = false;
    std::size_t found = 0;             // in this pass
    std::size_t skipped = 0;           // in this pass, for want of room
    std::optional<double> count = {};  // in the last complete pass
    std::size_t left_out = 0;
  };
  enum class Type : std::uint8_t { unknown, missing, other, string, list, set, zset, hash, stream };
  enum class Need : std::uint8_t { nothing, type, length, details };
  struct Key {
    unsigned database = 0;
    std::string name;
    std::optional<std::size_t> pattern = {};  // that found it; none: configured by name
    std::uint64_t pass = 0;                   // in which it was found last
    Type type = Type::unknown;
    Need need = Need::type;
    bool typed = false;    // in this probe
    bool refused = false;  // or on another node of the cluster: not asked until a fresh probe
    std::optional<double> length = {};
    std::vector<std::pair<const Shape*, double>> stream = {};
    struct Group {
      std::string name;
      std::vector<std::pair<const Shape*, double>> numbers;
    };
    std::vector<Group> groups = {};
  };
  class Builder;

  void ask_key(Builder& builder, std::size_t number);
  void ask_scan(Builder& builder, std::size_t number);
  static void failed(Key& key, std::string_view error);
  static void typed(Key& key, const Reply& reply);
  static void measured(Key& key, const Reply& reply);
  static void stream_told(Key& key, const Reply& reply);
  static void groups_told(Key& key, const Reply& reply);
  void scanned(Pattern& pattern, std::size_t number, const Reply& reply);
  void found(Pattern& pattern, std::size_t number, std::string_view name);
  /// Drops the keys that the last complete scan of their pattern did not find.
  void sweep();

  const CommandNames& names_;
  Bounds bounds_;
  unsigned home_;
  std::vector<Pattern> patterns_;
  std::vector<Key> keys_;
  std::map<std::pair<unsigned, std::string>, std::size_t, std::less<>> index_;
  std::set<unsigned> databases_;          // of the patterns
  std::set<unsigned> refused_databases_;  // SELECT was refused
  unsigned there_ = 0;                    // the database that the connection is in
  bool astray_ = false;                   // the last SELECT was refused: what follows is of another database
  unsigned scans_left_ = 0;
  bool pass_ended_ = false;
  double cut_ = 0;
  Samples samples_;
};

/// Some of these commands on a connection.
class KeyExchange final : public Exchange {
 public:
  KeyExchange(KeyLengths& keys, KeyLengths::Commands commands, std::size_t max_reply)
      : Exchange(max_reply), keys_(keys), commands_(std::move(commands)) {}
  [[nodiscard]] std::string_view request() const override { return commands_.request; }
  [[nodiscard]] std::size_t size() const override { return commands_.list.size(); }

 protected:
  [[nodiscard]] core::Result<void> answer(std::size_t number, const Reply& reply) override;
  [[nodiscard]] std::string_view name(std::size_t number) const override;
  [[nodiscard]] bool is_entering(std::size_t) const override { return false; }

 private:
  KeyLengths& keys_;
  KeyLengths::Commands commands_;
};

}  // namespace tocsin::probes::redis
