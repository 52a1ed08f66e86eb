#include "src/commands.hpp"

/// What jemalloc asks the program (docs/decisions/0018): one arena, since one thread has most of the work, freed pages
/// back to the system within a second, and of each size no more kept at hand than some probes under way need.
extern "C" {
extern const char* const malloc_conf;
const char* const malloc_conf =
    "narenas:1,dirty_decay_ms:1000,muzzy_decay_ms:0,lg_tcache_max:12,tcache_nslots_small_max:40";
}

int main(int argc, char** argv) { return tocsin::daemon::command_line(argc, argv); }
