#include "src/commands.hpp"

/// What jemalloc asks the program (docs/decisions/0018): one arena, since one thread has most of the work, and freed
/// pages back to the system within a second.
extern "C" {
extern const char* const malloc_conf;
const char* const malloc_conf = "narenas:1,dirty_decay_ms:1000,muzzy_decay_ms:0,lg_tcache_max:12";
}

int main(int argc, char** argv) { return tocsin::daemon::command_line(argc, argv); }
