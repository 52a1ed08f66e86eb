// A disk on which every sync takes five seconds while the file that SLOW_SYNC_WHEN names is there: preloaded into a
// process.
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <thread>

namespace {

int slow() {
  const char* const file = std::getenv("SLOW_SYNC_WHEN");
  if (file != nullptr && ::access(file, F_OK) == 0) std::this_thread::sleep_for(std::chrono::seconds(5));
  return 0;
}

}  // namespace

extern "C" {

int fsync(int /*descriptor*/) { return slow(); }
int fdatasync(int /*descriptor*/) { return slow(); }
}
