#include "src/commands.hpp"

int main(int argc, char** argv) { return tocsin::daemon::command_line(argc, argv); }
