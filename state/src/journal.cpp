#include "tocsin/state/journal.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "src/folder.hpp"
#include "src/schema.hpp"

namespace tocsin::state {
namespace {

constexpr std::size_t max_queued = 1'000;

core::Failure failure(std::string detail) {
  return core::Failure{core::Outcome::internal, core::Phase::none, std::move(detail)};
}

/// A row, or a value to keep.
struct Write {
  std::optional<core::ActionRecord> record;
  std::optional<std::pair<std::string, core::TimePoint>> not_before;
  std::optional<std::pair<std::string, std::string>> kept;
  Journal::Receipt receipt;
};

/// What open() has put together before the thread starts. The lock is given back last.
struct Opened {
  Descriptor lock;
  Database database;
  Writer writer;
  Database reader;
  Remembered remembered;
};

class SqliteJournal final : public Journal {
 public:
  explicit SqliteJournal(Opened opened) : opened_(std::move(opened)), thread_([this] { serve(); }) {}

  ~SqliteJournal() override {
    {
      const std::lock_guard guard(mutex_);
      closing_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }

  void append(core::ActionRecord record, std::optional<std::pair<std::string, core::TimePoint>> not_before,
              Receipt receipt) override {
    enqueue(Write{std::move(record), std::move(not_before), std::nullopt, std::move(receipt)});
  }

  void keep(std::string key, std::string value, Receipt receipt) override {
    if (value.size() > max_kept) {
      if (receipt) receipt("the value is larger than " + std::to_string(max_kept) + " bytes");
      return;
    }
    enqueue(Write{std::nullopt, std::nullopt, std::pair(std::move(key), std::move(value)), std::move(receipt)});
  }

  [[nodiscard]] const Remembered& remembered() const override { return opened_.remembered; }

  [[nodiscard]] core::Result<std::vector<core::ActionRecord>> recent(std::size_t count) override {
    const std::lock_guard guard(reader_mutex_);
    auto rows = newest(opened_.reader, count);
    if (!rows) return failure("cannot read the journal: " + rows.error().text);
    return std::move(*rows);
  }

 private:
  void enqueue(Write write) {
    {
      const std::lock_guard guard(mutex_);
      if (queue_.size() < max_queued) {
        queue_.push_back(std::move(write));
        wake_.notify_one();
        return;
      }
    }
    if (write.receipt)
      write.receipt("the journal's queue is full (" + std::to_string(max_queued) +
                    " writes wait; is the disk too slow?)");
  }

  void serve() {
    for (;;) {
      std::deque<Write> batch;
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [this] { return closing_ || !queue_.empty(); });
        if (queue_.empty()) return;
        batch.swap(queue_);
      }
      const std::optional<std::string> problem = commit(batch);
      for (Write& write : batch) {
        if (write.receipt) write.receipt(problem);
      }
    }
  }

  /// Everything that waited, in one transaction: one fsync for all.
  std::optional<std::string> commit(const std::deque<Write>& batch) {
    const auto done = transaction(batch);
    if (done) return std::nullopt;
    const std::string words = "cannot write the journal: " + done.error().text;
    if (opened_.database.in_transaction()) {
      if (const auto undone = opened_.database.execute("ROLLBACK"); !undone) return words + "; " + undone.error().text;
    }
    return words;
  }

  SqlResult<void> transaction(const std::deque<Write>& batch) {
    if (auto done = opened_.database.execute("BEGIN IMMEDIATE"); !done) return done;
    core::TimePoint latest{};
    for (const Write& write : batch) {
      if (write.kept) {
        if (auto done = opened_.writer.keep(write.kept->first, write.kept->second); !done) return done;
      }
      if (!write.record) continue;
      if (auto done = opened_.writer.add(*write.record); !done) return done;
      latest = std::max(latest, write.record->at);
      if (!write.not_before) continue;
      if (auto done = opened_.writer.set_not_before(write.not_before->first, write.not_before->second); !done)
        return done;
    }
    if (latest != core::TimePoint{}) {
      if (auto done = opened_.writer.prune(latest); !done) return done;
    }
    return opened_.database.execute("COMMIT");
  }

  Opened opened_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Write> queue_;
  bool closing_ = false;
  std::mutex reader_mutex_;
  std::thread thread_;  // last: it uses all of the above
};

/// Opens the database and reads what it remembers.
SqlResult<void> open_all(const std::string& path, Opened& opened) {
  auto database = open_database(path);
  if (!database) return database.error();
  auto remembered = load(*database);
  if (!remembered) return remembered.error();
  auto writer = Writer::make(*database);
  if (!writer) return writer.error();
  auto reader = Database::open(path, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX);
  if (!reader) return reader.error();
  opened.remembered = std::move(*remembered);
  opened.database = std::move(*database);
  opened.writer = std::move(*writer);
  opened.reader = std::move(*reader);
  return {};
}

}  // namespace

void Journal::keep(std::string /*key*/, std::string /*value*/, Receipt receipt) {
  if (receipt) receipt("this journal keeps no values");
}

core::Result<std::unique_ptr<Journal>> Journal::open(const std::string& folder) {
  auto lock = lock_folder(folder);
  if (!lock) return lock.error();
  Opened opened;
  opened.lock = std::move(*lock);

  const std::string path = folder + "/tocsin.db";
  if (const auto made = make_private_file(path); !made) return made.error();
  auto done = open_all(path, opened);
  std::string note;
  if (!done && done.error().damaged()) {
    const auto aside = set_aside(path);
    if (!aside) return aside.error();
    note = path + " is damaged (" + done.error().text + "); it was set aside as " + *aside +
           " and a new one begun: what was written before is not remembered";
    if (const auto made = make_private_file(path); !made) return made.error();
    done = open_all(path, opened);
  }
  if (!done) return failure("cannot open " + path + ": " + done.error().text);
  opened.remembered.note = std::move(note);
  sync_folder(folder);
  return std::unique_ptr<Journal>(std::make_unique<SqliteJournal>(std::move(opened)));
}

}  // namespace tocsin::state
