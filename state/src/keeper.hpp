// The state thread: takes what waits, writes it in one transaction, hands out the receipts. Opens the folder too, and
// sets a damaged file aside.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "src/batch.hpp"
#include "src/books.hpp"
#include "src/folder.hpp"
#include "src/sqlite.hpp"
#include "tocsin/state/state.hpp"

namespace tocsin::state {

class Keeper {
 public:
  [[nodiscard]] static boost::system::result<std::unique_ptr<Keeper>, Refusal> open(const std::string& folder,
                                                                                    StateOptions options);
  ~Keeper();
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;

  // From any thread.
  void write(JournalWrite write);
  void promise(Promise promise, Receipt receipt);
  void remember(std::vector<core::Memory> memories);
  void settle(const std::string& receiver, const std::vector<std::pair<core::Labels, std::uint64_t>>& alerts);
  void keep_receivers(std::vector<std::string> receivers);
  void note(core::HistoryRecord record);
  void keep_history_for(core::Duration time);
  [[nodiscard]] LedgerStatus status() const;
  [[nodiscard]] std::uint64_t damaged() const { return damaged_; }
  [[nodiscard]] core::Result<std::vector<core::ActionRecord>> recent(std::size_t count);
  [[nodiscard]] core::Result<std::vector<core::HistoryRecord>> history(const HistoryQuery& query);

  [[nodiscard]] const Remembered& remembered() const { return remembered_; }
  [[nodiscard]] Recalled take_recalled() { return std::exchange(recalled_, {}); }

 private:
  Keeper(std::string path, StateOptions options) : path_(std::move(path)), options_(std::move(options)) {}
  [[nodiscard]] SqlResult<void> open_files();
  /// Sets the file aside and begins a new one. Words for people, or why it failed.
  [[nodiscard]] core::Result<std::string> begin_anew(const std::string& why);
  /// Opens a new file and takes over what is sound of the one that was set aside.
  [[nodiscard]] core::Result<std::string> open_new();
  void start();

  void serve();
  void check_all();
  void wait(std::unique_lock<std::mutex>& lock);
  [[nodiscard]] bool is_urgent() const;
  [[nodiscard]] Batch take_batch();
  void handle(Batch batch);
  [[nodiscard]] SqlResult<void> write_or_mend(const Batch& batch);
  void mend(const std::string& why);
  void done_with(Batch& batch, const std::optional<std::string>& problem);
  void tell(const std::string& text) const;

  std::string path_;
  StateOptions options_;
  Descriptor lock_;
  std::unique_ptr<Books> books_;  // null after damage, for as long as no new file can be made
  std::string aside_;             // the damaged file that is to be taken over from
  std::string damage_;            // what was wrong with it
  std::optional<core::Duration> history_time_;
  Remembered remembered_;
  Recalled recalled_;
  std::atomic<std::uint64_t> damaged_{0};

  mutable std::mutex mutex_;  // guards all of this block
  std::condition_variable wake_;
  std::vector<JournalWrite> journal_;
  std::vector<PromiseWrite> promises_;
  std::size_t promised_ = 0;  // the weight of what is in `promises_`
  Lazy lazy_;
  std::size_t taken_ = 0;  // of it, on its way to the disk
  Order order_ = 0;
  std::optional<core::Duration> keep_history_;
  LedgerStatus status_;
  bool failing_ = false;    // the last write failed
  bool retry_now_ = false;  // while it fails: what is lazy may be tried again
  bool closing_ = false;
  std::string found_damage_;  // by the check of the whole file

  std::mutex reader_mutex_;
  Database reader_;

  Database checked_;  // a connection for the check of the whole file
  std::thread checker_;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace tocsin::state
